/** What runs are trained on and evaluated on: parts of splits, and the tasks of a sequence beside runs of these alone. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { expand, planRuns } from "../../src/runs/plan/planning.ts";
import { methods } from "../../src/methods/table.ts";
import { StudyError } from "../../src/study/check/problems.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { findTask } from "../../src/tasks/catalog.ts";
import { sequenceTask } from "../../src/tasks/sequence.ts";
import { Inputs } from "../../src/runs/inputs.ts";
import {
  defaultSettings,
  overlaySettings,
  type StreamSeeds,
} from "../../src/study/schema/settings.ts";
import type { RunSpec } from "../../src/study/types.ts";
import { firstBatch } from "../../src/tasks/batches.ts";
import type { EvaluationSplit } from "../../src/train/evaluate.ts";
import type { StageData } from "../../src/train/stages.ts";
import { runData } from "../../src/train/run_data.ts";
import { tinyModel } from "./tiny_study.ts";

const names = ["Genre", "Acceptability"];
const inputs = new Inputs({ data: null, model: tinyModel, study: "." }, [
  sequenceTask("Both", names.map((name) => findTask(name))),
]);

async function dataOf(run: RunSpec, scoringExamples = 0) {
  return runData(run, await inputs.read(run), scoringExamples);
}

function runWith(heldOut: number | null, seed = 1): RunSpec {
  return {
    study: "held-out",
    task: "Genre",
    method: "head",
    label: "head",
    methodVersion: 1,
    options: {},
    budget: null,
    ranks: null,
    seed,
    settings: overlaySettings(defaultSettings, {
      model: "folder",
      train: { heldOut, maxLength: 12, batchSize: 64 },
    }),
  };
}

type Batch = EvaluationSplit["batches"][number];

/** Texts of a batch, by their tokens and targets. */
function textsOf({ ids, length, size, targets }: Batch): readonly string[] {
  return Array.from({ length: size }, (_, i) => {
    const tokens = ids.subarray(i * length, (i + 1) * length).filter((id) => id !== 0);
    return `${tokens.join()}:${targets[i]}`;
  });
}

/** Texts of an epoch. */
async function trainedOn(run: RunSpec, scoringExamples = 0): Promise<readonly string[]> {
  const { batches } = (await dataOf(run, scoringExamples)).stages[0]!;
  const seen: string[] = [];
  let cursor = firstBatch;
  while (cursor.epoch === 0) {
    const next = batches.next(cursor);
    seen.push(...textsOf(next.batch));
    cursor = next.cursor;
  }
  return seen;
}

function evaluationSplit(data: Awaited<ReturnType<typeof dataOf>>): readonly number[] {
  return data.splits[0]!.ids;
}

Deno.test("held-out examples are evaluated on and never trained on", async () => {
  const whole = await trainedOn(runWith(null));
  const part = await trainedOn(runWith(0.2));
  const data = await dataOf(runWith(0.2));
  const { task } = await inputs.task("Genre");
  assertEquals(data.splits.map(({ name }) => name), ["held_out"]);
  assertEquals(data.stages[0]!.trainExamples, whole.length);
  assertEquals(evaluationSplit(data).length, Math.round(0.2 * whole.length));
  assertEquals(part.length, whole.length - evaluationSplit(data).length);
  // Each text is either trained on or evaluated on.
  const examples = (await inputs.task("Genre")).splits.get("train")!;
  const targets = evaluationSplit(data).map((id) =>
    examples.find((example) => example.id === id)!.target
  );
  assertEquals(data.splits[0]!.targets, targets);
  const left = [...whole];
  for (const text of part) left.splice(left.indexOf(text), 1);
  const evaluated = data.splits[0]!.batches.flatMap(textsOf);
  assertEquals(left.sort(), evaluated.sort());
  assert(task.splits["dev"] !== undefined);
});

Deno.test("all seeds hold the same examples out", async () => {
  const [first, second] = [runWith(0.2, 1), runWith(0.2, 2)];
  assertEquals(
    evaluationSplit(await dataOf(first)),
    evaluationSplit(await dataOf(second)),
  );
  const without = await dataOf(runWith(null));
  assertEquals(without.splits.map(({ name }) => name), ["dev"]);
});

Deno.test("a half of the evaluation split is kept for verdicts, the same for all seeds", async () => {
  const halved = (seed: number, devLimit: number | null = null): RunSpec => {
    const run = runWith(null, seed);
    const train = { verdictSplit: true, devLimit };
    return { ...run, settings: overlaySettings(run.settings, { train }) };
  };
  const whole = evaluationSplit(await dataOf(runWith(null)));
  const { splits } = await dataOf(halved(1));
  assertEquals(splits.map(({ name }) => name), ["dev", "verdict"]);
  const [choosing, deciding] = splits as readonly [EvaluationSplit, EvaluationSplit];
  assertEquals(deciding.ids.length, Math.floor(whole.length / 2));
  assertEquals([...choosing.ids, ...deciding.ids].sort((a, b) => a - b), whole);
  // Neither half is a part of the file in a row.
  assert(choosing.ids[0]! < deciding.ids.at(-1)! && deciding.ids[0]! < choosing.ids.at(-1)!);
  assertEquals(
    (await dataOf(halved(2))).splits.map(({ ids }) => ids),
    splits.map(({ ids }) => ids),
  );
  assertEquals((await dataOf(halved(1, 9))).splits.map(({ ids }) => ids.length), [9, 9]);
  // Where settings are chosen on held-out training texts, neither half is looked at.
  const tried = halved(1);
  const settings = overlaySettings(tried.settings, { train: { heldOut: 0.2 } });
  assertEquals((await dataOf({ ...tried, settings })).splits.map(({ name }) => name), ["held_out"]);
});

Deno.test("all seeds are evaluated on the same examples of a limit, and train on their own", async () => {
  const limited = (seed: number, heldOut: number | null): RunSpec => {
    const run = runWith(heldOut, seed);
    const train = { devLimit: 25, trainLimit: 30 };
    return { ...run, settings: overlaySettings(run.settings, { train }) };
  };
  for (const heldOut of [null, 0.2]) {
    const [first, second] = [limited(1, heldOut), limited(2, heldOut)];
    const ids = evaluationSplit(await dataOf(first));
    assertEquals(ids.length, 25);
    assertEquals(evaluationSplit(await dataOf(second)), ids);
    // Not just the first ones, and in the order of the file.
    assert(ids.at(-1)! > 30 && ids.every((id, i) => i === 0 || id > ids[i - 1]!), `${ids}`);
    const [own, other] = [await trainedOn(first), await trainedOn(second)];
    assertEquals([own.length, other.length], [30, 30]);
    assert([...own].sort().join() !== [...other].sort().join(), "all seeds train on the same");
  }
});

Deno.test("a held order gives all seeds the same batches, and holds nothing else", async () => {
  const held = (seed: number, seeds: StreamSeeds, trainLimit: number | null = null): RunSpec => {
    const run = runWith(null, seed);
    return {
      ...run,
      settings: overlaySettings(run.settings, { train: { seeds, trainLimit } }),
    };
  };
  const own = await trainedOn(held(1, {}));
  assertEquals(await trainedOn(held(2, { order: 1 })), own);
  assert((await trainedOn(held(2, {}))).join() !== own.join(), "all seeds have the same order");
  assertEquals(await trainedOn(held(1, { init: 2, dropout: 2 })), own);
  // The examples of a limit are still the run's own.
  const [first, second] = [
    await trainedOn(held(1, { order: 1 }, 30)),
    await trainedOn(held(2, { order: 1 }, 30)),
  ];
  assertEquals(first, await trainedOn(held(1, {}, 30)));
  assert([...first].sort().join() !== [...second].sort().join(), "the order draws the examples");
});

Deno.test("examples that are scored on are the run's own and not trained on", async () => {
  const limited = (limit: number | null, seed = 1): RunSpec => {
    const run = runWith(null, seed);
    return {
      ...run,
      settings: overlaySettings(run.settings, { train: { trainLimit: limit } }),
    };
  };
  const stagesOf = async (run: RunSpec, count = 0) =>
    (await dataOf(run, count)).stages as readonly [StageData];
  for (const limit of [null, 50]) {
    const whole = await trainedOn(limited(limit));
    const part = await trainedOn(limited(limit), 9);
    const [{ scoring, trainExamples }] = await stagesOf(limited(limit), 9);
    assertEquals(scoring!.targets.length, 9);
    assertEquals([...part, ...scoring!.batches.flatMap(textsOf)].sort(), [...whole].sort());
    // The schedule is that of the whole split, whatever is scored on.
    assertEquals(trainExamples, (await stagesOf(limited(limit)))[0].trainExamples);
    const [other] = await stagesOf(limited(limit, 2), 9);
    assert(other.scoring!.ids.join() !== scoring!.ids.join(), "all seeds score on the same");
  }
  assertEquals((await stagesOf(limited(null)))[0].scoring, undefined);
  await assertRejects(() => dataOf(limited(9), 9), RangeError, "has 9 to train on");
});

function inSequence(task: string, heldOut: number | null): RunSpec {
  const run = runWith(heldOut, 3);
  const train = { trainLimit: 200, devLimit: 60, batchSize: 16 };
  const sequence = task === "Both" ? { sequence: names } : {};
  return { ...run, task, ...sequence, settings: overlaySettings(run.settings, { train }) };
}

for (const heldOut of [null, 0.2]) {
  Deno.test(`stages see what their tasks alone see, with classes moved on; held out: ${heldOut}`, async () => {
    const both = await dataOf(inSequence("Both", heldOut));
    assertEquals(both.stages.map(({ task, classes }) => [task, classes]), [
      ["Genre", { first: 0, count: 3 }],
      ["Acceptability", { first: 3, count: 2 }],
    ]);
    for (const [i, name] of names.entries()) {
      const first = [0, 3][i]!;
      const alone = await dataOf(inSequence(name, heldOut));
      const [stage, wanted] = [both.stages[i]!, alone.stages[0]!];
      assertEquals(stage.trainExamples, wanted.trainExamples);
      assertEquals(stage.batches.batchesPerEpoch, wanted.batches.batchesPerEpoch);
      for (const cursor of [firstBatch, { epoch: 1, batch: 4 }]) {
        const { targets, ...rest } = stage.batches.next(cursor).batch;
        const { targets: own, ...same } = wanted.batches.next(cursor).batch;
        assertEquals(rest, same);
        assertEquals([...targets], [...own].map((target) => first + target));
      }
      const [split, evaluated] = [both.splits[i]!, alone.splits[0]!];
      assertEquals([split.name, split.ids], [name, evaluated.ids]);
      assertEquals(split.targets, evaluated.targets.map((target) => first + target));
    }
    assertEquals(both.splits.length, 2);
  });
}

Deno.test("a sequence with a task whose files are missing starts nothing", async () => {
  const study = parseStudy({
    name: "missing",
    sequences: { Both: ["Genre", "RTE"] },
    axes: { tasks: ["Both"], methods: ["head"], seeds: [1] },
  });
  const folders = { data: null, model: null, study: "." };
  await assertRejects(
    () => planRuns(study, expand(study, methods), folders, methods),
    StudyError,
    'Cannot read the task "RTE": found no data folder',
  );
  const scored = { ...study, sequences: { Both: ["Genre", "YearsApart"] } };
  await assertRejects(
    async () => await planRuns(scored, expand(scored, methods), folders, methods),
    StudyError,
    'sequences.Both[1]: found the regression "YearsApart"',
  );
});
