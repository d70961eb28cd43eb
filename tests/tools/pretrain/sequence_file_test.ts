import { assertEquals, assertThrows } from "@std/assert";
import { decodeSequences, encodeSequences } from "../../../tools/pretrain/sequence_file.ts";

const file = {
  vocabularySize: 8192,
  sequences: [
    { ids: Uint16Array.of(2, 0x1234, 3), boundary: 3 },
    { ids: Uint16Array.of(2, 3, 7, 3), boundary: 2 },
  ],
};
// deno-fmt-ignore
const bytes = Uint8Array.of(
  0x52, 0x4c, 0x53, 0x51, 1, 0, 0, 0, 0, 0x20, 0, 0, 2, 0, 0, 0,
  3, 0, 3, 0, 2, 0, 0x34, 0x12, 3, 0,
  4, 0, 2, 0, 2, 0, 3, 0, 7, 0, 3, 0,
);

Deno.test("encodeSequences() writes the documented bytes", () => {
  assertEquals(encodeSequences(file), bytes);
});

Deno.test("decodeSequences() reads them back, also from within a larger buffer", () => {
  const larger = new Uint8Array(bytes.length + 3);
  larger.set(bytes, 3);
  assertEquals(decodeSequences(larger.subarray(3)), file);
});

Deno.test("decodeSequences() refuses every shortened file and bytes after the end", () => {
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(
      () => decodeSequences(bytes.subarray(0, length)),
      SyntaxError,
      "Cannot read a file",
    );
  }
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  assertThrows(() => decodeSequences(longer), SyntaxError, "1 bytes after the last sequence");
});

Deno.test("decodeSequences() refuses another version and a boundary outside", () => {
  const changed = (at: number, value: number) => bytes.map((byte, i) => i === at ? value : byte);
  assertThrows(() => decodeSequences(changed(4, 2)), SyntaxError, "format version 2");
  assertThrows(() => decodeSequences(changed(18, 9)), SyntaxError, "boundary 9 in sequence 0");
});

Deno.test("encodeSequences() refuses ids beyond the vocabulary and boundaries outside", () => {
  const write = (ids: readonly number[], boundary: number) => () =>
    encodeSequences({ vocabularySize: 10, sequences: [{ ids: Uint16Array.from(ids), boundary }] });
  assertThrows(write([2, 10], 2), RangeError, "found id 10, wanted one below 10");
  assertThrows(write([2, 3], 3), RangeError, "boundary 3");
});
