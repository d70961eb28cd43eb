/**
 * A disk in memory that loses power: what was not synced may be there afterwards, in part or not at all.
 *
 * It keeps a log of effects. A cut keeps every effect on names whose folder was synced after it and, of the others, some that
 * are drawn; a file keeps what was written before its last sync, and a drawn part of what came after.
 *
 * @module
 */
import type { Disk, DiskFile } from "../../src/record/disk.ts";

/** The power is gone. */
export class PowerCut extends Error {
  override readonly name = "PowerCut";
}

/** Files by path, folders with a null. */
export type Tree = ReadonlyMap<string, Uint8Array | null>;

/** What is drawn for a cut: a number from 0 to 1, 0 loses all that was not synced and 1 nothing. */
export type Draw = () => number;

type NameEffect =
  | { readonly kind: "create"; readonly path: string; readonly file: FileState }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "rename"; readonly path: string; readonly from: string }
  | { readonly kind: "remove"; readonly path: string };

interface FileState {
  bytes: Uint8Array;
  synced: number;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

type Names = Map<string, FileState | null>;

/** Applies an effect; one whose subject is not there, since an earlier effect was lost, does nothing. */
function apply(names: Names, effect: NameEffect): void {
  const { path } = effect;
  if (effect.kind === "create" || effect.kind === "folder") {
    if (names.get(parentOf(path)) !== null) return;
    names.set(path, effect.kind === "create" ? effect.file : null);
    return;
  }
  if (effect.kind === "remove") {
    for (const own of [...names.keys()]) if (own === path || isBelow(own, path)) names.delete(own);
    return;
  }
  if (!names.has(effect.from) || names.get(parentOf(path)) !== null) return;
  const moved = [...names].filter(([own]) => own === effect.from || isBelow(own, effect.from));
  for (const [own] of moved) names.delete(own);
  for (const [own, state] of moved) names.set(path + own.slice(effect.from.length), state);
}

/** A {@linkcode Disk} in memory. */
export class LossyDisk implements Disk {
  readonly #start: Names;
  readonly #names: Names;
  readonly #effects: { readonly effect: NameEffect; isSynced: boolean }[] = [];
  readonly #left: number;
  #count = 0;

  /**
   * @param tree What is on the disk already. Default: an empty root `/disk`.
   * @param effects Effects until the power is cut; each that comes later throws a {@linkcode PowerCut}. Default: it stays on.
   */
  constructor(tree: Tree = new Map([["/disk", null]]), effects = Infinity) {
    this.#start = new Map(
      [...tree].map(([path, bytes]) => [
        path,
        bytes === null ? null : { bytes, synced: bytes.length },
      ]),
    );
    this.#names = new Map(this.#start);
    this.#left = effects;
  }

  /** Effects so far. */
  get count(): number {
    return this.#count;
  }

  /** What is there now. */
  tree(): Tree {
    return new Map([...this.#names].map(([path, file]) => [path, file?.bytes ?? null]));
  }

  /** What is there when the power is back. */
  afterCut(draw: Draw): Tree {
    const names: Names = new Map(this.#start);
    for (const { effect, isSynced } of this.#effects) {
      if (isSynced || draw() > 0.5) apply(names, effect);
    }
    return new Map([...names].map(([path, file]) => {
      if (file === null) return [path, null];
      const { bytes, synced } = file;
      return [path, bytes.slice(0, synced + Math.floor(draw() * (bytes.length - synced + 1)))];
    }));
  }

  #step(): void {
    if (this.#count >= this.#left) throw new PowerCut("The power is gone");
    this.#count++;
  }

  #do(effect: NameEffect): void {
    apply(this.#names, effect);
    this.#effects.push({ effect, isSynced: false });
  }

  #want(path: string): void {
    if (!this.#names.has(path)) throw new Deno.errors.NotFound(`No such file: ${path}`);
  }

  create(path: string): Promise<DiskFile> {
    return this.#effect(() => {
      this.#want(parentOf(path));
      if (this.#names.has(path)) throw new Deno.errors.AlreadyExists(path);
      const file: FileState = { bytes: new Uint8Array(), synced: 0 };
      this.#do({ kind: "create", path, file });
      return {
        write: (bytes) =>
          this.#effect(() => {
            const all = new Uint8Array(file.bytes.length + bytes.length);
            all.set(file.bytes);
            all.set(bytes, file.bytes.length);
            file.bytes = all;
          }),
        sync: () =>
          this.#effect(() => {
            file.synced = file.bytes.length;
          }),
        close: () => {},
      };
    });
  }

  read(path: string): Promise<Uint8Array | null> {
    return Promise.resolve(this.#names.get(path)?.bytes.slice() ?? null);
  }

  names(folder: string): Promise<ReadonlySet<string>> {
    const own = [...this.#names.keys()].filter((path) => parentOf(path) === folder);
    return Promise.resolve(new Set(own.map((path) => path.slice(folder.length + 1))));
  }

  rename(from: string, path: string): Promise<void> {
    return this.#effect(() => {
      this.#want(from);
      this.#want(parentOf(path));
      const isFull = [...this.#names.keys()].some((own) => isBelow(own, path));
      if (isFull) throw new Deno.errors.AlreadyExists(path);
      this.#do({ kind: "rename", path, from });
    });
  }

  makeFolders(path: string): Promise<readonly string[]> {
    return this.#effect(() => {
      const missing: string[] = [];
      for (let at = path; !this.#names.has(at); at = parentOf(at)) missing.unshift(at);
      for (const folder of missing) this.#do({ kind: "folder", path: folder });
      return missing;
    });
  }

  remove(path: string): Promise<void> {
    return this.#effect(() => {
      if (this.#names.has(path)) this.#do({ kind: "remove", path });
    });
  }

  removeEmpty(path: string): Promise<void> {
    return this.#effect(() => {
      const isEmpty = ![...this.#names.keys()].some((own) => isBelow(own, path));
      if (isEmpty && this.#names.has(path)) this.#do({ kind: "remove", path });
    });
  }

  removeTree(path: string): Promise<void> {
    return this.remove(path);
  }

  syncFolder(folder: string): Promise<void> {
    return this.#effect(() => {
      this.#want(folder);
      for (const entry of this.#effects) {
        const { effect } = entry;
        const folders = [effect.path, ...effect.kind === "rename" ? [effect.from] : []].map(
          parentOf,
        );
        if (folders.includes(folder)) entry.isSynced = true;
      }
    });
  }

  #effect<T>(effect: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#step();
      resolve(effect());
    });
  }
}
