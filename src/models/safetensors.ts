/**
 * The safetensors format: a JSON header with names, types, shapes and places, then the numbers.
 *
 * @module
 */
import * as z from "zod";

/** Element types that can be read; written are `F32` and `F16`. */
export type StoredType = "F32" | "F16" | "BF16" | "I64" | "I32";

/** A stored tensor, its numbers in single precision. */
export interface StoredTensor {
  /** Sizes, outermost first; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** Row-major; half precision and bfloat16 are widened, integers rounded to the nearest float32. */
  readonly data: Float32Array;
}

const headerSchema = z.record(
  z.string(),
  z.union([
    z.strictObject({
      dtype: z.string(),
      shape: z.array(z.int().nonnegative()),
      data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
    }),
    z.record(z.string(), z.string()),
  ]),
);

const bytesPer: Readonly<Record<StoredType, number>> = { F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4 };

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
  } else {
    for (let i = 0; i < count; i++) data[i] = Number(view.getBigInt64(8 * i, true));
  }
  return data;
}

/** How a file begins that Git LFS left in place of a large one. */
const lfsOpening = "version https://git-lfs";

/** What a safetensors file holds. */
export interface StoredTensors {
  /** The tensors that were decoded. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The names of all, decoded or not, in the order of the header. */
  readonly names: readonly string[];
  /** Texts under `__metadata__`, often only `format`; empty where the file has none. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a safetensors file.
 *
 * @param bytes Its contents.
 * @param fileName Its name, for messages.
 * @param isWanted Which tensors to decode, by name; the others may have any element type. Default all.
 *
 * @throws {SyntaxError} If the file is truncated or its header cannot be read; the message names the tensor where one is concerned.
 */
export function readSafetensors(
  bytes: Uint8Array,
  fileName: string,
  isWanted: (name: string) => boolean = () => true,
): StoredTensors {
  const fail = (found: string, wanted: string): never => {
    throw new SyntaxError(`Cannot read "${fileName}": found ${found}, want ${wanted}`);
  };
  if (new TextDecoder().decode(bytes.subarray(0, lfsOpening.length)) === lfsOpening) {
    fail("a Git LFS pointer", "the weights it points to (run git lfs pull in its folder)");
  }
  if (bytes.length < 8) fail(`${bytes.length} bytes`, "at least the 8 bytes of a header length");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > bytes.length - 8) {
    fail(
      `${bytes.length - 8} bytes after the header length`,
      `a header of ${headerLength} bytes (is the file truncated?)`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)));
  } catch (cause) {
    throw new SyntaxError(`Cannot read "${fileName}": its header is not JSON`, { cause });
  }
  const header = headerSchema.safeParse(json);
  if (!header.success) return fail("another header", "names with dtype, shape and data_offsets");
  const body = bytes.subarray(8 + headerLength);
  const tensors = new Map<string, StoredTensor>();
  const names: string[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, entry] of Object.entries(header.data)) {
    if (name === "__metadata__") {
      metadata = entry as Record<string, string>;
      continue;
    }
    if (!Array.isArray(entry["data_offsets"])) {
      return fail(`no data_offsets for tensor "${name}"`, "a pair of offsets");
    }
    const { dtype, shape, data_offsets: [start, end] } = entry as {
      dtype: string;
      shape: number[];
      data_offsets: [number, number];
    };
    if (end > body.length) {
      fail(
        `${body.length} bytes of numbers`,
        `${end} for tensor "${name}" (the file is truncated; fetch it again)`,
      );
    }
    names.push(name);
    if (!isWanted(name)) continue;
    if (!Object.hasOwn(bytesPer, dtype)) {
      fail(`dtype "${dtype}" of tensor "${name}"`, Object.keys(bytesPer).join(", "));
    }
    const type = dtype as StoredType;
    const count = shape.reduce((product, size) => product * size, 1);
    if (end - start !== count * bytesPer[type]) {
      fail(
        `${end - start} bytes of tensor "${name}"`,
        `${count * bytesPer[type]} for ${type} [${shape}]`,
      );
    }
    tensors.set(name, { shape, data: decode(type, body.subarray(start, end)) });
  }
  return { tensors, names, metadata };
}

/**
 * Writes a safetensors file.
 *
 * @param tensors Tensors by name, in the order in which they are stored.
 * @param type Element type of all; half precision rounds to nearest. Default `F32`.
 * @param metadata Texts to store in the header.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  type: "F32" | "F16" = "F32",
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = Object.keys(metadata).length === 0
    ? {}
    : { __metadata__: metadata };
  let size = 0;
  for (const [name, { shape, data }] of tensors) {
    const end = size + data.length * bytesPer[type];
    header[name] = { dtype: type, shape, data_offsets: [size, end] };
    size = end;
  }
  // The header is padded with spaces so that the numbers start at a multiple of 8.
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = new Uint8Array(8 * Math.ceil(text.length / 8)).fill(0x20);
  headerBytes.set(text);
  const bytes = new Uint8Array(8 + headerBytes.length + size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(headerBytes.length), true);
  bytes.set(headerBytes, 8);
  let at = 8 + headerBytes.length;
  for (const { data } of tensors.values()) {
    if (type === "F32" && littleEndian) {
      bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
      at += data.byteLength;
      continue;
    }
    for (const value of data) {
      if (type === "F32") view.setFloat32(at, value, true);
      else view.setFloat16(at, value, true);
      at += bytesPer[type];
    }
  }
  return bytes;
}
