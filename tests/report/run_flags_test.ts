import { assertEquals } from "@std/assert";
import type { Happened, RunFlag } from "../../src/record/types.ts";
import { flaggedRunsText, flagsText, majorityText } from "../../src/report/run_flags.ts";
import { fixtureStudy } from "./fixture.ts";

const level: RunFlag = { kind: "at-majority", metric: "matthews", score: -0.0123, majority: 0 };
const one: RunFlag = { kind: "one-class", prediction: 2 };

Deno.test("flagsText() says nothing of a run without signs, or from before there were any", () => {
  assertEquals([flagsText([]), flagsText(undefined)], ["", ""]);
});

Deno.test("flagsText() does not call it a collapse to be no better than the majority", () => {
  assertEquals(
    flagsText([level]),
    "; no better than the majority: Matthews −1.2, the majority's is 0.0",
  );
  assertEquals(
    flagsText([one, level]),
    "; collapsed: predicts the same for every text; Matthews −1.2, the majority's is 0.0",
  );
});

/** The runs of the made-up study, each with something else in what happened. */
function runsWith(happenedOf: (index: number) => Partial<Happened>) {
  return fixtureStudy().runs.map((run, i) => ({
    ...run,
    record: { ...run.record, happened: { ...run.record.happened, ...happenedOf(i) } },
  }));
}

Deno.test("flaggedRunsText() names the runs of each kind, and is empty without any", () => {
  assertEquals(flaggedRunsText([]), []);
  assertEquals(flaggedRunsText(fixtureStudy().runs), []);
  const lines = flaggedRunsText(runsWith((i) => ({ flags: i === 3 ? [one] : [] })));
  const { asked } = fixtureStudy().runs[3]!.record;
  assertEquals(lines.length, 2);
  assertEquals(lines[0], "1 run collapsed:");
  assertEquals(lines[1]!.startsWith(`  ${asked.task}, ${asked.label}`), true, lines[1]);
  assertEquals(lines[1]!.endsWith(": predicts the same for every text"), true, lines[1]);
});

Deno.test("flaggedRunsText() counts those that it does not name", () => {
  const flagsOf = (i: number) => i < 2 ? [one, level] : i < 12 ? [level] : [];
  const lines = flaggedRunsText(runsWith((i) => ({ flags: flagsOf(i) })));
  assertEquals(lines.filter((line) => !line.startsWith("  ")), [
    "2 runs collapsed:",
    "10 runs are no better than the majority:",
  ]);
  assertEquals(lines.length, 1 + 2 + 1 + 8 + 1);
  assertEquals(lines.at(-1), "  and 2 more");
});

Deno.test("majorityText() gives the score to beat on each task, and each where settings differ", () => {
  assertEquals(majorityText({ runs: [] }), null);
  assertEquals(majorityText(fixtureStudy()), null);
  const runs = runsWith((i) => ({
    primaryMetric: "accuracy",
    majority: { accuracy: i === 0 ? 0.5 : 0.25, f1: 0.9 },
  }));
  const [first, second] = [...new Set(runs.map(({ record }) => record.asked.task))];
  const text = majorityText({ runs })!;
  assertEquals(
    text.slice(text.indexOf(":") + 2).split(", ").slice(0, 2),
    [`${first} 50.0 accuracy or 25.0 accuracy`, `${second} 25.0 accuracy`],
  );
});
