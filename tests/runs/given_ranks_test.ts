/** Runs whose ranks come from a file, from another run, or from rank deltas, from the study to their records. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { RunRecord } from "../../src/record/types.ts";
import { StudyError } from "../../src/study/check/problems.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study, type StudyMethod } from "../../src/study/schema/study.ts";
import {
  assertRepeats,
  inHome,
  planIn,
  planTextIn,
  runsIn,
  sweepIn,
  tinyStudy,
} from "./tiny_study.ts";

const of = (label: string, more: object = {}) => ({ of: { label }, ...more });

/** A study of some methods that train for a few steps, with a seed each unless told. */
function studyOf(list: readonly unknown[], seeds: readonly number[] = [1]): Study {
  return parseStudy({
    ...tinyStudy,
    deltas: [{
      when: { method: ["adalora", "elalora"] },
      options: { initWarmup: 1, finalWarmup: 2, maskInterval: 1 },
    }],
    base: {
      ...tinyStudy.base,
      train: { ...tinyStudy.base!.train, steps: 8, keep: "last", evaluateEvery: null },
    },
    axes: { ...tinyStudy.axes, methods: list as StudyMethod[], seeds },
  });
}

/** Records of a swept study by label and seed, as in `lora 1`. */
async function recordsIn(home: string): Promise<ReadonlyMap<string, RunRecord>> {
  const runs = await runsIn(`${home}/results/tiny`);
  return new Map(runs.map(({ record }) => [`${record.asked.label} ${record.asked.seed}`, record]));
}

/** Names of the tiny BERT's modules. */
const parts = ["query", "key", "value", "attention_output", "intermediate", "output"];
const names = [0, 1].flatMap((layer) => parts.map((part) => `layer.${layer}.${part}`));

Deno.test("ranks of a file and with deltas are a run's own, and its record says where they come from", async () => {
  const ranks = Object.fromEntries(names.map((name, i) => [name, 1 + i % 3]));
  const study = studyOf([
    "lora",
    { method: "lora", label: "filed", ranks: { file: "ranks.json", as: "reversed" } },
    { method: "elalora", label: "dosed", ranks: { add: [{ layer: 1, by: 1 }] } },
  ]);
  await inHome(async (home) => {
    const { runs: [lora, filed, dosed] } = await planIn(home, study);
    assertEquals([lora!.run.ranks, lora!.ranksFrom], [null, null]);
    const [first, second] = [names.slice(0, 6), names.slice(6)];
    assertEquals(filed!.run.ranks, {
      ...Object.fromEntries(first.map((name, i) => [name, ranks[second[i]!]!])),
      ...Object.fromEntries(second.map((name, i) => [name, ranks[first[i]!]!])),
    });
    assertEquals(Object.values(dosed!.run.ranks!), [...Array(6).fill(2), ...Array(6).fill(3)]);
    assertEquals((await sweepIn(home, study)).finished, 3);
    const records = await recordsIn(home);
    const { asked, happened } = records.get("filed 1")!;
    assertEquals(asked.ranksFrom, { type: "file", file: "ranks.json", as: "reversed" });
    assertEquals(happened.initialRanks, { ...filed!.run.ranks });
    assertEquals(happened.finalRanks, happened.initialRanks);
    // ElaLoRA starts from the dosed ranks, keeps their total, and moves them.
    const moved = records.get("dosed 1")!;
    assertEquals(moved.asked.ranksFrom, { type: "dose", add: [{ layer: 1, by: 1 }] });
    assertEquals(moved.happened.initialRanks, { ...dosed!.run.ranks });
    assertEquals(Object.values(moved.happened.finalRanks!).reduce((a, b) => a + b), 30);
    assert(moved.happened.ranksMoved > 0);
    assertEquals(records.get("lora 1")!.asked.ranksFrom, undefined);
    // The record of a run is a file of ranks too.
    const record = [...Deno.readDirSync(`${home}/results/tiny`)]
      .find(({ name }) => name.includes("dosed"))!.name;
    const again = studyOf([{
      method: "lora",
      ranks: { file: `results/tiny/${record}/record.json` },
    }]);
    assertEquals((await planIn(home, again)).runs[0]!.run.ranks, {
      ...moved.happened.finalRanks,
    });
  }, { "ranks.json": ranks });
});

Deno.test("ranks that cannot be are refused before anything runs", async () => {
  const given = Object.fromEntries(names.map((name) => [name, 2]));
  const fails = async (list: readonly unknown[], message: string, home: string) => {
    await assertRejects(() => sweepIn(home, studyOf(list)), StudyError, message);
    await assertRejects(() => Deno.stat(`${home}/results`), Deno.errors.NotFound);
  };
  await inHome(async (home) => {
    const lora = (ranks: unknown) => [{ method: "lora", ranks }];
    await fails(lora({ file: "none.json" }), `Cannot read ranks from "${home}/none.json"`, home);
    await fails(lora({ file: "other.json" }), 'Unknown module "layer.9.query"', home);
    await fails(lora({ file: "few.json" }), 'found none for module "layer.0.key"', home);
    await fails(lora({ file: "high.json" }), "with rank 99 in module", home);
    await fails(lora({ add: [{ part: "key", by: -3 }] }), "found rank -1 for module", home);
    await fails(lora({ add: [{ layer: 0, by: 99 }] }), "found rank 101 for module", home);
    await fails(
      [{ method: "xgblora", ranks: { file: "given.json" } }],
      'Cannot fix the ranks of "xgblora": it chooses them itself',
      home,
    );
    await fails(
      [{ method: "gelora", ranks: { add: [{ layer: 0, by: 1 }] } }],
      'Cannot add to the ranks of "gelora"',
      home,
    );
    await fails(
      ["lora", ...lora({ file: "given.json" }).map((entry) => ({ ...entry, label: "a" })), {
        method: "lora",
        label: "b",
        ranks: { add: [{ layer: 0, by: 0 }] },
      }],
      "found that it is the same as run",
      home,
    );
    // Adapters of the houlsby kind are beside two modules of a layer alone.
    await fails(
      ["houlsby", { method: "lora", ranks: of("houlsby") }],
      'Cannot take the ranks of run "Moves, houlsby, r2, seed 1": it does not adapt "layer.0.query"',
      home,
    );
  }, {
    "given.json": given,
    "other.json": { ...given, "layer.9.query": 1 },
    "few.json": { "layer.0.query": 2 },
    "high.json": { ...given, "layer.0.query": 99 },
  });
});

Deno.test("ranks of another run: transplanted over methods and seeds, transformed", async () => {
  const whole = studyOf([
    { method: "lora", label: "second", ranks: of("taken", { as: "reversed" }) },
    { method: "elalora", label: "taken", ranks: of("adalora") },
    "adalora",
    { method: "lora", label: "permuted", ranks: of("adalora", { as: "permuted" }) },
    { method: "lora", label: "even", ranks: of("adalora", { as: "uniform" }) },
    { method: "lora", label: "seed 1's", ranks: { of: { label: "adalora", seed: 1 } } },
  ], [1, 2]);
  const study = parseStudy({
    ...whole,
    except: [{ method: ["second", "taken", "permuted", "even"], seed: 1 }],
  });
  await inHome(async (home) => {
    const { runs } = await planIn(home, study);
    const source = runs.find(({ run }) => run.label === "adalora" && run.seed === 2)!;
    const taken = runs.find(({ run }) => run.label === "taken" && run.seed === 2)!;
    assertEquals(taken.run.ranksFrom, { run: source.id, as: "same" });
    assertEquals(taken.ranksFolder, source.folder);
    const text = await planTextIn(home, study);
    assert(text.includes("from adalora permuted"), text);
    assert(text.includes("from adalora, seed 1"), text);
    assertEquals((await sweepIn(home, study)).finished, 8);
    const records = await recordsIn(home);
    const ranksOf = (key: string, when: "initialRanks" | "finalRanks") =>
      records.get(key)!.happened[when]!;
    const sorted = (ranks: Readonly<Record<string, number>>) => Object.values(ranks).toSorted();
    const total = (ranks: Readonly<Record<string, number>>) =>
      Object.values(ranks).reduce((a, b) => a + b);
    const ranks = ranksOf("adalora 2", "finalRanks");
    assertNotEquals(ranks, ranksOf("adalora 1", "finalRanks"));
    assertEquals(ranksOf("taken 2", "initialRanks"), ranks);
    assertEquals(total(ranksOf("taken 2", "finalRanks")), total(ranks));
    assertEquals(sorted(ranksOf("permuted 2", "initialRanks")), sorted(ranks));
    assertNotEquals(ranksOf("permuted 2", "initialRanks"), ranks);
    assertEquals(sorted(ranksOf("even 2", "initialRanks")), Array(12).fill(2));
    assertEquals(ranksOf("seed 1's 2", "initialRanks"), ranksOf("adalora 1", "finalRanks"));
    const moved = ranksOf("taken 2", "finalRanks");
    assertEquals(
      ranksOf("second 2", "initialRanks"),
      Object.fromEntries(
        names.map((name) => [name, moved[name.replace(/\d/, (n) => String(1 - Number(n)))]!]),
      ),
    );
    assertEquals(records.get("taken 2")!.asked.ranksFrom, {
      type: "run",
      run: source.id,
      title: "Moves, adalora, r2, seed 2",
      as: "same",
    });
    // What is made again is made from the records alone.
    await assertRepeats(`${home}/results/tiny`, 4, { sample: 4, seed: 1, tolerance: 0 });
    assertEquals((await sweepIn(home, study)).skipped, 8);
  });
});

Deno.test("a run whose source failed is recorded as failed with that cause, and a part needs its sources", async () => {
  const study = studyOf(["elalora", { method: "lora", label: "taken", ranks: of("elalora") }]);
  await inHome(async (home) => {
    await assertRejects(
      () => sweepIn(home, study, { only: ["method=taken"] }),
      StudyError,
      'run "Moves, elalora, r2, seed 1", which its ranks come from, is not finished and is left out by --only',
    );
    await assertRejects(() => Deno.stat(`${home}/results`), Deno.errors.NotFound);
    assertEquals((await sweepIn(home, study, { only: ["method=elalora"] })).finished, 1);
    assertEquals((await sweepIn(home, study, { only: ["method=taken"] })).finished, 1);
  });
  const hot = parseStudy({
    ...study,
    deltas: [...study.deltas!, {
      when: { method: "elalora" },
      set: { train: { learningRate: 1e30, clipNorm: null, warmup: 0 } },
    }],
  });
  await inHome(async (home) => {
    const { finished, failed } = await sweepIn(home, hot);
    assertEquals([finished, failed], [0, 2]);
    const { outcome, initialRanks, finalRanks, budget } =
      (await recordsIn(home)).get("taken 1")!.happened;
    assert(outcome.state === "failed");
    assertEquals([outcome.cause, outcome.step], ["ranks", null]);
    assert(outcome.message.includes("that run failed (diverged at step"), outcome.message);
    assertEquals([initialRanks, finalRanks, budget], [null, null, null]);
  });
});
