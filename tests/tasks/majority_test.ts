import { assertAlmostEquals, assertEquals } from "@std/assert";
import { findTask } from "../../src/tasks/catalog.ts";
import { chanceLoss, majorityMetrics } from "../../src/tasks/majority.ts";
import type { Task } from "../../src/tasks/types.ts";

/** A task of three labels with two metrics. */
const three: Task = {
  ...findTask("MNLI"),
  metrics: ["macroF1", "accuracy"],
};

Deno.test("majorityMetrics() gives the metrics of training's most frequent class, in the task's order", () => {
  // F1 of the positive class where all are called positive: 2·3 / (2·3 + 2).
  const found = majorityMetrics(findTask("MRPC"), [1, 0, 1, 1], [1, 0, 1, 1, 0]);
  assertEquals(Object.entries(found), [["accuracy", 0.6], ["f1", 0.75]]);
  // The split's own majority does not matter.
  assertEquals(majorityMetrics(findTask("RTE"), [0, 0, 1], [1, 1, 1, 0]), { accuracy: 0.25 });
});

Deno.test("majorityMetrics() takes, of classes that are equally frequent, the one that is worth most", () => {
  const rte = findTask("RTE");
  for (const train of [[0, 1], [1, 0], [0, 1, 1, 0]]) {
    assertEquals(majorityMetrics(rte, train, [1, 1, 0]), { accuracy: 2 / 3 });
    assertEquals(majorityMetrics(rte, train, [0, 1, 0]), { accuracy: 2 / 3 });
  }
  // By the first metric: class 2 is right twice in three, F1 0.8 over the two classes that occur.
  assertEquals(majorityMetrics(three, [0, 1, 2], [2, 2, 1]), { macroF1: 0.4, accuracy: 2 / 3 });
});

Deno.test("majorityMetrics() knows splits of one class, of one row, and of a class that training lacks", () => {
  const rte = findTask("RTE");
  assertEquals(majorityMetrics(rte, [0, 0, 1], [0, 0]), { accuracy: 1 });
  assertEquals(majorityMetrics(rte, [0, 0, 1], [1]), { accuracy: 0 });
  assertEquals(majorityMetrics(three, [0, 0], [2, 1]), { macroF1: 0, accuracy: 0 });
  assertEquals(majorityMetrics(findTask("CoLA"), [0, 1, 1], [1, 0, 1]), { matthews: 0 });
});

Deno.test("majorityMetrics() of a number is the mean's, which correlates with nothing", () => {
  assertEquals(majorityMetrics(findTask("STS-B"), [1, 2, 4.5], [0, 5, 2.5]), {
    pearson: 0,
    spearman: 0,
  });
});

Deno.test("chanceLoss() is the entropy of the classes' shares, or the variance", () => {
  const labels = findTask("MNLI").output;
  const number = findTask("STS-B").output;
  assertAlmostEquals(chanceLoss(labels, [0, 1, 2, 2, 1, 0]), Math.log(3));
  // −¾ ln ¾ − ¼ ln ¼
  assertAlmostEquals(chanceLoss(labels, [1, 1, 1, 2]), 0.5623351446188083);
  assertEquals(chanceLoss(labels, [1, 1]), 0);
  assertAlmostEquals(chanceLoss(number, [1, 2, 3, 6]), 3.5);
  assertEquals(chanceLoss(number, [2.5]), 0);
});
