import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { isDamage } from "../../src/record/damage.ts";
import {
  parseEvaluationLine,
  parseImportanceLine,
  parsePredictionLine,
  parseRankLine,
  parseRunAblation,
  parseRunRecord,
  parseRunState,
  parseStepLine,
} from "../../src/record/schema.ts";
import { NewerSchemaError, RecordFormatError } from "../../src/record/parser.ts";
import { fixtureStudy } from "../analysis/fixture.ts";

const study = fixtureStudy({ hasAblation: true, failures: ["LoRA/acceptability/4/2"] });
const run = study.runs.find((r) => r.ranks.length > 0 && r.ablation !== null)!;

/** What a file holds after a value was written to it. */
const stored = (value: unknown): Record<string, unknown> => JSON.parse(JSON.stringify(value));

Deno.test("parsers return every kind of file as it was written", () => {
  assertEquals(parseRunRecord(stored(run.record), "record.json"), run.record);
  assertEquals(parseRunAblation(stored(run.ablation), "ablation.json"), run.ablation);
  for (const line of run.steps) assertEquals(parseStepLine(stored(line), "s"), line);
  for (const line of run.evaluations) assertEquals(parseEvaluationLine(stored(line), "e"), line);
  for (const line of run.ranks) assertEquals(parseRankLine(stored(line), "r"), line);
  for (const line of run.importance) assertEquals(parseImportanceLine(stored(line), "i"), line);
  for (const line of run.predictions) assertEquals(parsePredictionLine(stored(line), "p"), line);
});

Deno.test("parseRunRecord keeps a failed run's cause", () => {
  const failed = study.runs.find((r) => r.record.happened.outcome.state === "failed")!;
  const { outcome } = parseRunRecord(stored(failed.record), "record.json").happened;
  assert(outcome.state === "failed");
  assertEquals([outcome.cause, outcome.step], ["diverged", 17]);
});

Deno.test("parsers refuse a newer schema and name both versions, whatever else the file holds", () => {
  for (const parse of [parseRunRecord, parseRunAblation]) {
    const error = assertThrows(
      () => parse({ schema: 2, something: "new" }, "results/a/b/record.json"),
      NewerSchemaError,
    );
    assertEquals([error.found, error.wanted], ["schema version 2", "at most 1"]);
    assertEquals([error instanceof InputError, isDamage(error)], [true, false]);
    assertStringIncludes(error.message, 'Cannot read "results/a/b/record.json"');
    assertStringIncludes(error.message, "schema version 2");
    assertStringIncludes(error.message, "up to 1");
  }
});

Deno.test("parseRunRecord names the key that is wrong and what was found", () => {
  const cases: readonly (readonly [unknown, key: string, found: string])[] = [
    [{ ...run.record, id: 7 }, "id", "7"],
    [{ ...run.record, schema: "1" }, "schema", '"1"'],
    [{ ...run.record, asked: { ...run.record.asked, task: undefined } }, "asked.task", "nothing"],
    [
      {
        ...run.record,
        happened: { ...run.record.happened, outcome: { state: "failed", cause: "tired" } },
      },
      "happened.outcome.cause",
      '"tired"',
    ],
  ];
  for (const [value, key, found] of cases) {
    const error = assertThrows(
      () => parseRunRecord(value, "record.json"),
      RecordFormatError,
    );
    assertEquals(error.place, key === "" ? "" : `key "${key}"`);
    assert(error instanceof InputError && isDamage(error) && error.wanted !== "");
    assertStringIncludes(error.message, `"${key}"`);
    assertStringIncludes(error.message, `found ${found}`);
  }
});

Deno.test("parseRunRecord reads stored parameters and the time of rank events where they were recorded", () => {
  const { happened } = run.record;
  const withBoth = (storedCount: number, eventMillis: number) => ({
    ...run.record,
    happened: {
      ...happened,
      budget: { ...happened.budget!, stored: storedCount },
      time: { ...happened.time, eventMillis },
    },
  });
  const parsed = parseRunRecord(stored(withBoth(1200, 34.5)), "record.json").happened;
  assertEquals([parsed.budget!.stored, parsed.time.eventMillis], [1200, 34.5]);
  const old = parseRunRecord(stored(run.record), "record.json").happened;
  assertEquals(["stored" in old.budget!, "eventMillis" in old.time], [false, false]);
  for (const bad of [withBoth(-1, 1), withBoth(1, -1)]) {
    assertThrows(() => parseRunRecord(stored(bad), "record.json"), RecordFormatError);
  }
});

Deno.test("parseStepLine reads a diverged loss, which JSON stores as null, as NaN", () => {
  const line = stored({ ...run.steps[0], loss: NaN });
  assertEquals(line["loss"], null);
  assert(Number.isNaN(parseStepLine(line, "steps.jsonl:1").loss));
});

Deno.test("lines of millions are refused by key like all others", () => {
  const [step] = run.steps;
  const [prediction] = run.predictions;
  const figures = ["epoch", "loss", "regulariser", "gradientNorm", "learningRate", "stepMillis"];
  const wrong: readonly [string, unknown][] = [
    ...figures.map((key): [string, unknown] => [key, "0.1"]),
    ["step", -1],
    ["step", 1.5],
    ["tokens", null],
    ["tokens", undefined],
  ];
  for (const [key, value] of wrong) {
    const line = stored({ ...step, [key]: value });
    const error = assertThrows(() => parseStepLine(line, "steps.jsonl:4"), RecordFormatError);
    assertEquals(
      [error.file, error.place],
      ["steps.jsonl:4", `key "${key}"`],
      JSON.stringify(value),
    );
  }
  for (const [key, value] of [["id", -1], ["split", 7], ["target", "0"], ["prediction", true]]) {
    const line = stored({ ...prediction, [String(key)]: value });
    assertThrows(() => parsePredictionLine(line, "p"), RecordFormatError, String(key));
  }
  for (const value of [null, 3, "step", []]) {
    assertThrows(() => parseStepLine(value, "s"), RecordFormatError);
  }
  const { prediction: _number, ...rest } = prediction!;
  assert(Number.isNaN(parsePredictionLine({ ...rest, prediction: null }, "p").prediction));
});

Deno.test("parseRunState reads what tells whether a run is done, and refuses what a newer ranklab wrote", () => {
  const record = stored(run.record);
  assertEquals(parseRunState(record, "r"), {
    schema: run.record.schema,
    id: run.record.id,
    happened: { outcome: { state: "finished" } },
  });
  assertThrows(() => parseRunState({ ...record, schema: 99 }, "r"), NewerSchemaError, "99");
  const lost = assertThrows(() => parseRunState({ ...record, id: 5 }, "r"), RecordFormatError);
  assertEquals(lost.place, 'key "id"');
});
