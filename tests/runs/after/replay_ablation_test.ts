import { assertEquals, assertThrows } from "@std/assert";
import { hasOwnRanks, replayRuns, replayStudy } from "../../../src/runs/after/replay_ablation.ts";
import { defaultSettings, type ModulePart } from "../../../src/study/schema/settings.ts";
import type { ModuleShape, RunSpec } from "../../../src/study/types.ts";

type ReplaySource = Parameters<typeof replayRuns>[0][number];

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
  startsEven: true,
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

Deno.test("uniform ranks are as even as the final total goes where it is not the initial one", () => {
  const drifted = { ...source, finalRanks: ranksOf(0, 1, 2, 3, 2, 6) };
  const uniform = replayRuns([drifted], []).find(({ variant }) => variant === "uniform")!;
  const ranks = Object.values(uniform.run.ranks!);
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
    ["final", "LoRA, ranks of elalora", source.finalRanks],
    ["reversed", "LoRA, reversed ranks of elalora", ranksOf(2, 4, 2, 3, 0, 1)],
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

Deno.test("replayRuns names its sources, which share the uniform runs of a cell", () => {
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
    'found a total of 12 for "LoRA, reversed ranks of elalora", want 13',
  );
});

Deno.test("replayStudy keeps the axes, with the replay's labels as methods", () => {
  const axes = { tasks: ["RTE"], methods: ["elalora"], budgets: [2], seeds: [1] };
  const study = replayStudy({ name: "s", axes }, replayRuns([source], []));
  assertEquals([study.name, study.title], ["s-replay", "Replay of final ranks: s"]);
  assertEquals(study.axes, {
    ...axes,
    methods: ["LoRA, ranks of elalora", "LoRA, reversed ranks of elalora", "LoRA, uniform ranks"]
      .map((label) => ({ method: "lora", label })),
  });
});

Deno.test("sources of one total share its uniform ranks, those of the budget where one began with them", () => {
  // AdaLoRA begins above its target, ElaLoRA with the uneven ranks that parameters buy.
  const adalora: ReplaySource = {
    ...source,
    id: "adalora-1",
    run: { ...run, method: "adalora", label: "adalora" },
    initialRanks: ranksOf(3, 3, 3, 3, 3, 3),
    finalRanks: ranksOf(3, 3, 3, 1, 1, 1),
    startsEven: false,
  };
  const uneven = { ...source, initialRanks: ranksOf(3, 1, 3, 1, 3, 1) };
  const runs = replayRuns([adalora, uneven], []);
  assertEquals(runs.map(({ source, baseline }) => [source, baseline]), [
    ["adalora-1", 2],
    ["adalora-1", 2],
    ["adalora-1", 2],
    ["elalora-1", 2],
    ["elalora-1", 2],
  ]);
  assertEquals(runs[2]!.run.ranks, uneven.initialRanks);
  // A method that adapts fewer modules has uniform ranks of its own.
  const few = modules.filter(({ part }) => part === "query");
  const queries = (...ranks: readonly number[]) =>
    Object.fromEntries(few.map(({ name }, i) => [name, ranks[i]!]));
  const narrow: ReplaySource = {
    ...adalora,
    id: "narrow",
    modules: few,
    initialRanks: queries(4, 4, 4),
    finalRanks: queries(6, 4, 2),
  };
  const [, , , , , final, , uniform] = replayRuns([adalora, uneven, narrow], []);
  assertEquals(final!.run.settings.adapter, { modules: ["query"] });
  assertEquals(uniform!.run.ranks, queries(4, 4, 4));
});

Deno.test("ranks are replayed where they moved or were chosen, not where they were even or given", () => {
  const even = { ...source, finalRanks: source.initialRanks };
  assertEquals(hasOwnRanks(source), true);
  assertEquals(hasOwnRanks(even), false);
  assertEquals(hasOwnRanks({ ...source, finalRanks: ranksOf(0, 0, 0, 0, 0, 0) }), false);
  // PRILoRA's ranks never move and are uneven from the start.
  const uneven = ranksOf(1, 1, 2, 2, 3, 3);
  const chosen = { ...source, initialRanks: uneven, finalRanks: uneven, startsEven: false };
  assertEquals(hasOwnRanks(chosen), true);
  const given = { ...run, ranks: uneven };
  assertEquals(hasOwnRanks({ ...chosen, run: given }), false);
  assertEquals(hasOwnRanks({ ...source, initialRanks: uneven, run: given }), true);
  const taken = { ...run, ranksFrom: { run: "x", as: "same" as const } };
  assertEquals(hasOwnRanks({ ...chosen, run: taken }), false);
});

Deno.test("replayRuns takes the settings of plain LoRA, not of LoRA with given ranks", () => {
  const given = { ...lora, options: { alpha: 1 }, ranks: source.finalRanks };
  for (const { run: made } of replayRuns([source], [given, lora])) {
    assertEquals(made.options, lora.options);
  }
});
