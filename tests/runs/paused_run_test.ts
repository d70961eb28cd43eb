/** Runs that pause at a step: what is known of them there, and that they go on as if they had not. */
import { assert, assertEquals } from "@std/assert";
import { scoreAt } from "../../src/runs/run_figures.ts";
import { execute, type ExecutionResult } from "../../src/runs/execute.ts";
import type { RunRecord, StepLine } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { executionsOf, inHome, tinyStudy, underWayFolder } from "./tiny_study.ts";

const study = parseStudy({
  ...tinyStudy,
  axes: { ...tinyStudy.axes, methods: ["lora", "elalora"] },
});

/** What files of a run hold, without times. */
function timeless(folder: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...Deno.readDirSync(folder)].map(({ name }): [string, unknown] => {
    const text = () => Deno.readTextFileSync(`${folder}/${name}`);
    if (name === "steps.jsonl") {
      const lines = text().trimEnd().split("\n").map((line): StepLine => JSON.parse(line));
      return [name, lines.map(({ stepMillis: _time, ...line }) => line)];
    }
    if (name !== "record.json") return [name, Deno.readFileSync(`${folder}/${name}`)];
    const { happened: { time: _time, ...happened }, files, ...record } = JSON.parse(
      text(),
    ) as RunRecord;
    const { "steps.jsonl": _steps, ...others } = files!;
    return [name, { ...record, happened, files: others }];
  }));
}

Deno.test("a run that pauses and goes on leaves the bytes of one that did not", async () => {
  await inHome(async (home) => {
    const whole = await executionsOf(home, `${home}/whole`, study);
    const parts = await executionsOf(home, `${home}/parts`, study);
    for (const [i, planned] of parts.runs.entries()) {
      await execute(whole.runs[i]!, whole.context);
      const pausedAt = async (pauseAt: number) => {
        const result = await execute(planned, { ...parts.context, pauseAt });
        assert(result.kind === "paused", result.kind);
        return result.paused;
      };
      // At an evaluation, at a step without one, and at a step that lies behind it.
      const first = await pausedAt(5);
      const second = await pausedAt(7);
      assertEquals({ ...await pausedAt(5), wallMillis: 0 }, { ...first, wallMillis: 0 });
      assertEquals([first.step, second.step], [5, 7]);
      assertEquals(second.score, first.score);
      const journal = `${underWayFolder(`${home}/parts`, planned.folder)}/evaluations.jsonl`;
      const [line] = (await Deno.readTextFile(journal)).split("\n");
      assertEquals(JSON.parse(line!).metrics[first.metric], first.score);
      const end: ExecutionResult = await execute(planned, parts.context);
      assertEquals(end.kind, "recorded");
      assertEquals(
        timeless(`${home}/parts/${planned.folder}`),
        timeless(`${home}/whole/${planned.folder}`),
      );
    }
  });
});

Deno.test("scoreAt() is the last or the best score up to a step, of the split that counts", () => {
  const line = (step: number, split: string, accuracy: number) => ({
    step,
    epoch: 0,
    split,
    loss: 1,
    metrics: { accuracy },
  });
  const losses = [0.6, 0.4, 0.5].map((logLoss, i) => ({
    ...line(i, "held_out", 0),
    metrics: { logLoss },
  }));
  assertEquals(scoreAt(2, "logLoss", losses, "best"), 0.4);
  const lines = [
    line(5, "held_out", 0.6),
    line(5, "other", 0.9),
    line(10, "held_out", 0.5),
    line(15, "held_out", 0.8),
  ];
  assertEquals(scoreAt(10, "accuracy", lines, "last"), 0.5);
  assertEquals(scoreAt(12, "accuracy", lines, "best"), 0.6);
  assertEquals(scoreAt(4, "accuracy", lines, "best"), null);
  assertEquals(scoreAt(4, "accuracy", lines, "last"), null);
  assertEquals(scoreAt(5, "accuracy", [line(5, "held_out", NaN)], "last"), null);
});
