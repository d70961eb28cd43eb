/**
 * What git has of a file, and since when: read from git's own files, so that nothing is started.
 *
 * Every object that is read is checked against its name, so that a commit's hash stands for its time and for all of its files.
 *
 * @module
 */
import { unzlibSync } from "fflate";
import { dirname, relative, resolve } from "node:path";
import { hashBytes } from "../base/hash.ts";
import { namesIn, readIfThere } from "./durable.ts";

/** A commit that holds a file. */
export interface Committed {
  /** Hash of the commit. */
  readonly commit: string;
  /** The committer's time, in ISO 8601. */
  readonly at: string;
  /** Path of the file in the repository. */
  readonly path: string;
  /** SHA-256 of the file as the commit has it. */
  readonly sha256: string;
}

interface GitObject {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const decoder = new TextDecoder();

/** The contents of a file; null where it is not there, or may not be read. */
async function readable(path: string): Promise<Uint8Array | null> {
  try {
    return await readIfThere(path);
  } catch {
    return null;
  }
}

async function readText(path: string): Promise<string | null> {
  const bytes = await readable(path);
  return bytes === null ? null : decoder.decode(bytes).trim();
}

async function idOf({ type, bytes }: GitObject): Promise<string> {
  const head = new TextEncoder().encode(`${type} ${bytes.length}\0`);
  const whole = new Uint8Array([...head, ...bytes]);
  return new Uint8Array(await crypto.subtle.digest("SHA-1", whole)).toHex();
}

/** Some bytes of a file that may be large. */
async function slice(file: Deno.FsFile, offset: number, length: number): Promise<Uint8Array> {
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

const word = (bytes: Uint8Array, at = 0): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(at);

const types: Readonly<Record<number, string>> = { 1: "commit", 2: "tree", 3: "blob", 4: "tag" };

/** A delta of git's packs, applied to what it starts from. */
function patched(base: Uint8Array, delta: Uint8Array): Uint8Array {
  let at = 0;
  const size = (): number => {
    let value = 0;
    for (let shift = 0;; shift += 7) {
      const byte = delta[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  size();
  const result = new Uint8Array(size());
  let filled = 0;
  while (at < delta.length) {
    const code = delta[at++]!;
    const field = (first: number, count: number): number => {
      let value = 0;
      for (let i = 0; i < count; i++) {
        if ((code & (first << i)) !== 0) value += delta[at++]! * 2 ** (8 * i);
      }
      return value;
    };
    let piece: Uint8Array;
    if (code >= 0x80) {
      const from = field(0x01, 4);
      piece = base.subarray(from, from + (field(0x10, 3) || 0x10000));
    } else {
      piece = delta.subarray(at, at + code);
      at += code;
    }
    result.set(piece, filled);
    filled += piece.length;
  }
  return result;
}

/** A repository as it lies on the disk. */
class Repository {
  /** Blobs by tree and path: most commits leave most trees as they are. */
  readonly #found = new Map<string, string | null>();

  /**
   * @param root The folder of its files.
   * @param head The folder of what the checkout has of its own.
   * @param common The folder of the objects.
   */
  constructor(readonly root: string, readonly head: string, readonly common: string) {}

  /** The repository that a folder lies in; null where there is none that may be read. */
  static async around(folder: string): Promise<Repository | null> {
    for (let root = resolve(folder);; root = dirname(root)) {
      const own = `${root}/.git`;
      if (await readable(`${own}/HEAD`) !== null) return new Repository(root, own, own);
      // A linked working tree has a file in place of the folder.
      const link = /^gitdir: (.+)$/.exec(await readText(own) ?? "")?.[1];
      if (link !== undefined) {
        const head = resolve(root, link);
        const common = await readText(`${head}/commondir`);
        return new Repository(root, head, common === null ? head : resolve(head, common));
      }
      if (dirname(root) === root) return null;
    }
  }

  /** The files and folders that are read of it; its settings are not among them. */
  get places(): readonly string[] {
    const link = this.head === `${this.root}/.git` ? [] : [`${this.root}/.git`];
    const common = ["refs", "packed-refs", "objects"].map((name) => `${this.common}/${name}`);
    return [...link, `${this.head}/HEAD`, `${this.head}/commondir`, ...common];
  }

  /** The commit that is checked out; null where there is none. */
  async headCommit(): Promise<string | null> {
    const head = await readText(`${this.head}/HEAD`);
    const ref = /^ref: (.+)$/.exec(head ?? "")?.[1];
    if (ref === undefined) return head;
    const loose = await readText(`${this.common}/${ref}`);
    if (loose !== null) return loose;
    const packed = await readText(`${this.common}/packed-refs`) ?? "";
    return packed.split("\n").find((line) => line.endsWith(` ${ref}`))?.split(" ")[0] ?? null;
  }

  /** An object; null where it is not there, or is not what its name says. */
  async object(id: string): Promise<GitObject | null> {
    if (!/^[0-9a-f]{40}$/.test(id)) return null;
    const object = await this.#loose(id) ?? await this.#packed(id);
    return object !== null && await idOf(object) === id ? object : null;
  }

  async #loose(id: string): Promise<GitObject | null> {
    const packed = await readable(`${this.common}/objects/${id.slice(0, 2)}/${id.slice(2)}`);
    if (packed === null) return null;
    const whole = unzlibSync(packed);
    const end = whole.indexOf(0);
    const [type = ""] = decoder.decode(whole.subarray(0, end)).split(" ");
    return { type, bytes: whole.subarray(end + 1) };
  }

  async #packed(id: string): Promise<GitObject | null> {
    const folder = `${this.common}/objects/pack`;
    for (const name of [...await namesIn(folder)].filter((name) => name.endsWith(".idx")).sort()) {
      const offset = await offsetIn(`${folder}/${name}`, id);
      if (offset === null) continue;
      using pack = await Deno.open(`${folder}/${name.slice(0, -".idx".length)}.pack`);
      return await this.#entry(pack, offset);
    }
    return null;
  }

  async #entry(pack: Deno.FsFile, offset: number): Promise<GitObject | null> {
    const head = await slice(pack, offset, 64);
    let at = 0;
    let byte = head[at++]!;
    const type = byte >> 4 & 7;
    let size = byte & 15;
    for (let shift = 4; byte >= 0x80; shift += 7) {
      byte = head[at++]!;
      size += (byte & 0x7f) * 2 ** shift;
    }
    let base: GitObject | null = null;
    if (type === 6) {
      byte = head[at++]!;
      let back = byte & 0x7f;
      while (byte >= 0x80) {
        byte = head[at++]!;
        back = (back + 1) * 128 + (byte & 0x7f);
      }
      base = await this.#entry(pack, offset - back);
    } else if (type === 7) {
      base = await this.object(head.subarray(at, at + 20).toHex());
      at += 20;
    }
    // What cannot be made smaller becomes larger by a few bytes for each 16 kB at most.
    const packed = await slice(pack, offset + at, size + (size >> 8) + 64);
    const bytes = unzlibSync(packed, { out: new Uint8Array(size) });
    if (type === 6 || type === 7) {
      return base === null ? null : { type: base.type, bytes: patched(base.bytes, bytes) };
    }
    return { type: types[type] ?? "", bytes };
  }

  /** Tree, parents and time of a commit; null where it is not there. */
  async commit(id: string) {
    const object = await this.object(id);
    if (object?.type !== "commit") return null;
    const lines = decoder.decode(object.bytes).split("\n\n")[0]!.split("\n");
    const values = (key: string) =>
      lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
    const seconds = Number(/ (\d+) [+-]\d+$/.exec(values("committer")[0] ?? "")?.[1]);
    return Number.isNaN(seconds) ? null : {
      tree: values("tree")[0]!,
      parents: values("parent"),
      at: new Date(seconds * 1000).toISOString(),
    };
  }

  /** The id of the blob at a path of a tree; null where there is none. */
  async blobAt(tree: string, path: string): Promise<string | null> {
    const key = `${tree} ${path}`;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const [name, ...rest] = path.split("/");
    const object = await this.object(tree);
    const entry = object?.type === "tree" ? entryOf(object.bytes, name!) : null;
    const found = entry === null || rest.length === 0
      ? entry
      : await this.blobAt(entry, rest.join("/"));
    this.#found.set(key, found);
    return found;
  }
}

/** The id of an entry of a tree; null where it has none of that name. */
function entryOf(tree: Uint8Array, name: string): string | null {
  for (let at = 0; at < tree.length;) {
    const end = tree.indexOf(0, at);
    const [, own] = /^\d+ (.+)$/s.exec(decoder.decode(tree.subarray(at, end))) ?? [];
    if (own === name) return tree.subarray(end + 1, end + 21).toHex();
    at = end + 21;
  }
  return null;
}

/** Where an object begins in the pack of an index of version 2; null where the pack does not hold it. */
async function offsetIn(index: string, id: string): Promise<number | null> {
  using file = await Deno.open(index);
  const head = await slice(file, 0, 8 + 256 * 4);
  if (word(head) !== 0xff744f63) return null;
  const upTo = (first: number) => first < 0 ? 0 : word(head, 8 + first * 4);
  const first = parseInt(id.slice(0, 2), 16);
  const [from, to, count] = [upTo(first - 1), upTo(first), upTo(255)];
  const ids = await slice(file, head.length + from * 20, (to - from) * 20);
  for (let i = from; i < to; i++) {
    if (ids.subarray((i - from) * 20, (i - from + 1) * 20).toHex() !== id) continue;
    const offsets = head.length + count * 24;
    const offset = word(await slice(file, offsets + i * 4, 4));
    if (offset < 0x80000000) return offset;
    const long = await slice(file, offsets + count * 4 + (offset - 0x80000000) * 8, 8);
    return word(long) * 2 ** 32 + word(long, 4);
  }
  return null;
}

/** What is read of a repository; null where it is damaged, or may not be read. */
async function unlessUnreadable<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch {
    return null;
  }
}

/** What {@linkcode committedSince} reads of the repository that a folder lies in; nothing where it lies in none. */
export async function historyPlaces(folder: string): Promise<readonly string[]> {
  return (await Repository.around(folder))?.places ?? [];
}

/**
 * Since when git has a file as it now is: the earliest commit from which the one that is checked out has it unchanged.
 *
 * @returns Null where it is in no repository that may be read, not committed, or changed since.
 */
export function committedSince(path: string): Promise<Committed | null> {
  return unlessUnreadable(() => sinceOf(path));
}

async function sinceOf(path: string): Promise<Committed | null> {
  const bytes = await readable(path);
  const repository = bytes === null ? null : await Repository.around(dirname(path));
  if (bytes === null || repository === null) return null;
  const place = relative(repository.root, resolve(path)).replaceAll("\\", "/");
  const blob = await idOf({ type: "blob", bytes });
  const head = await repository.headCommit();
  const waiting = head === null ? [] : [head];
  const seen = new Set(waiting);
  let earliest: Committed | null = null;
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const commit = await repository.commit(id);
    if (commit === null || await repository.blobAt(commit.tree, place) !== blob) continue;
    if (earliest === null || commit.at <= earliest.at) {
      earliest = { commit: id, at: commit.at, path: place, sha256: hashBytes(bytes) };
    }
    for (const parent of commit.parents) {
      if (!seen.has(parent)) waiting.push(parent);
      seen.add(parent);
    }
  }
  return earliest;
}

/**
 * What a commit says of a file.
 *
 * @param folder One of the repository.
 * @param path The file's in the repository.
 *
 * @returns Null where the commit is not at hand, or has no such file.
 */
export function committedIn(
  folder: string,
  commit: string,
  path: string,
): Promise<Committed | null> {
  return unlessUnreadable(() => fileOf(folder, commit, path));
}

async function fileOf(folder: string, commit: string, path: string): Promise<Committed | null> {
  const repository = await Repository.around(folder);
  const known = await repository?.commit(commit) ?? null;
  if (repository === null || known === null) return null;
  const blob = await repository.blobAt(known.tree, path);
  const object = blob === null ? null : await repository.object(blob);
  return object === null ? null : { commit, at: known.at, path, sha256: hashBytes(object.bytes) };
}
