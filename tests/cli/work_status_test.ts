import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  ablationText,
  positionText,
  runProgress,
  scoreText,
  summaryOf,
  sweptText,
} from "../../src/cli/work_status.ts";
import type { RecordedResult, RunRecord } from "../../src/record/types.ts";
import { columnsOf } from "../../src/base/text_width.ts";

/** What a line says of a run that has been recorded or ablated. */

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

type Position = Parameters<typeof positionText>[0];

function positionOf(...titles: readonly string[]): Position {
  const progress = runProgress({
    step: 1_234,
    totalSteps: 20_000,
    loss: 0.6931,
    millis: 0,
    checkpointStep: 0,
  });
  return {
    noun: "runs",
    total: 1_200,
    skipped: 100,
    executed: 11,
    running: new Map(titles.map((title) => [title, progress])),
    millis: 3_600_000,
  };
}

Deno.test("positionText fits 20 to 200 columns and always has the time left", () => {
  const titles = [
    "RTE, lora, r2, seed 1",
    "MNLI, elalora b=8 ties=upstream directions=orthonormal, p20000, seed 12",
    "秩のタスク, 長い名前の手法, r4, seed 3",
  ];
  for (const title of titles) {
    for (let columns = 20; columns <= 200; columns++) {
      const line = positionText(positionOf("another", title), columns);
      assert(columnsOf(line) <= columns, `${columnsOf(line)} in ${columns}: ${line}`);
      assertStringIncludes(line, "ETA 97h53m");
    }
  }
});

Deno.test("positionText leaves out the least first: the title's middle, other pieces, the title, the step", () => {
  const position = positionOf("another", "MNLI, elalora b=8 ties=upstream, p20000, seed 12");
  const at = (columns: number | null) => positionText(position, columns);
  assertEquals(
    at(null),
    "[111/1200 runs] MNLI, elalora b=8 ties=upstream, p20000, seed 12: step 1234/20000, loss 0.693, +1 more, ETA 97h53m",
  );
  assertEquals(at(columnsOf(at(null))), at(null));
  assertEquals(
    at(80),
    "[111/1200 runs] MNLI, e…eed 12: step 1234/20000, loss 0.693, +1 more, ETA 97h53m",
  );
  assertEquals(at(69), "[111/1200 runs] MNLI, …ed 12: step 1234/20000, loss 0.693, ETA 97h53m");
  assertEquals(at(60), "[111/1200 runs] step 1234/20000, loss 0.693, ETA 97h53m");
  assertEquals(at(40), "[111/1200 runs] ETA 97h53m");
});

Deno.test("times go to hours, and metrics are written as reports do", () => {
  const none = { finished: 0, failed: 0, skipped: 0, elsewhere: 0, executorShare: 0 };
  const clock = (millis: number) => /in (\S+) \(/.exec(sweptText(none, millis))?.[1];
  assertEquals([0, 45_400, 185_000, 3_600_000, 97_620_000].map(clock), [
    "0s",
    "45s",
    "3m05s",
    "1h00m",
    "27h07m",
  ]);
  assertEquals(scoreText("accuracy", 0.812), "accuracy 81.20");
  assertEquals(scoreText("matthews", -0.0209), "Matthews −2.09");
  assertEquals(scoreText("perplexity", 3.5), "perplexity 3.50");
  assertEquals(scoreText("pearson", undefined), "Pearson –");
});
