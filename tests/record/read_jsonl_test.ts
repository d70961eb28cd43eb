import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { readJsonl, RecordFormatError } from "../../src/record/parser.ts";
import { parseImportanceLine } from "../../src/record/schema.ts";
import { readEach } from "../../src/record/read_bounded.ts";

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

const items = Array.from({ length: 40 }, (_, i) => i);

Deno.test("readEach keeps the order of items, and reads 32 at a time", async () => {
  let [underWay, most] = [0, 0];
  const read = async (item: number) => {
    most = Math.max(most, ++underWay);
    for (let turns = 40 - item; turns > 0; turns--) await null;
    underWay--;
    return -item;
  };
  assertEquals(await readEach(items, read), items.map((item) => -item));
  assertEquals([most, underWay], [32, 0]);
  assertEquals(await readEach([], read), []);
});

Deno.test("readEach begins nothing after an error, and throws it when what was begun has ended", async () => {
  const begun: number[] = [];
  const ends = items.map(() => Promise.withResolvers<void>());
  const reading = readEach(items, (item) => {
    begun.push(item);
    return ends[item]!.promise;
  });
  let isSettled = false;
  reading.finally(() => isSettled = true).catch(() => {});
  ends[3]!.reject(new Error("unreadable"));
  for (const { resolve } of ends.slice(0, 31)) resolve();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals([begun.length, isSettled], [32, false]);
  ends[31]!.resolve();
  await assertRejects(() => reading, Error, "unreadable");
});
