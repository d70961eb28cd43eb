/** What a line says of a run that has been recorded or ablated. */
import { assertEquals } from "@std/assert";
import { ablationText, summaryOf } from "../../src/cli/work_status.ts";
import type { RecordedResult, RunRecord } from "../../src/record/types.ts";

/** A record with what the line is made from. */
function recordWith(happened: Partial<RecordedResult>): RunRecord {
  const evaluation = (accuracy: number) => ({
    ...{ step: 1, epoch: 1, split: "dev", loss: 1 },
    metrics: { accuracy },
  });
  return {
    happened: {
      outcome: { state: "finished" },
      keep: "best",
      primaryMetric: "accuracy",
      best: evaluation(0.75),
      last: evaluation(0.5),
      ranksMoved: 0,
      time: { wallMillis: 61_000 },
      ...happened,
    },
  } as unknown as RunRecord;
}

Deno.test("summaryOf() tells the metric that counts, the time, and ranks where some moved", () => {
  assertEquals(summaryOf(recordWith({})), "accuracy 75.00 in 1m01s");
  assertEquals(summaryOf(recordWith({ keep: "last" })), "accuracy 50.00 in 1m01s");
  assertEquals(summaryOf(recordWith({ ranksMoved: 5 })), "accuracy 75.00 in 1m01s, 5 ranks moved");
  const outcome = { state: "failed", cause: "out-of-memory", message: "no room", step: 3 } as const;
  assertEquals(summaryOf(recordWith({ outcome })), "failed (out-of-memory): no room");
});

Deno.test("ablationText() names the layer whose removal hurts most, and the ranks that a run was cut to", () => {
  const removal = (kind: "layer" | "module", name: string, metric: number) => ({
    ...{ kind, name, rank: 2, metric },
    loss: 0.75 - metric,
  });
  const ablation = {
    schema: 1,
    metric: "accuracy",
    baseline: 0.75,
    removals: [
      removal("layer", "layer.0", 0.7),
      removal("layer", "layer.1", 0.5),
      removal("layer", "layer.2", 0.8),
      removal("module", "layer.0.query", 0.1),
    ],
  };
  assertEquals(ablationText(ablation), "accuracy 75.00, accuracy 50.00 without layer.1");
  assertEquals(
    ablationText({ ...ablation, metric: "logLoss" }),
    "log loss 0.75, log loss 0.80 without layer.2",
  );
  assertEquals(
    ablationText({
      ...ablation,
      truncations: [{ rank: 1, metric: 0.6 }, { rank: 2, metric: 0.7 }],
    }),
    "accuracy 75.00, accuracy 50.00 without layer.1; cut to fewer ranks, accuracy 60.00 at 1, " +
      "accuracy 70.00 at 2",
  );
});
