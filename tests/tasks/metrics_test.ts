import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { glueTasks } from "../../src/tasks/catalog.ts";
import { computeMetrics, metrics, primaryMetric } from "../../src/tasks/metrics.ts";
import { defineMetric } from "../../src/tasks/own_metrics.ts";
import { softmaxOf } from "../../src/train/evaluate.ts";
import { areAverageable, metricInfo } from "../../src/analysis/metrics.ts";
import type { MetricName, Task } from "../../src/tasks/types.ts";
import golden from "../golden/metrics.json" with { type: "json" };

interface Case {
  readonly targets: readonly number[];
  readonly predictions: readonly number[];
  readonly logits?: readonly (readonly number[])[];
  readonly figures: Readonly<Record<string, number | null>>;
}

const glue = (name: string): Task => glueTasks.find((task) => task.name === name)!;

for (const [kind, cases] of Object.entries(golden) as [string, readonly Case[]][]) {
  Deno.test(`metrics agree with scikit-learn and SciPy, ${kind}`, () => {
    let compared = 0;
    for (const { targets, predictions, logits = [], figures } of cases) {
      for (const [name, figure] of Object.entries(figures)) {
        const found = metrics[name as MetricName].compute(
          targets,
          predictions,
          logits.map(softmaxOf),
        );
        // SciPy leaves the correlation with a constant undefined; ranklab says 0.
        assertAlmostEquals(found, figure ?? 0, 1e-12 * Math.max(1, Math.abs(figure ?? 0)));
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
  for (const name of ["pearson", "spearman"] as const) {
    assertEquals(metrics[name].compute(targets, tripled, []), 1);
    assertEquals(metrics[name].compute(targets, tripled.map((value) => -value), []), -1);
  }
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

Deno.test("each metric says which way it is better; reports multiply those by 100 that lie within −1 and 1", () => {
  const infos = Object.keys(metrics).map((name) => [name, metricInfo(name)] as const);
  const where = (fits: (info: ReturnType<typeof metricInfo>) => boolean) =>
    infos.filter(([, info]) => fits(info)).map(([name]) => name);
  assertEquals(where((info) => !info.isHigherBetter), ["logLoss", "brier", "ece", "mae", "rmse"]);
  assertEquals(where(({ scale }) => scale === 1), ["logLoss", "brier", "mae", "rmse", "r2"]);
  assert(areAverageable(where(({ isHigherBetter, scale }) => isHigherBetter && scale === 100)));
  assert(!areAverageable(["accuracy", "ece"]) && !areAverageable(["accuracy", "r2"]));
  // One of a study's own is read by its name alone, and no word within it counts.
  assertEquals(metricInfo("errorFree"), { title: "errorFree", isHigherBetter: true, scale: 1 });
  assertEquals(metricInfo("cost↓"), { title: "cost", isHigherBetter: false, scale: 1 });
});

Deno.test("metrics without information: half of AUROC where all rows are of one class", () => {
  assertEquals([
    metrics.auroc.compute([1, 1], [1, 1], [[0, 1], [1, 0]]),
    metrics.auroc.compute([0], [0], [[1, 0]]),
  ], [0.5, 0.5]);
  assertThrows(
    () => metrics.auroc.compute([1, 0], [1, 0], []),
    RangeError,
    'compute "auroc": found 2 targets',
  );
});

Deno.test("a metric of one's own has a name and a direction, and gives a finite number", () => {
  const own = (name: string, better: unknown, value: unknown = 1) =>
    defineMetric({
      name,
      better: better as "higher",
      output: "classification",
      compute: () => value as number,
    });
  assertThrows(() => own("f1", "higher"), RangeError, 'metric "f1": found that ranklab has it');
  assertThrows(() => own("cost↓", "lower"), RangeError, 'metric "cost↓": found that name, want');
  assertThrows(() => own("cost", undefined), RangeError, 'want "higher" or "lower"');
  assertEquals([own("cost", "lower").name, own("gain", "higher").name], ["cost↓", "gain"]);
  for (const value of [NaN, null]) {
    const ownMetrics = [own("cost", "lower", value)];
    assertThrows(
      () => computeMetrics({ ...glue("RTE"), metrics: ["cost↓"], ownMetrics }, [0, 1], [0, 1]),
      TypeError,
      `Cannot evaluate "RTE" by the metric "cost↓": its function gave ${value} for 2 rows`,
    );
  }
});
