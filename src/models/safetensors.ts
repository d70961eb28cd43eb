/**
 * The safetensors format: a JSON header with names, types, shapes and places, then the numbers.
 *
 * Matrices may be stored as 8-bit integers by row: a tensor NAME of type `I8` [rows, columns], and beside it NAME.row_scale
 * [rows] in a type of floating point. A number of the matrix is its integer times the scale of its row. To other readers of the
 * format these are two tensors.
 *
 * @module
 */
import { InputError, shown } from "../base/input_error.ts";
import { parseJson } from "../base/read_json.ts";
import { decodeText } from "../base/read_text.ts";
import type { HostTensor } from "../graph/mod.ts";

/** Element types that can be read; `I8` with the scales of its rows. Written are `F32`, `F16` and `I8`. */
export type StoredType = "F32" | "F16" | "BF16" | "I64" | "I32" | "I8";

/** A stored tensor, its numbers in single precision. */
export interface StoredTensor {
  /** Sizes, outermost first; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** Row-major; half precision and bfloat16 are widened, integers rounded to the nearest float32, rows of 8 bits scaled. */
  readonly data: Float32Array;
}

const bytesPer: Readonly<Record<StoredType, number>> = {
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I8: 1,
};

/** The tensor that scales the rows of a matrix of 8-bit integers. */
const scaleName = (matrix: string) => `${matrix}.row_scale`;

/** Whether numbers lie in memory as they lie in the file. */
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function decode(type: StoredType, bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / bytesPer[type];
  const data = new Float32Array(count);
  if (type === "F32") {
    if (littleEndian) new Uint8Array(data.buffer).set(bytes);
    else for (let i = 0; i < count; i++) data[i] = view.getFloat32(4 * i, true);
  } else if (type === "F16") {
    for (let i = 0; i < count; i++) data[i] = view.getFloat16(2 * i, true);
  } else if (type === "BF16") {
    const words = new Uint32Array(data.buffer);
    for (let i = 0; i < count; i++) words[i] = view.getUint16(2 * i, true) << 16;
  } else if (type === "I32") {
    for (let i = 0; i < count; i++) data[i] = view.getInt32(4 * i, true);
  } else if (type === "I8") {
    for (let i = 0; i < count; i++) data[i] = view.getInt8(i);
  } else {
    for (let i = 0; i < count; i++) data[i] = Number(view.getBigInt64(8 * i, true));
  }
  return data;
}

/** Bits of a number of each type of the format; of a type that is not here, sizes are not checked. */
const bitsPer: Readonly<Record<string, number>> = {
  ...{ BOOL: 8, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F4: 4, F6_E2M3: 6, F6_E3M2: 6 },
  ...{ U16: 16, I16: 16, F16: 16, BF16: 16, U32: 32, I32: 32, F32: 32 },
  ...{ U64: 64, I64: 64, F64: 64, C64: 64 },
};

/** How a file begins that Git LFS left in place of a large one. */
const lfsOpening = "version https://git-lfs";

/** Bytes of a header at most, as in the format's own library. */
const mostHeaderBytes = 100_000_000;

/** Numbers and sizes of a tensor at most: what can be counted without an error. */
const mostNumbers = Number.MAX_SAFE_INTEGER;

/** What a safetensors file holds. */
export interface StoredTensors {
  /** The tensors that were decoded. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The names of all, decoded or not, in the order of the header; without the scales of 8-bit rows. */
  readonly names: readonly string[];
  /** Texts under `__metadata__`, often only `format`; empty where the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A tensor as the header has it. */
interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** Stops with an error at a place of the file. */
type Fail = (found: string, wanted: string, place?: string) => never;

/**
 * Reads a safetensors file.
 *
 * The header is held against the file as the format's own library does it: the numbers of the tensors follow each other without
 * a gap, none twice, up to the end of the file. A name may stand in the header once.
 *
 * @param bytes Its contents.
 * @param fileName Its name, for messages.
 * @param isWanted Which tensors to decode, by name; the others may have any element type. Default all.
 *
 * @throws {InputError} If the file is truncated or longer than its header says, or the header cannot be read; the message names
 * the tensor where one is concerned.
 */
export function readSafetensors(
  bytes: Uint8Array,
  fileName: string,
  isWanted: (name: string) => boolean = () => true,
): StoredTensors {
  const fail: Fail = (found, wanted, place) => {
    throw new InputError({
      file: fileName,
      ...(place === undefined ? {} : { place }),
      found,
      wanted,
    });
  };
  const headerLength = headerLengthOf(bytes, fail);
  const text = decodeText(bytes.subarray(8, 8 + headerLength), fileName);
  const json = parseJson(text, fileName, { place: "its header" });
  const body = bytes.subarray(8 + headerLength);
  const { entries, metadata } = readHeader(json, fail);
  checkPlaces(entries, body.length, fail);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const scales = new Set(
    entries.filter(({ dtype }) => dtype === "I8").map(({ name }) => scaleName(name)),
  );
  const named = entries.filter(({ name }) => !scales.has(name));
  const tensors = new Map<string, StoredTensor>();
  for (const { name, dtype, shape, start, end } of named) {
    if (!isWanted(name)) continue;
    if (!Object.hasOwn(bytesPer, dtype)) {
      fail(`dtype "${shown(dtype)}" of tensor "${shown(name)}"`, Object.keys(bytesPer).join(", "));
    }
    const data = decode(dtype as StoredType, body.subarray(start, end));
    if (dtype === "I8") scaleRows({ name, shape, data }, byName.get(scaleName(name)), body, fail);
    tensors.set(name, { shape, data });
  }
  return { tensors, names: named.map(({ name }) => name), metadata };
}

/** Multiplies each row of a matrix with its scale, in place. */
function scaleRows(
  { name, shape, data }: StoredTensor & { readonly name: string },
  entry: Entry | undefined,
  body: Uint8Array,
  fail: Fail,
): void {
  const place = `tensor "${shown(name)}"`;
  if (shape.length !== 2) {
    fail(`8-bit integers of shape [${shown(shape.join())}]`, "a matrix [rows, columns]", place);
  }
  const [rows, columns] = shape as readonly [number, number];
  if (entry === undefined) {
    return fail(
      "8-bit integers alone",
      `"${shown(scaleName(name))}" [${rows}] beside them, the scale of each row`,
      place,
    );
  }
  const scalePlace = `tensor "${shown(entry.name)}"`;
  const isFloat = ["F32", "F16", "BF16"].includes(entry.dtype);
  if (!isFloat || entry.shape.join() !== `${rows}`) {
    fail(
      `${shown(entry.dtype)} [${shown(entry.shape.join())}]`,
      `F32, F16 or BF16 [${rows}], a scale for each row of "${shown(name)}"`,
      scalePlace,
    );
  }
  const scales = decode(entry.dtype as StoredType, body.subarray(entry.start, entry.end));
  const wrong = scales.findIndex((scale) => !Number.isFinite(scale));
  if (wrong >= 0) fail(`${scales[wrong]} for row ${wrong}`, "finite scales", scalePlace);
  for (let row = 0; row < rows; row++) {
    for (let i = row * columns; i < (row + 1) * columns; i++) data[i]! *= scales[row]!;
  }
}

function headerLengthOf(bytes: Uint8Array, fail: Fail): number {
  if (new TextDecoder().decode(bytes.subarray(0, lfsOpening.length)) === lfsOpening) {
    fail("a Git LFS pointer", "the weights it points to (run git lfs pull in its folder)");
  }
  if (bytes.length < 8) fail(`${bytes.length} bytes`, "at least the 8 bytes of a header length");
  const length = Number(
    new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true),
  );
  if (length > bytes.length - 8) {
    fail(
      `${bytes.length - 8} bytes after the header length`,
      `a header of ${length} bytes (is the file truncated?)`,
    );
  }
  if (length > mostHeaderBytes) {
    fail(`a header of ${length} bytes`, `one of at most ${mostHeaderBytes}`);
  }
  return length;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The tensors of a header, each of a form that can be counted with. */
function readHeader(
  json: unknown,
  fail: Fail,
): { readonly entries: readonly Entry[]; readonly metadata: Readonly<Record<string, string>> } {
  if (!isObject(json)) {
    return fail("another header", "names with dtype, shape and data_offsets", "its header");
  }
  let metadata: Readonly<Record<string, string>> = {};
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(json)) {
    if (name === "__metadata__") {
      if (!isObject(value) || !Object.values(value).every((text) => typeof text === "string")) {
        return fail("another __metadata__", "texts by name", "its header");
      }
      metadata = value as Readonly<Record<string, string>>;
      continue;
    }
    entries.push(readEntry(name, value, fail));
  }
  return { entries, metadata };
}

function readEntry(name: string, value: unknown, fail: Fail): Entry {
  const place = `tensor "${shown(name)}"`;
  if (!isObject(value)) return fail("no object", "dtype, shape and data_offsets", place);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string") return fail("no dtype", "one such as F32", place);
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    return fail("no shape", "a list of whole numbers", place);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return fail("no data_offsets", "a pair of offsets", place);
  }
  const [start, end] = offsets as [number, number];
  if (start > end) return fail(`data_offsets [${start}, ${end}]`, "a start before the end", place);
  const count = shape.reduce((product: number, size: number) => product * size, 1);
  const bits = Object.hasOwn(bitsPer, dtype) ? bitsPer[dtype]! : null;
  if (count > mostNumbers || (bits !== null && 8 * (end - start) !== count * bits)) {
    return fail(
      `${end - start} bytes`,
      `${count * (bits ?? 8) / 8} for ${shown(dtype)} [${shown(shape.join())}]`,
      place,
    );
  }
  return { name, dtype, shape, start, end };
}

/** Checks that tensors follow each other from the start of the numbers to their end. */
function checkPlaces(entries: readonly Entry[], size: number, fail: Fail): void {
  let at = 0;
  for (
    const { name, start, end } of entries.toSorted((a, b) => a.start - b.start || a.end - b.end)
  ) {
    const place = `tensor "${shown(name)}"`;
    if (start !== at) {
      fail(
        `its numbers from byte ${start} on`,
        `from ${at} on, where those of the tensor before it end: tensors neither share bytes nor leave any out`,
        place,
      );
    }
    if (end > size) {
      fail(`${size} bytes of numbers`, `${end} (the file is truncated; fetch it again)`, place);
    }
    at = end;
  }
  if (at !== size) {
    fail(
      `${size - at} bytes after the last tensor`,
      "none (the file is damaged, or its header is another's; fetch it again)",
    );
  }
}

/** A tensor as it is written. */
interface Written {
  readonly name: string;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

function encode(type: "F32" | "F16", data: Float32Array): Uint8Array {
  if (type === "F32" && littleEndian) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  const bytes = new Uint8Array(data.length * bytesPer[type]);
  const view = new DataView(bytes.buffer);
  data.forEach((value, i) => {
    if (type === "F32") view.setFloat32(4 * i, value, true);
    else view.setFloat16(2 * i, value, true);
  });
  return bytes;
}

/** A matrix as integers from -127 to 127, each the nearest multiple of its row's scale, max |row| / 127. */
function rowsOfBytes(name: string, { shape, data }: StoredTensor): readonly [Written, Written] {
  const problem = nonFiniteMessage(name, { data });
  if (problem !== null) throw new RangeError(`Cannot write 8-bit rows: ${problem}`);
  const [rows, columns] = shape as readonly [number, number];
  const scales = new Float32Array(rows);
  const integers = new Int8Array(data.length);
  for (let row = 0; row < rows; row++) {
    const own = data.subarray(row * columns, (row + 1) * columns);
    scales[row] = own.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
    const step = scales[row]!;
    // A row of zeros, or of numbers so small that their step is 0.
    if (step === 0) continue;
    own.forEach((x, i) => {
      integers[row * columns + i] = Math.max(-127, Math.min(127, Math.round(x / step)));
    });
  }
  return [
    { name: scaleName(name), dtype: "F32", shape: [rows], bytes: encode("F32", scales) },
    { name, dtype: "I8", shape, bytes: new Uint8Array(integers.buffer) },
  ];
}

/**
 * Writes a safetensors file.
 *
 * @param tensors Tensors by name, in the order in which they are stored.
 * @param type Element type of all; half precision rounds to nearest. With `I8`, matrices are 8-bit integers by row, which are off
 * by half of their row's step max |row| / 127 at most, and all other tensors are in single precision. Default `F32`.
 * @param metadata Texts to store in the header.
 *
 * @throws {RangeError} If a matrix that is to be stored in 8 bits has numbers that are not finite.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  type: "F32" | "F16" | "I8" = "F32",
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const written = [...tensors].flatMap(([name, tensor]): readonly Written[] => {
    if (type === "I8" && tensor.shape.length === 2) return rowsOfBytes(name, tensor);
    const dtype = type === "I8" ? "F32" : type;
    return [{ name, dtype, shape: tensor.shape, bytes: encode(dtype, tensor.data) }];
  });
  // Wide numbers come first, since torch wants each at a multiple of its size.
  written.sort((a, b) => bytesPer[b.dtype] - bytesPer[a.dtype]);
  const header: Record<string, unknown> = Object.keys(metadata).length === 0
    ? {}
    : { __metadata__: metadata };
  let size = 0;
  for (const { name, dtype, shape, bytes } of written) {
    header[name] = { dtype, shape, data_offsets: [size, size + bytes.length] };
    size += bytes.length;
  }
  // The header is padded with spaces so that the numbers start at a multiple of 8.
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = new Uint8Array(8 * Math.ceil(text.length / 8)).fill(0x20);
  headerBytes.set(text);
  const bytes = new Uint8Array(8 + headerBytes.length + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes.length), true);
  bytes.set(headerBytes, 8);
  let at = 8 + headerBytes.length;
  for (const { bytes: own } of written) {
    bytes.set(own, at);
    at += own.length;
  }
  return bytes;
}

function countNonFinite(data: HostTensor["data"]): number {
  if (data instanceof BigInt64Array) return 0;
  let count = 0;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i]!)) count++;
  return count;
}

/**
 * What is wrong with a tensor that has numbers which are none, null where all are finite.
 *
 * @param name How the message calls the tensor.
 */
export function nonFiniteMessage(
  name: string,
  { data }: Pick<HostTensor, "data">,
): string | null {
  const count = countNonFinite(data);
  if (count === 0) return null;
  return `found ${count} of ${data.length} numbers of tensor "${name}" that are NaN or infinite, want finite ones`;
}
