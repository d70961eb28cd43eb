import { assertEquals, assertThrows } from "@std/assert";
import {
  replayRuns,
  type ReplaySource,
  replayStudy,
  reversedInDepth,
  uniformRanks,
} from "../../src/runs/replay_ablation.ts";
import { defaultSettings } from "../../src/study/settings.ts";
import type { ModulePart, ModuleShape, RunSpec } from "../../src/study/types.ts";

const modules: readonly ModuleShape[] = [0, 1, 2].flatMap((layer) =>
  (["query", "output"] as const).map((part: ModulePart): ModuleShape => ({
    name: `layer.${layer}.${part}`,
    layer,
    part,
    inSize: 8,
    outSize: 8,
  }))
);

/** Ranks by module, in model order. */
const ranksOf = (...ranks: readonly number[]) =>
  Object.fromEntries(modules.map(({ name }, i) => [name, ranks[i]!]));

const run: RunSpec = {
  study: "s",
  task: "RTE",
  method: "elalora",
  label: "elalora",
  methodVersion: 1,
  options: { b: 4 },
  budget: { type: "rank", value: 2 },
  seed: 1,
  settings: {
    ...defaultSettings,
    train: { ...defaultSettings.train, learningRate: 0.5 },
    adapter: { modules: ["query", "output"] },
  },
  ranks: null,
};

const source: ReplaySource = {
  id: "elalora-1",
  run,
  modules,
  initialRanks: ranksOf(2, 2, 2, 2, 2, 2),
  finalRanks: ranksOf(0, 1, 2, 3, 2, 4),
};

const lora: RunSpec = {
  ...run,
  method: "lora",
  label: "lora",
  options: { alpha: 8, scaling: "alpha/r" },
  settings: {
    ...run.settings,
    train: { ...run.settings.train, learningRate: 0.25 },
    adapter: defaultSettings.adapter,
  },
};

Deno.test("reversedInDepth exchanges layers and keeps parts", () => {
  assertEquals(reversedInDepth(modules, source.finalRanks), ranksOf(2, 4, 2, 3, 0, 1));
});

Deno.test("uniformRanks are the initial ones, or as even as the final total goes", () => {
  assertEquals(uniformRanks(source), source.initialRanks);
  const drifted = { ...source, finalRanks: ranksOf(0, 1, 2, 3, 2, 6) };
  const ranks = Object.values(uniformRanks(drifted));
  assertEquals(ranks.reduce((sum, rank) => sum + rank, 0), 14);
  assertEquals(ranks.toSorted(), [2, 2, 2, 2, 3, 3]);
});

Deno.test("replayRuns makes three LoRA runs with the study's LoRA settings", () => {
  const other = { ...lora, seed: 2, options: { alpha: 99, scaling: "alpha/r" } };
  const runs = replayRuns([source], [run, other, lora]);
  assertEquals(runs.map(({ source, baseline }) => [source, baseline]), [
    ["elalora-1", 2],
    ["elalora-1", 2],
    ["elalora-1", 2],
  ]);
  assertEquals(runs.map(({ variant, run: { label, ranks } }) => [variant, label, ranks]), [
    ["final", "LoRA, ElaLoRA's ranks", source.finalRanks],
    ["reversed", "LoRA, reversed ranks", ranksOf(2, 4, 2, 3, 0, 1)],
    ["uniform", "LoRA, uniform ranks", source.initialRanks],
  ]);
  for (const { run: made } of runs) {
    assertEquals([made.method, made.task, made.budget, made.seed], ["lora", "RTE", run.budget, 1]);
    assertEquals(made.options, lora.options);
    assertEquals(made.settings.train.learningRate, 0.25);
    // The ranks are those of ElaLoRA's modules.
    assertEquals(made.settings.adapter, run.settings.adapter);
  }
});

Deno.test("replayRuns takes LoRA's defaults and ElaLoRA's settings where the study has no LoRA", () => {
  for (const { run: made } of replayRuns([source], [run])) {
    assertEquals(made.options, { alpha: 16, scaling: "alpha/r" });
    assertEquals(made.settings, run.settings);
  }
});

Deno.test("replayRuns names variants of ElaLoRA, which share the uniform runs of a cell", () => {
  const second = {
    ...source,
    id: "elalora-2",
    run: { ...run, label: "elalora b=8" },
    finalRanks: ranksOf(2, 2, 2, 2, 1, 3),
  };
  const told = (sources: readonly ReplaySource[]) =>
    replayRuns(sources, [lora]).map(({ run: { label }, source, baseline }) => [
      label,
      source,
      baseline,
    ]);
  assertEquals(told([source, second]), [
    ["LoRA, ranks of elalora", "elalora-1", 2],
    ["LoRA, reversed ranks of elalora", "elalora-1", 2],
    ["LoRA, uniform ranks", "elalora-1", 2],
    ["LoRA, ranks of elalora b=8", "elalora-2", 2],
    ["LoRA, reversed ranks of elalora b=8", "elalora-2", 2],
  ]);
  // Another total has uniform ranks of its own, which a third run of that total shares.
  const drifted = { ...second, finalRanks: ranksOf(2, 2, 2, 2, 1, 4) };
  const third = { ...drifted, id: "elalora-3", run: { ...run, label: "elalora b=12" } };
  assertEquals(told([source, drifted, third]).slice(3), [
    ["LoRA, ranks of elalora b=8", "elalora-2", 5],
    ["LoRA, reversed ranks of elalora b=8", "elalora-2", 5],
    ["LoRA, uniform ranks (total of elalora b=8)", "elalora-2", 5],
    ["LoRA, ranks of elalora b=12", "elalora-3", 5],
    ["LoRA, reversed ranks of elalora b=12", "elalora-3", 5],
  ]);
});

Deno.test("replayRuns refuses ranks whose total would change", () => {
  // A module that only the final ranks know is lost when the depth is reversed.
  const finalRanks = { ...ranksOf(2, 2, 2, 2, 2, 2), "layer.9.query": 1 };
  assertThrows(
    () => replayRuns([{ ...source, finalRanks }], []),
    RangeError,
    'found a total of 12 for "LoRA, reversed ranks", want 13',
  );
});

Deno.test("replayStudy keeps the axes, with the replay's labels as methods", () => {
  const axes = { tasks: ["RTE"], methods: ["elalora"], budgets: [2], seeds: [1] };
  const study = replayStudy({ name: "s", axes }, replayRuns([source], []));
  assertEquals([study.name, study.title], ["s-replay", "Replay of ElaLoRA's ranks: s"]);
  assertEquals(study.axes, {
    ...axes,
    methods: ["LoRA, ElaLoRA's ranks", "LoRA, reversed ranks", "LoRA, uniform ranks"].map((
      label,
    ) => ({
      method: "lora",
      label,
    })),
  });
});
