/** Merges on every executor, against double precision. */
import { assert, assertEquals } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { subjects, testEach } from "../exec/executors.ts";
import {
  lossesOf,
  noDropout,
  oneLayer,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "../train/fixture.ts";
import { assertClose } from "../graph/numbers.ts";

const all = await subjects();
const reference = all.find(({ kind }) => kind === "reference")!.executor!;
const others = all.filter(({ kind }) => kind !== "reference");

/** A merge after step 3 and another after step 6, of 8. */
const runs: readonly TinyRun[] = [
  { method: "raclora", options: { blockSteps: 3, rewarmup: 1 }, encoder: oneLayer },
  { method: "xgblora", options: { kappa: 3 }, rank: 1, finalTotal: 6 },
].map((run) => ({
  ...run,
  train: {
    steps: 8,
    learningRate: 1e-3,
    dropout: noDropout,
    evaluateEvery: 4,
  },
}));

async function trained(executor: Executor, run: TinyRun) {
  const request = trainingRequest(executor, run);
  const trainer = await Trainer.create(request, null);
  const losses = lossesOf(await trainTo(trainer));
  const { history, order, last } = await trainer.checkpoint();
  trainer.dispose();
  await request.programs.clear();
  const merged = history.flatMap(({ tensors }) => tensors.flatMap(({ data }) => [...data]));
  return { losses, merged, blocks: history.length, order, loss: last!.evaluations[0]!.loss };
}

const wanted = new Map<TinyRun, ReturnType<typeof trained>>();

for (const run of runs) {
  testEach(
    others,
    `${run.method} merges what double precision merges, and goes on from there`,
    async (executor) => {
      const want = await (wanted.get(run) ?? trained(reference, run));
      wanted.set(run, Promise.resolve(want));
      const found = await trained(executor, run);
      assertEquals([found.blocks, found.order], [2, want.order]);
      assert(want.merged.some((value) => value !== 0));
      assertClose(found.losses, want.losses, 1e-4, "loss");
      assertClose(found.merged, want.merged, 1e-3, "merged row");
      assertClose([found.loss], [want.loss], 1e-4, "dev loss");
    },
  );
}
