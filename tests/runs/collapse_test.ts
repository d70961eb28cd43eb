/** Runs that collapse, from the sweep to its last lines, on a tiny encoder. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { summaryOf } from "../../src/cli/work_status.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import type { RunRecord } from "../../src/record/types.ts";
import { methodsText } from "../../src/report/methods_text.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { assertRepeats, scoredStudy, tinyStudy, withSwept } from "./tiny_study.ts";

const absurd = { train: { learningRate: 1e12 } };
const collapsing = parseStudy({
  ...tinyStudy,
  axes: { ...tinyStudy.axes, methods: ["lora", "dora"] },
  deltas: [{ when: { method: "lora" }, set: absurd }],
});

Deno.test("a run at an absurd rate is flagged in its record, its line and the sweep's last lines", async (t) => {
  await withSwept(async ({ folder, recordOf, runOf }) => {
    const record = recordOf("lora");
    const { outcome, flags, majority, last } = record.happened;
    assertEquals(outcome, { state: "finished" });
    assertEquals(flags!.map(({ kind }) => kind), [
      "one-class",
      "loss-above-chance",
      "at-majority",
    ]);
    const predictions = (await Deno.readTextFile(`${runOf("lora")}/predictions.jsonl`)).trimEnd()
      .split("\n").map((line) => JSON.parse(line).prediction as number);
    const [one, loss, level] = flags!;
    assert(one?.kind === "one-class" && predictions.every((value) => value === one.prediction));
    // Two labels, each half of the training texts.
    assert(loss?.kind === "loss-above-chance" && loss.chance === Math.LN2 && loss.loss > 1e6);
    assert(level?.kind === "at-majority" && level.score === last!.metrics["accuracy"]);
    assertEquals(majority, { accuracy: 0.5 });
    assertEquals(record.happened.examples, { train: 80, splits: { dev: 40 } });

    assertMatch(
      summaryOf(record),
      /; collapsed: predicts the same .*chance is 0.693/,
    );
    const text = methodsText(await readStudyResults(folder));
    assertMatch(
      text,
      /\n1 of 2 runs collapsed and counts in every mean:\n {2}Moves, lora, rank 2, seed 1: predicts the same for every/,
    );
    assertMatch(text, /majority class .*50\.00/);

    await t.step("a run that learned has no flag", () => {
      assertEquals(recordOf("dora").happened.flags, []);
      assertEquals(recordOf("dora").happened.majority, { accuracy: 0.5 });
      assert(!summaryOf(recordOf("dora")).includes(";"));
    });

    await t.step("a record from before there were flags is verified as ever", async () => {
      const { flags: _flags, majority: _majority, time, ...happened } = record.happened;
      const { jobs: _jobs, ...older } = time;
      const stripped: RunRecord = { ...record, happened: { ...happened, time: older } };
      await Deno.writeTextFile(`${runOf("lora")}/record.json`, JSON.stringify(stripped));
      await assertRepeats(folder, 2, { tolerance: 0 });
      assert(!methodsText(await readStudyResults(folder)).includes("collapsed"));
    });
  }, collapsing);
});

Deno.test("a regression that collapses is flagged, and its majority correlates with nothing", async () => {
  const study = parseStudy({
    ...scoredStudy,
    axes: { ...scoredStudy.axes, methods: ["lora"] },
    deltas: [{ when: { method: "lora" }, set: { train: { learningRate: 1e6 } } }],
  });
  await withSwept(({ recordOf }) => {
    const { flags, majority } = recordOf("lora").happened;
    assertEquals(majority, { pearson: 0, spearman: 0 });
    assert(flags!.some(({ kind }) => kind === "loss-above-chance"), JSON.stringify(flags));
    return Promise.resolve();
  }, study);
});
