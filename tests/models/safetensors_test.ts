import { assert, assertEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { readSafetensors, writeSafetensors } from "../../src/models/safetensors.ts";
import { expected, goldenBytes } from "./fixture.ts";
import int8 from "../golden/int8_rows.json" with { type: "json" };

const int8Bytes = Deno.readFileSync(new URL("../golden/int8_rows.safetensors", import.meta.url));

/** A file with the given header and so many bytes of numbers. */
function fileOf(header: unknown, bodyBytes: number): Uint8Array {
  const text = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + text.length + bodyBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

Deno.test("readSafetensors() reads half and bfloat16 numbers as torch does, bit by bit", () => {
  const { tensors } = readSafetensors(goldenBytes("halves.safetensors"), "halves.safetensors");
  for (const name of ["half", "brain"] as const) {
    const { shape, data } = tensors.get(name)!;
    assertEquals(shape, expected.halves.shape);
    assertEquals([...new Int32Array(data.buffer)], expected.halves.bits[name], name);
  }
});

Deno.test("writeSafetensors() rounds to half precision as torch does", () => {
  const bytes = goldenBytes("halves.safetensors");
  const half = readSafetensors(bytes, "halves.safetensors").tensors.get("half")!;
  const again = readSafetensors(writeSafetensors(new Map([["half", half]]), "F16"), "again");
  assertEquals([...new Int32Array(again.tensors.get("half")!.data.buffer)], [
    ...expected.halves.bits.half,
  ]);
  // Halfway between two neighbours the even one is taken: 1 + 2⁻¹¹ becomes 1, and 1 + 3 · 2⁻¹¹ becomes 1 + 2⁻⁹.
  const ties = { shape: [2], data: Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11) };
  const rounded = readSafetensors(writeSafetensors(new Map([["ties", ties]]), "F16"), "ties");
  assertEquals([...rounded.tensors.get("ties")!.data], [1, 1 + 2 ** -9]);
});

Deno.test("readSafetensors() reads integers, scalars and empty tensors", () => {
  const bytes = fileOf({
    long: { dtype: "I64", shape: [2], data_offsets: [0, 16] },
    short: { dtype: "I32", shape: [], data_offsets: [16, 20] },
    none: { dtype: "F32", shape: [0, 3], data_offsets: [20, 20] },
  }, 20);
  const view = new DataView(bytes.buffer, bytes.length - 20);
  view.setBigInt64(0, -5n, true);
  view.setBigInt64(8, 7n, true);
  view.setInt32(16, -9, true);
  const { tensors, names } = readSafetensors(bytes, "integers");
  assertEquals(names, ["long", "short", "none"]);
  assertEquals([...tensors.values()].map(({ shape, data }) => [[...shape], [...data]]), [
    [[2], [-5, 7]],
    [[], [-9]],
    [[0, 3], []],
  ]);
});

Deno.test("readSafetensors() reads what writeSafetensors() wrote, at any place in a buffer", () => {
  const tensors = new Map([
    ["größe", { shape: [2, 3], data: Float32Array.of(1, -2.5, 3e-40, 4e30, -0, 1 / 3) }],
    ["b", { shape: [1], data: Float32Array.of(Math.PI) }],
    ["part", { shape: [2], data: Float32Array.of(9, 7, -8, 9).subarray(1, 3) }],
  ]);
  const metadata = { note: "naïve 中" };
  const bytes = writeSafetensors(tensors, "F32", metadata);
  const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assertEquals(headerLength % 8, 0);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  for (const source of [bytes, shifted.subarray(3)]) {
    const read = readSafetensors(source, "both");
    assertEquals(read.metadata, metadata);
    assertEquals(read.tensors, tensors);
  }
});

Deno.test("readSafetensors() leaves what is not wanted undecoded, whatever its element type", () => {
  const bytes = fileOf({
    a: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
    flags: { dtype: "BOOL", shape: [3], data_offsets: [4, 7] },
  }, 7);
  const { tensors, names } = readSafetensors(bytes, "mixed", (name) => name === "a");
  assertEquals([[...tensors.keys()], names], [["a"], ["a", "flags"]]);
  assertThrows(
    () => readSafetensors(bytes, "mixed"),
    InputError,
    'Cannot read "mixed": found dtype "BOOL" of tensor "flags", want F32, F16, BF16, I64, I32, I8',
  );
});

Deno.test("readSafetensors() refuses a file cut off anywhere", () => {
  const bytes = goldenBytes("model.safetensors");
  const headerEnd = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const cuts: readonly (readonly [number, string])[] = [
    [0, 'Cannot read "cut": found 0 bytes, want at least the 8 bytes of a header length'],
    [7, "found 7 bytes"],
    [8, "found 0 bytes after the header length, want a header of"],
    [headerEnd - 1, "(is the file truncated?)"],
    [
      headerEnd,
      'tensor "bert.embeddings.LayerNorm.bias": found 0 bytes of numbers, want 64 (the file is',
    ],
    [
      bytes.length - 1,
      "(the file is truncated; fetch it again)",
    ],
  ];
  for (const [length, message] of cuts) {
    assertThrows(() => readSafetensors(bytes.subarray(0, length), "cut"), InputError, message);
  }
  // Also where the tensor that is cut is not wanted.
  assertThrows(
    () => readSafetensors(bytes.subarray(0, -1), "cut", (name) => name !== "classifier.weight"),
    InputError,
    '"classifier.weight"',
  );
});

Deno.test("readSafetensors() refuses what is no safetensors file", () => {
  const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 90868370\n";
  const entry = (dtype: string, shape: readonly number[], end: number) => ({
    x: { dtype, shape, data_offsets: [0, end] },
  });
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [new TextEncoder().encode(pointer), "found a Git LFS pointer, want the weights it points to"],
    [new TextEncoder().encode("<!doctype html><title>Sign in</title>"), "want a header of"],
    [fileOf("{not json", 0), 'Cannot read "bad", its header: found no JSON'],
    [fileOf([1, 2], 0), "found another header, want names with dtype, shape and data_offsets"],
    [fileOf({ x: { dtype: "F32" } }, 0), 'tensor "x": found no shape, want a list'],
    [fileOf(entry("F32", [-1], 4), 4), "found no shape"],
    [fileOf(entry("F64", [1], 8), 8), 'found dtype "F64" of tensor "x"'],
    [fileOf(entry("toString", [1], 8), 8), 'found dtype "toString" of tensor "x"'],
    [fileOf(entry("F32", [2, 2], 8), 8), 'tensor "x": found 8 bytes, want 16 for F32 [2,2]'],
    [fileOf(entry("BF16", [2, 2], 16), 16), "want 8 for BF16 [2,2]"],
  ];
  for (const [bytes, message] of cases) {
    assertThrows(() => readSafetensors(bytes, "bad"), InputError, message);
  }
});

Deno.test("readSafetensors() holds the places of tensors against the file, as the format's own library", () => {
  const f32 = (start: number, end: number, shape: readonly number[] = [(end - start) / 4]) => ({
    dtype: "F32",
    shape,
    data_offsets: [start, end],
  });
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [
      fileOf({ a: f32(0, 8), b: f32(4, 12) }, 12),
      'tensor "b": found its numbers from byte 4 on, want from 8',
    ],
    [
      fileOf({ a: f32(0, 8), b: f32(0, 8) }, 8),
      'tensor "b": found its numbers from byte 0 on, want from 8',
    ],
    [
      fileOf({ a: f32(0, 4), b: f32(8, 12) }, 12),
      'tensor "b": found its numbers from byte 8 on, want from 4',
    ],
    [fileOf({ a: f32(4, 8) }, 8), 'tensor "a": found its numbers from byte 4 on, want from 0'],
    [fileOf({ a: f32(0, 4) }, 5), "found 1 bytes after the last tensor, want none"],
    [fileOf({}, 4), "found 4 bytes after the last tensor"],
    [fileOf({ a: f32(8, 4, []) }, 8), 'tensor "a": found data_offsets [8, 4]'],
    [fileOf({ a: { dtype: "F64", shape: [2], data_offsets: [0, 8] } }, 8), "want 16 for F64 [2]"],
    [fileOf({ a: f32(0, 4, [2 ** 31, 2 ** 31, 2 ** 31]) }, 4), 'tensor "a": found 4 bytes'],
    [
      fileOf('{"a": ' + JSON.stringify(f32(0, 4)) + ', "a": ' + JSON.stringify(f32(0, 4)) + "}", 4),
      'the key "a" twice',
    ],
    [fileOf('{"__proto__": ' + JSON.stringify(f32(0, 4)) + "}", 4), 'the key "__proto__"'],
    [fileOf({ __metadata__: { a: 1 } }, 0), "found another __metadata__, want texts by name"],
    [fileOf("{}\0", 0), "found a NUL"],
  ];
  for (const [bytes, message] of cases) {
    const error = assertThrows(
      () => readSafetensors(bytes, "bad", () => false),
      InputError,
      message,
    );
    assertEquals(error.file, "bad");
  }
  // In any order of the header.
  const { tensors } = readSafetensors(fileOf({ b: f32(4, 8), a: f32(0, 4) }, 8), "good");
  assertEquals([...tensors.keys()], ["b", "a"]);
});

/** The header of a file, and the bytes of each tensor. */
function storedParts(bytes: Uint8Array<ArrayBuffer>) {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<
    string,
    { readonly dtype: string; readonly data_offsets: readonly [number, number] }
  >;
  return (name: string) => {
    const { dtype, data_offsets: [start, end] } = header[name]!;
    return { dtype, start, bytes: bytes.slice(8 + length + start, 8 + length + end) };
  };
}

Deno.test("readSafetensors() unpacks 8-bit rows to numpy's numbers, bit by bit", () => {
  const { tensors, names } = readSafetensors(int8Bytes, "int8");
  assertEquals(names.toSorted(), ["a.bias", "a.weight", "b.weight"]);
  assertEquals([...tensors.keys()].toSorted(), names.toSorted());
  assertEquals(tensors.get("a.weight")!.shape, [5, 7]);
  for (const [name, bits] of Object.entries(int8.unpacked)) {
    assertEquals([...new Int32Array(tensors.get(name)!.data.buffer)], bits, name);
  }
  // The scale need not be wanted.
  const alone = readSafetensors(int8Bytes, "int8", (name) => name === "a.weight").tensors;
  assertEquals([...alone], [["a.weight", tensors.get("a.weight")!]]);
});

Deno.test("writeSafetensors() stores matrices as numpy's 8-bit rows, other tensors in single precision", () => {
  const matrix = new Float32Array(Int32Array.from(int8.matrix).buffer);
  const bias = { shape: [3], data: Float32Array.of(1 / 3, -7, 1e-9) };
  const tensors = new Map([["m", { shape: [5, 7], data: matrix }], ["bias", bias]]);
  const bytes = writeSafetensors(tensors, "I8", { format: "pt" });
  const part = storedParts(bytes);
  assertEquals(part("m").dtype, "I8");
  assertEquals([...new Int8Array(part("m").bytes.buffer)], int8.integers);
  assertEquals([...new Int32Array(part("m.row_scale").bytes.buffer)], int8.scales);
  // Torch wants numbers of 4 bytes at multiples of 4.
  for (const name of ["m.row_scale", "bias"]) {
    assertEquals([part(name).dtype, part(name).start % 4], ["F32", 0], name);
  }
  const { tensors: read, metadata } = readSafetensors(bytes, "again");
  assertEquals([read.get("bias"), metadata], [bias, { format: "pt" }]);
  for (const [i, x] of read.get("m")!.data.entries()) {
    const row = matrix.subarray(7 * Math.floor(i / 7), 7 * Math.floor(i / 7) + 7);
    const half = Math.max(...row.map(Math.abs)) / 127 / 2;
    assert(Math.abs(x - matrix[i]!) <= half * (1 + 1e-6), `${i}: ${x} for ${matrix[i]}`);
  }
});

Deno.test("writeSafetensors() stores 8-bit rows of no numbers and of the smallest, and refuses what is not finite", () => {
  const kept = new Map([
    ["none", { shape: [0, 3], data: new Float32Array() }],
    ["empty", { shape: [2, 0], data: new Float32Array() }],
  ]);
  assertEquals(readSafetensors(writeSafetensors(kept, "I8"), "kept").tensors, kept);
  // The step of such a row is less than the smallest number.
  const tiny = new Map([["tiny", { shape: [1, 2], data: Float32Array.of(1e-45, 0) }]]);
  const { data } = readSafetensors(writeSafetensors(tiny, "I8"), "tiny").tensors.get("tiny")!;
  assertEquals([...data], [0, 0]);
  const broken = new Map([["w", { shape: [1, 2], data: Float32Array.of(1, Infinity) }]]);
  assertThrows(
    () => writeSafetensors(broken, "I8"),
    RangeError,
    'Cannot write 8-bit rows: found 1 of 2 numbers of tensor "w" that are NaN or infinite',
  );
});

Deno.test("readSafetensors() refuses 8-bit integers without a finite scale for each row", () => {
  const file = (shape: readonly number[], scale: unknown, bits = [0, 0]) => {
    const bytes = fileOf({
      "w.row_scale": scale,
      w: { dtype: "I8", shape, data_offsets: [8, 14] },
    }, 14);
    const view = new DataView(bytes.buffer, bytes.length - 14);
    bits.forEach((value, i) => view.setUint32(4 * i, value, true));
    return bytes;
  };
  const entry = (dtype: string, shape: readonly number[]) => ({
    dtype,
    shape,
    data_offsets: [0, 8],
  });
  const good = entry("F32", [2]);
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [
      fileOf({ w: { dtype: "I8", shape: [2, 3], data_offsets: [0, 6] } }, 6),
      'tensor "w": found 8-bit integers alone, want "w.row_scale" [2] beside them, the scale of each row',
    ],
    [
      file([6], good),
      'tensor "w": found 8-bit integers of shape [6], want a matrix [rows, columns]',
    ],
    [
      file([3, 2], good),
      'tensor "w.row_scale": found F32 [2], want F32, F16 or BF16 [3], a scale for each row of "w"',
    ],
    [file([2, 3], entry("F32", [2, 1])), "found F32 [2,1], want F32, F16 or BF16 [2]"],
    [file([2, 3], entry("I32", [2])), "found I32 [2], want F32, F16 or BF16 [2]"],
    [
      file([2, 3], good, [0, 0x7f800000]),
      'tensor "w.row_scale": found Infinity for row 1, want finite scales',
    ],
    [file([2, 3], good, [0x7fc00000, 0]), "found NaN for row 0, want finite scales"],
  ];
  for (const [bytes, message] of cases) {
    assertThrows(() => readSafetensors(bytes, "bad"), InputError, message);
  }
  // Scales without such a matrix are a tensor like any other.
  const plain = writeSafetensors(
    new Map([["w.row_scale", { shape: [1], data: new Float32Array(1) }]]),
  );
  assertEquals(readSafetensors(plain, "plain").names, ["w.row_scale"]);
});
