/**
 * Mutants of files: valid ones with a few changes, some of which know the format.
 *
 * @module
 */
import type { RandomStream } from "../../src/base/random.ts";
import { readDirectory } from "../../src/record/zip_directory.ts";
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";

/** What is known of a file's form. */
export type Format = "json" | "lines" | "text" | "safetensors" | "zip" | "binary";

type Change = (bytes: Uint8Array, stream: RandomStream, other: Uint8Array) => Uint8Array;

/** Bytes of a mutant at most. */
const mostBytes = 2_000_000;

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A value of a list. */
function pick<T>(stream: RandomStream, values: readonly T[]): T {
  return values[stream.int(values.length)]!;
}

/** Start and end of a part of a file: mostly a short one. */
function range(stream: RandomStream, length: number): readonly [number, number] {
  const start = stream.int(length + 1);
  const most = stream.int(4) === 0 ? length - start : Math.min(16, length - start);
  return [start, start + stream.int(most + 1)];
}

/** A length that grows in powers of ten, up to 1,000,000. */
function longLength(stream: RandomStream): number {
  return 10 ** (1 + stream.int(6));
}

const nastyBytes: readonly Uint8Array[] = [
  ...[
    "\0",
    "\r\n",
    "\t",
    '"',
    "{",
    "[",
    "\\",
    "\u2028",
    "\x1b[31m",
    "__proto__",
    "NaN",
    "-1",
    "1e999",
  ],
  ...["(a+)+$", ".*.*.*=.*", "\ud83d\ude00", "%s%n", "../../x", "=1+1"],
].map((text) => new TextEncoder().encode(text));

const byteChanges: readonly Change[] = [
  // A bit.
  (bytes, stream) => {
    const made = bytes.slice();
    if (made.length > 0) made[stream.int(made.length)]! ^= 1 << stream.int(8);
    return made;
  },
  // Bytes of any value.
  (bytes, stream) => {
    const made = bytes.slice();
    const [start, end] = range(stream, made.length);
    for (let at = start; at < end; at++) made[at] = stream.int(256);
    return made;
  },
  // A file that is cut off.
  (bytes, stream) => bytes.slice(0, stream.int(bytes.length + 1)),
  // A part that is missing.
  (bytes, stream) => {
    const [start, end] = range(stream, bytes.length);
    return joined(bytes.subarray(0, start), bytes.subarray(end));
  },
  // A part that is there twice.
  (bytes, stream) => {
    const [start, end] = range(stream, bytes.length);
    return joined(bytes.subarray(0, end), bytes.subarray(start));
  },
  // A part of another file.
  (bytes, stream, other) => {
    const [start, end] = range(stream, bytes.length);
    const [from, to] = range(stream, other.length);
    return joined(bytes.subarray(0, start), other.subarray(from, to), bytes.subarray(end));
  },
  // Something that often hurts.
  (bytes, stream) => {
    const [start, end] = range(stream, bytes.length);
    return joined(bytes.subarray(0, start), pick(stream, nastyBytes), bytes.subarray(end));
  },
  // A long run of one byte, or of a part of the file.
  (bytes, stream) => {
    const [start, end] = range(stream, bytes.length);
    const length = longLength(stream);
    const part = stream.int(2) === 0 || end === start
      ? Uint8Array.of(pick(stream, [10, 13, 32, 34, 44, 48, 65, 91, 123, 255, stream.int(256)]))
      : bytes.slice(start, end);
    const run = new Uint8Array(Math.min(length, mostBytes));
    for (let at = 0; at < run.length; at++) run[at] = part[at % part.length]!;
    return joined(bytes.subarray(0, start), run, bytes.subarray(start));
  },
  // A number of many bytes at its largest.
  (bytes, stream) => {
    const made = bytes.slice();
    const [start] = range(stream, made.length);
    const large = pick(stream, [0xff, 0x7f]);
    for (let at = start; at < Math.min(start + pick(stream, [2, 4, 8]), made.length); at++) {
      made[at] = large;
    }
    return made;
  },
];

/** Mostly once. */
function fewTimes(stream: RandomStream): number {
  return pick(stream, [1, 1, 1, 2, 3]);
}

type Tree = unknown;

/** Places in a JSON value, each as the holder and the key in it. */
function placesOf(root: { value: Tree }): readonly (readonly [object, string])[] {
  const places: (readonly [object, string])[] = [];
  const walk = (holder: object) => {
    for (const key of Object.keys(holder)) {
      if (places.length > 20_000) return;
      places.push([holder, key]);
      const value: unknown = Reflect.get(holder, key);
      if (typeof value === "object" && value !== null) walk(value);
    }
  };
  walk(root);
  return places;
}

const nastyValues: readonly (readonly [string, (stream: RandomStream) => Tree])[] = [
  [
    "number",
    (stream) =>
      pick(stream, [0, -1, 1e9, 2 ** 31, 2 ** 53, 1e308, 0.5, -1e9, 1e-320, 65_536, 4_000_000]),
  ],
  ["text", (stream) =>
    pick(stream, [
      ...[
        "",
        "__proto__",
        "constructor",
        "a\0b",
        "(a+)+$",
        "(?:a|aa|a*)*b",
        ".*",
        "(",
        "\\p{L}{900}",
      ],
      ...[
        "\\s+(?!\\S)",
        "[a-z]{1000}{1000}",
        "../../etc",
        "\u202e",
        "1e9",
        "true",
        "[CLS]",
        "LORA",
      ],
    ])],
  [
    "long text",
    (stream) => pick(stream, ["a", " ", "\n", "ab", "\u00e9", "("]).repeat(longLength(stream)),
  ],
  ["kind", (stream) => pick<Tree>(stream, [null, true, false, [], {}, "", 1, [[]], { a: 1 }])],
  ["list", (stream) => Array.from({ length: Math.min(longLength(stream), 20_000) }, (_, i) => i)],
];

/** A JSON text whose value is nested deep, which a walk over the tree could not make. */
function nested(text: string, stream: RandomStream): string {
  const depth = longLength(stream);
  const [open, close] = pick(stream, [["[", "]"], ['{"a":', "}"]] as const);
  return open.repeat(depth) + text + close.repeat(depth);
}

/** A place in a JSON value: any alike, or one that is found by a walk from the root, which meets long lists less often. */
function placeIn(
  root: { value: Tree },
  places: readonly (readonly [object, string])[],
  stream: RandomStream,
): readonly [object, string] {
  if (stream.int(3) === 0) return pick(stream, places);
  let place: readonly [object, string] = [root, "value"];
  for (;;) {
    const value: unknown = Reflect.get(place[0], place[1]);
    if (typeof value !== "object" || value === null) return place;
    const keys = Object.keys(value);
    if (keys.length === 0 || (place[0] !== root && stream.int(4) === 0)) return place;
    place = [value, pick(stream, keys)];
  }
}

function changeTree(root: { value: Tree }, stream: RandomStream): void {
  const places = placesOf(root);
  const [holder, key] = placeIn(root, places, stream);
  const value: unknown = Reflect.get(holder, key);
  const kind = stream.int(8);
  if (kind === 0 && key !== "value") {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else Reflect.deleteProperty(holder, key);
  } else if (kind === 1) {
    const [from, name] = pick(stream, places);
    Reflect.set(holder, key, structuredClone(Reflect.get(from, name)));
  } else if (kind === 2 && Array.isArray(value) && value.length > 0) {
    // Mutants that would be too large are not made, since their parts share what is in them.
    const most = Math.ceil(mostBytes / JSON.stringify(value).length);
    const times = Math.min(longLength(stream), Math.ceil(20_000 / value.length), most);
    Reflect.set(holder, key, Array.from({ length: times }, () => value).flat());
  } else if (kind === 3 && typeof value === "number") {
    Reflect.set(holder, key, value * pick(stream, [-1, 2, 10, 1e6, 1e9, 0.5]));
  } else if (kind === 4 && typeof value === "object" && value !== null && !Array.isArray(value)) {
    const name = pick(stream, ["", "__proto__", "toString", "a".repeat(longLength(stream)), "x"]);
    Object.defineProperty(value, name, {
      value: pick(stream, nastyValues)[1](stream),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else if (kind === 5 && typeof value === "string") {
    Reflect.set(
      holder,
      key,
      pick(stream, [
        value.slice(0, 10_000).repeat(1 + stream.int(40)),
        value.slice(1),
        `${value}\0`,
      ]),
    );
  } else Reflect.set(holder, key, pick(stream, nastyValues)[1](stream));
}

/** A change of a JSON text; null for a text that is none any more, or nested deeper than its writer goes. */
function changeJsonText(text: string, stream: RandomStream): string | null {
  const kind = stream.int(12);
  try {
    const root: { value: Tree } = { value: JSON.parse(text) };
    if (kind === 0) return nested(text, stream);
    if (kind === 1) return withKeyTwice(text, stream);
    for (let left = fewTimes(stream); left > 0; left--) {
      changeTree(root, stream);
      if (JSON.stringify(root.value).length > mostBytes) break;
    }
    return JSON.stringify(root.value);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return null;
    throw error;
  }
}

/** A key of some object once more, before it. */
function withKeyTwice(text: string, stream: RandomStream): string {
  const keys = [...text.matchAll(/[{,]\s*("(?:[^"\\]|\\.)*"\s*:)/g)];
  if (keys.length === 0) return text;
  const { index, 0: whole, 1: key } = pick(stream, keys);
  const at = index + whole.length - key!.length;
  return `${text.slice(0, at)}${key} 1, ${text.slice(at)}`;
}

const decodeLossy = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const encode = (text: string) => new TextEncoder().encode(text);

const jsonChange: Change = (bytes, stream, other) => {
  const text = changeJsonText(decodeLossy(bytes), stream);
  return text === null ? pick(stream, byteChanges)(bytes, stream, other) : encode(text);
};

/** A line of a file by itself: JSON, or cells. */
const lineChange: Change = (bytes, stream) => {
  const lines = decodeLossy(bytes).split("\n");
  const at = stream.int(lines.length);
  const line = lines[at]!;
  const kind = stream.int(7);
  if (kind === 0) lines.splice(at, 1);
  else if (kind === 1) lines.splice(at, 0, line);
  else if (kind === 2) lines[at] = changeJsonText(line, stream) ?? `${line}\t`;
  else if (kind === 3) lines[at] = line.split(/([\t,])/).toReversed().join("");
  else if (kind === 4) {
    lines[at] = line + pick(stream, ["\t", ",", '"', "\r", "\0", "a"]).repeat(longLength(stream));
  } else if (kind === 5) {
    lines.splice(at, 0, ...Array(Math.min(longLength(stream), 10_000)).fill(line));
  } else {lines[at] = line.replace(/[^\t,]*/, (cell) =>
      pick(stream, [`"${cell}`, "", cell + cell, `${cell}\t`]));}
  return encode(lines.join("\n"));
};

const headerBytes = 8;

/** A header with a change in a text of its metadata that is JSON itself; null where it has none, and sometimes. */
function changeInHeader(text: string, stream: RandomStream): string | null {
  if (!text.includes('"[') && !text.includes('"{') || stream.int(3) === 0) return null;
  try {
    const header = JSON.parse(text);
    const metadata: Record<string, string> = header["__metadata__"];
    const names = Object.keys(metadata).filter((name) => /^[[{]/.test(metadata[name]!));
    const name = pick(stream, names);
    const changed = changeJsonText(metadata[name]!, stream);
    if (changed === null) return null;
    return JSON.stringify({ ...header, __metadata__: { ...metadata, [name]: changed } });
  } catch (error) {
    // Changed before, so that it is no such header any more.
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

/** A change of a header, its length, or the numbers behind it. */
const safetensorsChange: Change = (bytes, stream, other) => {
  if (bytes.length < headerBytes) return pick(stream, byteChanges)(bytes, stream, other);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const end = Math.min(headerBytes + length, bytes.length);
  const kind = stream.int(5);
  if (kind === 0) {
    const made = bytes.slice();
    const wrong = pick(stream, [
      0n,
      1n,
      BigInt(length) + 1n,
      BigInt(bytes.length),
      2n ** 63n,
      2n ** 32n,
    ]);
    new DataView(made.buffer).setBigUint64(0, wrong, true);
    return made;
  }
  if (kind === 1) {
    const body = pick(stream, byteChanges)(bytes.subarray(end), stream, other);
    return joined(bytes.subarray(0, end), body);
  }
  if (kind === 2) {
    // Numbers that are none.
    const made = bytes.slice();
    const at = end + 4 * stream.int(Math.floor((made.length - end) / 4) + 1);
    const wrong = pick(stream, [NaN, Infinity, 3e38]);
    if (at + 4 <= made.length) new DataView(made.buffer).setFloat32(at, wrong, true);
    return made;
  }
  const before = decodeLossy(bytes.subarray(headerBytes, end));
  const text = changeInHeader(before, stream) ?? changeJsonText(before, stream);
  if (text === null) return pick(stream, byteChanges)(bytes, stream, other);
  const header = encode(text);
  const front = new Uint8Array(headerBytes);
  new DataView(front.buffer).setBigUint64(0, BigInt(header.length), true);
  return joined(front, header, bytes.subarray(end));
};

const directoryMark = 0x02014b50;

/** The time of all entries, so that a mutant does not depend on when it was made. */
export const zipTime = new Date(1980, 0, 1);

/** A change of a file in an archive, of its directory, or of the archive's bytes. */
const zipChange: Change = (bytes, stream, other) => {
  const kind = stream.int(3);
  if (kind === 0) return pick(stream, byteChanges)(bytes, stream, other);
  if (kind === 1) {
    const made = bytes.slice();
    const view = new DataView(made.buffer);
    const entries: number[] = [];
    for (let at = 0; at + 46 <= made.length; at++) {
      if (view.getUint32(at, true) === directoryMark) entries.push(at);
    }
    const end = made.length - 22;
    if (entries.length === 0 || end < 0) return made;
    const large = pick(stream, [0, 1, 0xffff, 0x7fffffff, 0xffffffff, stream.int(made.length + 1)]);
    const field = stream.int(8);
    const at = pick(stream, entries);
    // Method, sizes, lengths of the name and what follows it, place; of the end: count and place.
    if (field < 2) view.setUint32(at + pick(stream, [20, 24]), large, true);
    else if (field === 2) view.setUint16(at + 10, large & 0xffff, true);
    else if (field === 3) view.setUint16(at + pick(stream, [28, 30, 32]), large & 0xffff, true);
    else if (field === 4) view.setUint32(at + 42, large, true);
    else if (field === 5) view.setUint16(end + pick(stream, [8, 10]), large & 0xffff, true);
    else if (field === 6) view.setUint32(end + pick(stream, [12, 16]), large, true);
    else view.setUint16(end + 20, large & 0xffff, true);
    return made;
  }
  let files: Record<string, Uint8Array>;
  try {
    // Refuses what would have millions of entries, which the library looks for one by one.
    readDirectory(bytes);
    files = unzipSync(bytes);
  } catch {
    return pick(stream, byteChanges)(bytes, stream, other);
  }
  const names = Object.keys(files);
  if (names.length === 0) return bytes;
  const name = pick(stream, names);
  const content = files[name]!;
  if (stream.int(4) === 0) {
    const odd = pick(stream, [
      "../x",
      "/x",
      "a\\b",
      "",
      "a".repeat(300),
      "con",
      `${name}/`,
      "__proto__x",
    ]);
    Reflect.deleteProperty(files, name);
    files[odd] = content;
  } else if (stream.int(6) === 0) files[name] = new Uint8Array(5_000_000);
  else {
    const text = name.endsWith(".json") ? changeJsonText(strFromU8(content), stream) : null;
    files[name] = text === null ? pick(stream, byteChanges)(content, stream, other) : strToU8(text);
  }
  return zipSync(files, { level: 1, mtime: zipTime });
};

const ownChanges: Readonly<Record<Format, Change | null>> = {
  json: jsonChange,
  lines: lineChange,
  safetensors: safetensorsChange,
  zip: zipChange,
  text: lineChange,
  binary: null,
};

/** What a change makes of a file, or null where that is more than a text can hold. */
function changed(
  change: Change,
  bytes: Uint8Array,
  stream: RandomStream,
  other: Uint8Array,
): Uint8Array | null {
  try {
    return change(bytes, stream, other);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/**
 * A mutant of a file.
 *
 * @param corpus Files of the same kind; one of them is changed, and may get parts of another.
 */
export function mutantOf(
  corpus: readonly Uint8Array[],
  format: Format,
  stream: RandomStream,
): Uint8Array {
  let bytes = pick(stream, corpus);
  const own = ownChanges[format];
  for (let left = fewTimes(stream); left > 0; left--) {
    const change = own !== null && stream.int(6) > 0 ? own : pick(stream, byteChanges);
    const made = changed(change, bytes, stream, pick(stream, corpus));
    if (made === null || made.length > mostBytes) break;
    bytes = made;
  }
  return bytes;
}
