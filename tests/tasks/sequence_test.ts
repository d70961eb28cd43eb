/** Sequences as tasks, and what their accuracies come to, by hand. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { builtInTasks, findTask } from "../../src/tasks/catalog.ts";
import { primaryMetric } from "../../src/tasks/metrics.ts";
import {
  accuracyOverTime,
  averageAccuracy,
  forgetting,
  sequenceTask,
} from "../../src/tasks/sequence.ts";

Deno.test("the classes of a sequence are those of its tasks, one after the other", () => {
  const task = sequenceTask(
    "Three",
    ["Genre", "Acceptability", "RTE"].map((name) => findTask(name)),
  );
  assertEquals(task.stages, [
    { task: "Genre", classes: { first: 0, count: 3 } },
    { task: "Acceptability", classes: { first: 3, count: 2 } },
    { task: "RTE", classes: { first: 5, count: 2 } },
  ]);
  assertEquals(task.output, {
    type: "classification",
    labels: [
      "Genre: manners",
      "Genre: mystery",
      "Genre: sea",
      "Acceptability: 0",
      "Acceptability: 1",
      "RTE: entailment",
      "RTE: not_entailment",
    ],
  });
  assertEquals(primaryMetric(task), "average_accuracy");
});

Deno.test("a sequence refuses one task, a task twice, and a regression", () => {
  const make = (...names: string[]) => () => sequenceTask("S", names.map((name) => findTask(name)));
  assertThrows(make("RTE"), RangeError, "found 1 tasks, wanted at least 2");
  assertThrows(make("RTE", "RTE"), RangeError, 'found "RTE" twice');
  assertThrows(make("RTE", "STS-B"), RangeError, 'found the regression "STS-B"');
});

Deno.test("a sequence refuses a task that scores choices", () => {
  const [first, second] = builtInTasks.filter(({ output }) => output.type === "classification");
  const output = { type: "classification", labels: ["a", "b"], perChoice: true } as const;
  assertThrows(
    () => sequenceTask("both", [first!, { ...second!, output }]),
    RangeError,
    "which scores choices",
  );
});

Deno.test("average accuracy, accuracy over time and forgetting are those computed by hand", () => {
  const matrix = [
    [0.9],
    [0.6, 0.8],
    [0.7, 0.5, 0.4],
  ];
  // (0.7 + 0.5 + 0.4) / 3
  assertAlmostEquals(averageAccuracy(matrix), 0.5333333333333333, 1e-12);
  // (0.9 + 0.7 + 0.5333…) / 3
  assertAlmostEquals(accuracyOverTime(matrix), 0.7111111111111111, 1e-12);
  // ((0.9 − 0.7) + (0.8 − 0.5)) / 2: the best accuracy before, not the last.
  assertAlmostEquals(forgetting(matrix), 0.25, 1e-12);
  // The best on task 0 may be after a later stage; a task that improves counts below zero.
  assertAlmostEquals(forgetting([[0.5], [0.75, 0.5], [0.25, 0.75, 1]]), (0.5 - 0.25) / 2, 1e-12);
});
