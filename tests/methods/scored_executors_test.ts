/** Norms of inputs and scores by removal on every executor, against double precision. */
import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { removalScores } from "../../src/train/policy_view.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { subjects, testEach } from "../exec/executors.ts";
import {
  noDropout,
  ofKind,
  oneLayer,
  type TinyRun,
  tinyTask,
  trainingRequest,
  trainTo,
} from "../train/fixture.ts";
import { assertClose } from "../graph/numbers.ts";

const all = await subjects();
const reference = all.find(({ kind }) => kind === "reference")!.executor!;
const others = all.filter(({ kind }) => kind !== "reference");

const pruned: TinyRun = {
  method: "prilora",
  options: { n: 3 },
  train: { learningRate: 1e-3, dropout: noDropout },
};
const scored: TinyRun = {
  method: "alora",
  options: { n_A: 3, examples: 6 },
  train: { steps: 9, learningRate: 1e-3, dropout: noDropout },
  encoder: oneLayer,
};

async function afterThree(executor: Executor) {
  const request = trainingRequest(executor, pruned);
  const trainer = await Trainer.create(request, null);
  const events = await trainTo(trainer, 3);
  const { vectors } = await trainer.checkpoint();
  const { adapterSize } = trainer.assembly;
  trainer.dispose();
  await request.programs.clear();
  return {
    events: ofKind(events, "ranks").length,
    norms: vectors.inputNorms!,
    adapters: vectors.theta!.slice(0, adapterSize),
  };
}

let wanted: ReturnType<typeof afterThree> | null = null;

testEach(
  others,
  "PRILoRA's norms and what is pruned are those of double precision",
  async (executor) => {
    const want = await (wanted ??= afterThree(reference));
    const found = await afterThree(executor);
    assertEquals([found.events, want.events], [1, 1]);
    assertClose(found.norms, want.norms, 1e-4, "norm");
    assertClose(found.adapters, want.adapters, 1e-3, "adapter");
    const zeros = (values: Float32Array) =>
      [...values.keys()].filter((i) => values[i] === 0).join();
    assertEquals(zeros(found.adapters), zeros(want.adapters));
  },
);

/** Scores of ranks whose B has been drawn anew, so that they matter. */
async function scoresOn(executor: Executor): Promise<readonly number[]> {
  const request = trainingRequest(executor, scored);
  const trainer = await Trainer.create(request, null);
  const { vectors, order } = await trainer.checkpoint();
  const { programs, assembly } = trainer;
  const theta = vectors.theta!.slice();
  const drawn = RandomStream.fromSeed(4).normals(assembly.adapterSize, 0.2);
  for (let i = 0; i < assembly.adapterSize; i++) theta[i]! += drawn[i]!;
  const scores = await removalScores({
    ...{ executor, programs, theta, order, task: tinyTask, classes: null },
    examples: request.stages[0]!.scoring!,
  });
  // A round that moves ranks ends well on this executor too.
  const events = ofKind(await trainTo(trainer), "ranks");
  assertEquals(events.map(({ moved }) => moved), [3]);
  trainer.dispose();
  await request.programs.clear();
  return scores.flatMap(({ scores }) => scores);
}

let scoresWanted: ReturnType<typeof scoresOn> | null = null;

testEach(others, "ALoRA's scores are those of double precision", async (executor) => {
  const want = await (scoresWanted ??= scoresOn(reference));
  assert(Math.max(...want) - Math.min(...want) > 1e-2, `scores are ${want}`);
  assertClose(await scoresOn(executor), want, 1e-4, "score");
});
