import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { readJsonl, RecordFormatError } from "../../src/record/parser.ts";
import { parseImportanceLine } from "../../src/record/schema.ts";

const line = (step: number) => JSON.stringify({ step, scores: { "layer.0.query": step / 2 } });

Deno.test("readJsonl reads whole journals, with and without a last line feed", () => {
  for (const text of [`${line(1)}\n${line(2)}\n`, `${line(1)}\n${line(2)}`]) {
    const journal = readJsonl(text, "importance.jsonl", parseImportanceLine);
    assertEquals(journal.lines.map((l) => l.step), [1, 2]);
    assertEquals(journal.torn, null);
    assertEquals(journal.wholeBytes, text.length);
  }
  assertEquals(readJsonl("", "importance.jsonl", parseImportanceLine).lines, []);
});

Deno.test("readJsonl tolerates a last line torn anywhere and says where the whole part ends", () => {
  const whole = `${line(1)}\n`;
  const next = '{"step":2,"scores":{"größe":1}}';
  for (let cut = 1; cut < next.length; cut++) {
    const journal = readJsonl(whole + next.slice(0, cut), "i.jsonl", parseImportanceLine);
    assertEquals(journal.lines.length, 1);
    assertEquals(journal.torn, next.slice(0, cut));
    assertEquals(journal.wholeBytes, whole.length);
  }
});

Deno.test("readJsonl names file and line of a line torn before the last", () => {
  const error = assertThrows(
    () => readJsonl(`${line(1)}\n{"step":2,\n${line(3)}\n`, "a/steps.jsonl", parseImportanceLine),
    InputError,
  );
  assertStringIncludes(error.message, '"a/steps.jsonl", line 2');
  assertStringIncludes(error.message, "step");
});

Deno.test("readJsonl names file, line and key of a line that holds something else", () => {
  const error = assertThrows(
    () => readJsonl(`${line(1)}\n\n{"step":"two","scores":{}}\n`, "i.jsonl", parseImportanceLine),
    RecordFormatError,
  );
  assertStringIncludes(error.message, '"i.jsonl:3"');
  assertStringIncludes(error.message, '"step"');
  assertStringIncludes(error.message, 'found "two"');
});
