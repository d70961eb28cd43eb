/** Methods whose step has operators of its own, on every executor: the same losses and the same events. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { subjects, testEach } from "../exec/executors.ts";
import { lossesOf, ofKind, oneLayer, type TinyRun, trainingRequest, trainTo } from "./fixture.ts";
import { sequenceRequest } from "./sequence_fixture.ts";

const train = { steps: 8, learningRate: 2e-2 };

/** Two modules that are stacked and one that is not: time on a software GPU goes with the number of nodes. */
const small: Partial<TinyRun> = {
  encoder: oneLayer,
  longest: 8,
  withoutRank: ["value", "attention_output", "output"],
};

const runs: readonly TinyRun[] = [
  { method: "sora", options: { sparseLambda2: 0.05 }, rank: 4, train, ...small },
  {
    method: "sora",
    options: { sparseLambda2: 0.05, threshold: "upstream" },
    rank: 4,
    train,
    ...small,
  },
  { method: "dora", options: { alpha: 3 }, train, ...small },
  { method: "beamlora", options: { useBeamloraStep: 4 }, rank: 4, train, ...small },
];

/** Two tasks of 4 steps each. */
const inSequence: readonly TinyRun[] = [{}, { alphaPer: "module", normaliseCurrent: true }]
  .map((options) => ({
    method: "sdlora",
    options,
    train: { ...train, steps: 4 },
    ...small,
  }));

async function outcome(executor: Executor, run: TinyRun) {
  const requestOf = inSequence.includes(run) ? sequenceRequest : trainingRequest;
  const request = requestOf(executor, run);
  const trainer = await Trainer.create(request, null);
  const events = await trainTo(trainer);
  trainer.dispose();
  await request.programs.clear();
  return {
    losses: lossesOf(events),
    gradientNorms: ofKind(events, "step").map(({ gradientNorm }) => gradientNorm),
    ranks: ofKind(events, "ranks"),
  };
}

const all = await subjects();
const reference = all.find(({ kind }) => kind === "reference")!.executor!;
const others = all.filter(({ kind }) => kind !== "reference");

for (const run of [...runs, ...inSequence]) {
  let inDoublePrecision: ReturnType<typeof outcome> | null = null;
  const label = `${run.method} ${JSON.stringify(run.options)}`;
  testEach(others, `${label} trains as on the reference`, async (executor) => {
    const wanted = await (inDoublePrecision ??= outcome(reference, run));
    const found = await outcome(executor, run);
    assertEquals(found.losses.length, 8);
    found.losses.forEach((loss, i) => assertAlmostEquals(loss, wanted.losses[i]!, 1e-4));
    found.gradientNorms.forEach((norm, i) =>
      assertAlmostEquals(norm, wanted.gradientNorms[i]!, 1e-3)
    );
    assertEquals(wanted.ranks.length > 0, run.method !== "dora", "events of ranks");
    const told = ({ ranks }: typeof found) => ranks.map(({ budget, moved }) => [budget, moved]);
    assertEquals(told(found), told(wanted));
  });
}
