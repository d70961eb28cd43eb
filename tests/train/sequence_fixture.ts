/**
 * A sequence of two small tasks on the golden encoder: does token 7 occur, and which of three kinds is the second token.
 *
 * @module
 */
import { RandomStream } from "../../src/base/random.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { createBatchStream, evaluationBatches } from "../../src/tasks/batches.ts";
import { sequenceTask } from "../../src/tasks/sequence.ts";
import type { Task } from "../../src/tasks/types.ts";
import type { TrainingRequest } from "../../src/train/run_types.ts";
import { type Examples, makeExamples, type TinyRun, tinyTask, trainingRequest } from "./fixture.ts";

/** The second task: the id of the second token modulo 3. */
const kindsTask: Task = {
  ...tinyTask,
  name: "kinds",
  output: { type: "classification", labels: ["a", "b", "c"] },
};

/** Classes 0 and 1 are those of `tiny`, classes 2 to 4 those of `kinds`. */
export const tinySequence: Task = sequenceTask("both", [tinyTask, kindsTask]);

const vocabulary = 40;

function kindsExamples(count: number, seed: number): Examples {
  const { encoded } = makeExamples(count, vocabulary, 14, seed);
  return { encoded, targets: encoded.map(({ ids }) => 2 + ids[1]! % 3) };
}

/** The request of a run through both tasks: 26 and 18 training texts. */
export function sequenceRequest(executor: Executor, run: TinyRun): TrainingRequest {
  const request = trainingRequest(executor, run);
  const { settings, seed, assembly, splits, stages } = request;
  const { batchSize, maxLength } = settings.train;
  const padding = { batchSize, maxLength, padId: 0 };
  const order = RandomStream.fromSeed(seed).fork("order");
  const train = kindsExamples(18, 3);
  const dev = kindsExamples(24, 4);
  const [tiny, kinds] = tinySequence.stages!;
  return {
    ...request,
    task: tinySequence,
    programKey: "both",
    assembly: { ...assembly, output: tinySequence.output, stages: 2 },
    stages: [
      { ...stages[0]!, task: tiny!.task, classes: tiny!.classes },
      {
        task: kinds!.task,
        batches: createBatchStream({ ...train, ...padding }, order),
        trainExamples: train.targets.length,
        classes: kinds!.classes,
      },
    ],
    splits: [
      { ...splits[0]!, name: tiny!.task },
      {
        name: kinds!.task,
        batches: evaluationBatches({ ...dev, ...padding }),
        targets: dev.targets,
        ids: dev.targets.map((_, i) => i),
      },
    ],
  };
}
