/** What a run through a sequence is trained on and evaluated on, beside runs of its tasks alone. */
import { assertEquals, assertRejects } from "@std/assert";
import { Inputs } from "../../src/runs/inputs.ts";
import { expand, planRuns } from "../../src/runs/plan/planning.ts";
import { methods } from "../../src/methods/table.ts";
import { StudyError } from "../../src/study/check/problems.ts";
import { defaultSettings, overlaySettings } from "../../src/study/schema/settings.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import type { RunSpec } from "../../src/study/types.ts";
import { firstBatch } from "../../src/tasks/batches.ts";
import { findTask } from "../../src/tasks/catalog.ts";
import { sequenceTask } from "../../src/tasks/sequence.ts";
import { runData } from "../../src/train/run_data.ts";
import { tinyModel } from "./tiny_study.ts";

const names = ["Genre", "Acceptability"];
const inputs = new Inputs({ data: null, model: tinyModel, study: "." }, [
  sequenceTask("Both", names.map((name) => findTask(name))),
]);

async function dataOf(run: RunSpec, scoringExamples = 0) {
  return runData(run, await inputs.read(run), scoringExamples);
}

function runOf(task: string, heldOut: number | null): RunSpec {
  return {
    study: "sequence-data",
    task,
    ...(task === "Both" ? { sequence: names } : {}),
    method: "head",
    label: "head",
    methodVersion: 1,
    options: {},
    budget: null,
    ranks: null,
    seed: 3,
    settings: overlaySettings(defaultSettings, {
      model: "folder",
      train: { heldOut, trainLimit: 200, devLimit: 60, maxLength: 12, batchSize: 16 },
    }),
  };
}

for (const heldOut of [null, 0.2]) {
  Deno.test(`stages see what their tasks alone see, with classes moved on; held out: ${heldOut}`, async () => {
    const both = await dataOf(runOf("Both", heldOut));
    assertEquals(both.stages.map(({ task, classes }) => [task, classes]), [
      ["Genre", { first: 0, count: 3 }],
      ["Acceptability", { first: 3, count: 2 }],
    ]);
    for (const [i, name] of names.entries()) {
      const first = [0, 3][i]!;
      const alone = await dataOf(runOf(name, heldOut));
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
