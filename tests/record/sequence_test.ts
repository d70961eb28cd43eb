/** What a sequence came to, from the lines of its journal. */
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { parseRunRecord } from "../../src/record/schema.ts";
import { sequenceOutcome } from "../../src/record/sequence.ts";
import type { EvaluationLine } from "../../src/record/types.ts";
import { fixtureStudy } from "../analysis/fixture.ts";

const stages = [
  { task: "A", classes: 2, firstStep: 0, steps: 10 },
  { task: "B", classes: 3, firstStep: 10, steps: 4 },
];

function line(step: number, split: string, accuracy: number, aware: number): EvaluationLine {
  const metrics = { accuracy, task_aware_accuracy: aware };
  return { step, epoch: 1, split, loss: 1, metrics };
}

const lines = [
  line(5, "A", 0.1, 0.1),
  line(10, "A", 0.9, 0.9),
  line(12, "A", 0.2, 0.2),
  line(12, "B", 0.2, 0.2),
  line(14, "A", 0.5, 0.75),
  line(14, "B", 0.7, 0.8),
];

Deno.test("the matrices are of the evaluations at the ends of stages", () => {
  const outcome = sequenceOutcome(stages, lines);
  assertEquals(outcome.stages, stages);
  assertEquals(outcome.classIncremental, [[0.9], [0.5, 0.7]]);
  assertEquals(outcome.taskAware, [[0.9], [0.75, 0.8]]);
  assertAlmostEquals(outcome.averageAccuracy, 0.6, 1e-12);
  assertAlmostEquals(outcome.accuracyOverTime, 0.75, 1e-12);
  assertAlmostEquals(outcome.forgetting, 0.4, 1e-12);
});

Deno.test("a stage that was not evaluated is an error that names it", () => {
  assertThrows(
    () => sequenceOutcome(stages, lines.slice(0, -1)),
    RangeError,
    'found no accuracy of "B" after step 14',
  );
});

Deno.test("a record keeps what its sequence came to", () => {
  const [{ record }] = fixtureStudy().runs as [ReturnType<typeof fixtureStudy>["runs"][0]];
  const sequence = sequenceOutcome(stages, lines);
  const changed = { ...record, happened: { ...record.happened, sequence } };
  assertEquals(parseRunRecord(JSON.parse(JSON.stringify(changed)), "record.json"), changed);
});
