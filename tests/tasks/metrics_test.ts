import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { glueTasks } from "../../src/tasks/glue.ts";
import { computeMetrics, metrics, primaryMetric } from "../../src/tasks/metrics.ts";
import { areAverageable, metricInfo } from "../../src/report/metrics.ts";
import type { MetricName, Task } from "../../src/tasks/types.ts";
import golden from "../golden/metrics.json" with { type: "json" };

interface Case {
  readonly targets: readonly number[];
  readonly predictions: readonly number[];
  readonly figures: Readonly<Record<string, number | null>>;
}

const glue = (name: string): Task => glueTasks.find((task) => task.name === name)!;

for (const [kind, cases] of Object.entries(golden) as [string, readonly Case[]][]) {
  Deno.test(`metrics agree with scikit-learn and SciPy, ${kind}`, () => {
    let compared = 0;
    for (const { targets, predictions, figures } of cases) {
      for (const [name, figure] of Object.entries(figures)) {
        const found = metrics[name as MetricName].compute(targets, predictions);
        // SciPy leaves the correlation with a constant undefined; ranklab says 0.
        assertAlmostEquals(found, figure ?? 0, 1e-12);
        compared++;
      }
    }
    assert(compared >= 6);
  });
}

Deno.test("no correlation is beyond ±1, whatever rounding gives", () => {
  // The plain formula gives 1.0000000000000002 for these.
  const targets = [1, 2, 3, 4].map((value) => value * 1 / 10);
  const tripled = targets.map((value) => 3 * value);
  assertEquals(metrics.pearson.compute(targets, tripled), 1);
  assertEquals(metrics.pearson.compute(targets, tripled.map((value) => -value)), -1);
  assertEquals(metrics.spearman.compute(targets, tripled), 1);
  assertEquals(metrics.spearman.compute(targets, tripled.map((value) => -value)), -1);
});

Deno.test("computeMetrics() gives a task's metrics in its order", () => {
  // Two of three positives found, one false alarm: F1 = 2·2 / (2·2 + 1 + 1).
  const targets = new Float32Array([1, 1, 1, 0, 0]);
  const predictions = new Float32Array([1, 1, 0, 1, 0]);
  const found = computeMetrics(glue("MRPC"), targets, predictions);
  assertEquals(Object.entries(found), [["accuracy", 0.6], ["f1", 2 / 3]]);
  assertEquals(Object.keys(computeMetrics(glue("STS-B"), [0, 5], [1, 2])), ["pearson", "spearman"]);
});

Deno.test("computeMetrics() refuses predictions that cannot be evaluated", () => {
  const cases: readonly (readonly [string, readonly number[], readonly number[], string])[] = [
    ["RTE", [], [], "found 0 targets and 0 predictions"],
    ["RTE", [0, 1], [0], "found 2 targets and 1 predictions"],
    [
      "RTE",
      [0, 1],
      [0, 2],
      'metrics of "RTE": the prediction of row 1 is 2, wanted a class from 0 to 1',
    ],
    ["RTE", [0, 0.5], [0, 1], "the target of row 1 is 0.5"],
    ["STS-B", [0, 1], [0, NaN], "the prediction of row 1 is NaN, wanted a finite number"],
  ];
  for (const [task, targets, predictions, message] of cases) {
    assertThrows(() => computeMetrics(glue(task), targets, predictions), RangeError, message);
  }
});

Deno.test("primaryMetric() is the official one of each GLUE task", () => {
  const primary = glueTasks.map((task) => [task.name, primaryMetric(task)]);
  assertEquals(Object.fromEntries(primary), {
    "CoLA": "matthews",
    "SST-2": "accuracy",
    "MRPC": "accuracy",
    "STS-B": "pearson",
    "QQP": "accuracy",
    "MNLI": "accuracy",
    "QNLI": "accuracy",
    "RTE": "accuracy",
    "WNLI": "accuracy",
  });
});

Deno.test("reports know each metric, and show it times 100", () => {
  const names = Object.keys(metrics);
  assert(areAverageable(names));
  for (const name of names) {
    const { isHigherBetter, scale } = metricInfo(name);
    assertEquals([isHigherBetter, scale], [true, 100]);
  }
});
