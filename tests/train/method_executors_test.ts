/** Methods whose steps, events or scores have operators of their own, on every executor, against double precision. */
import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { removalScores } from "../../src/train/policy_view.ts";
import type { TrainingRequest } from "../../src/train/run_types.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { subjects, testEach } from "../exec/executors.ts";
import { assertAlmost, assertClose } from "../graph/numbers.ts";
import {
  lossesOf,
  noDropout,
  ofKind,
  oneLayer,
  type TinyRun,
  tinyTask,
  trainingRequest,
  trainTo,
} from "./fixture.ts";
import { sequenceRequest } from "./sequence_fixture.ts";

const all = await subjects();
const reference = all.find(({ kind }) => kind === "reference")!.executor!;
const others = all.filter(({ kind }) => kind !== "reference");

/** Registers a test on each executor of what a trainer gives there; what it gives in double precision is worked out once. */
function testOutcome<Outcome>(
  name: string,
  requestOf: (executor: Executor) => TrainingRequest,
  outcomeOf: (trainer: Trainer, request: TrainingRequest) => Promise<Outcome>,
  check: (found: Outcome, wanted: Outcome) => void,
): void {
  const outcome = async (executor: Executor) => {
    const request = requestOf(executor);
    const trainer = await Trainer.create(request, null);
    const found = await outcomeOf(trainer, request);
    trainer.dispose();
    await request.programs.clear();
    return found;
  };
  let inDoublePrecision: Promise<Outcome> | null = null;
  testEach(others, name, async (executor) => {
    const wanted = await (inDoublePrecision ??= outcome(reference));
    check(await outcome(executor), wanted);
  });
}

const train = { steps: 8, learningRate: 2e-2 };

/** Two modules that are stacked and one that is not: time on a software GPU goes with the number of nodes. */
const small: Partial<TinyRun> = {
  encoder: oneLayer,
  longest: 8,
  withoutRank: ["value", "attention_output", "output"],
};

/** The runs in a sequence have two tasks of 4 steps each. */
const trained: readonly (TinyRun & { readonly makes?: typeof sequenceRequest })[] = [
  { method: "sora", options: { sparseLambda2: 0.05 }, rank: 4, train },
  { method: "sora", options: { sparseLambda2: 0.05, threshold: "upstream" }, rank: 4, train },
  { method: "dora", options: { alpha: 3 }, train },
  { method: "beamlora", options: { useBeamloraStep: 4 }, rank: 4, train },
  ...[{}, { alphaPer: "module", normaliseCurrent: true }].map((options) => ({
    method: "sdlora",
    options,
    train: { ...train, steps: 4 },
    makes: sequenceRequest,
  })),
];

for (const { makes = trainingRequest, ...run } of trained) {
  testOutcome(
    `${run.method} ${JSON.stringify(run.options)} trains as on the reference`,
    (executor) => makes(executor, { ...run, ...small }),
    async (trainer) => {
      const events = await trainTo(trainer);
      return {
        losses: lossesOf(events),
        norms: ofKind(events, "step").map(({ gradientNorm }) => gradientNorm),
        ranks: ofKind(events, "ranks").map(({ budget, moved }) => [budget, moved]),
      };
    },
    (found, wanted) => {
      assertEquals(found.losses.length, 8);
      assertAlmost(found.losses, wanted.losses, 1e-4, "loss");
      assertAlmost(found.norms, wanted.norms, 1e-3, "norm");
      assertEquals(wanted.ranks.length > 0, run.method !== "dora", "events of ranks");
      assertEquals(found.ranks, wanted.ranks);
    },
  );
}

/** A merge after step 3 and another after step 6, of 8. */
const merging: readonly TinyRun[] = [
  { method: "raclora", options: { blockSteps: 3, rewarmup: 1 }, encoder: oneLayer },
  { method: "xgblora", options: { kappa: 3 }, rank: 1, finalTotal: 6 },
];

for (const run of merging) {
  const train = { steps: 8, learningRate: 1e-3, dropout: noDropout, evaluateEvery: 4 };
  testOutcome(
    `${run.method} merges what double precision merges, and goes on from there`,
    (executor) => trainingRequest(executor, { ...run, train }),
    async (trainer) => {
      const losses = lossesOf(await trainTo(trainer));
      const { history, order, last } = await trainer.checkpoint();
      const merged = history.flatMap(({ tensors }) => tensors.flatMap(({ data }) => [...data]));
      return { losses, merged, blocks: history.length, order, dev: last!.evaluations[0]!.loss };
    },
    (found, wanted) => {
      assertEquals([found.blocks, found.order], [2, wanted.order]);
      assert(wanted.merged.some((value) => value !== 0));
      assertClose(found.losses, wanted.losses, 1e-4, "loss");
      assertClose(found.merged, wanted.merged, 1e-3, "merged row");
      assertClose([found.dev], [wanted.dev], 1e-4, "dev loss");
    },
  );
}

testOutcome(
  "PRILoRA's norms and what is pruned are those of double precision",
  (executor) =>
    trainingRequest(executor, {
      method: "prilora",
      options: { n: 3 },
      train: { learningRate: 1e-3, dropout: noDropout },
    }),
  async (trainer) => {
    const events = ofKind(await trainTo(trainer, 3), "ranks").length;
    const { vectors } = await trainer.checkpoint();
    const adapters = vectors.theta!.slice(0, trainer.assembly.adapterSize);
    return { events, norms: vectors.inputNorms!, adapters };
  },
  (found, wanted) => {
    assertEquals([found.events, wanted.events], [1, 1]);
    assertClose(found.norms, wanted.norms, 1e-4, "norm");
    assertClose(found.adapters, wanted.adapters, 1e-3, "adapter");
    const zeros = (values: Float32Array) =>
      [...values.keys()].filter((i) => values[i] === 0).join();
    assertEquals(zeros(found.adapters), zeros(wanted.adapters));
  },
);

testOutcome(
  "ALoRA's scores are those of double precision",
  (executor) =>
    trainingRequest(executor, {
      method: "alora",
      options: { n_A: 3, examples: 6 },
      train: { steps: 9, learningRate: 1e-3, dropout: noDropout },
      encoder: oneLayer,
    }),
  async (trainer, { executor, stages }) => {
    const { vectors, order } = await trainer.checkpoint();
    const { programs, assembly } = trainer;
    const theta = vectors.theta!.slice();
    // Ranks whose B has been drawn anew, so that they matter.
    const drawn = RandomStream.fromSeed(4).normals(assembly.adapterSize, 0.2);
    for (let i = 0; i < assembly.adapterSize; i++) theta[i]! += drawn[i]!;
    const scores = await removalScores({
      ...{ executor, programs, theta, order, task: tinyTask, classes: null },
      examples: stages[0]!.scoring!,
    });
    // A round that moves ranks ends well on this executor too.
    const events = ofKind(await trainTo(trainer), "ranks");
    assertEquals(events.map(({ moved }) => moved), [3]);
    return scores.flatMap(({ scores }) => scores);
  },
  (found, wanted) => {
    assert(Math.max(...wanted) - Math.min(...wanted) > 1e-2, `scores are ${wanted}`);
    assertClose(found, wanted, 1e-4, "score");
  },
);
