/**
 * Dropout pools that runs have drawn, kept for the next run that draws the same: those of a seed are the same for every method.
 *
 * @module
 */
import type { HostTensor } from "../graph/mod.ts";
import type { Assembly } from "./assemble.ts";
import { type Pool, poolTensor } from "./feeds.ts";

/** Keeps the pools that were used last. */
export class DropoutPools {
  /** The one used last comes last. */
  readonly #kept = new Map<string, HostTensor>();
  readonly #limit: number;

  /**
   * Keeps nothing yet.
   *
   * @param limit Numbers at most. Default 2²², which are 16 MiB.
   */
  constructor(limit: number = 2 ** 22) {
    this.#limit = limit;
  }

  /** A pool as {@linkcode poolTensor} draws it; not to be changed. */
  of(pool: Pool, dropout: Assembly["dropout"], key: number): HostTensor {
    const { kind, width } = pool;
    const name = JSON.stringify([kind, width, dropout[kind], key]);
    const drawn = this.#kept.get(name) ?? poolTensor(pool, dropout, key);
    this.#kept.delete(name);
    this.#kept.set(name, drawn);
    this.#makeRoom();
    return drawn;
  }

  /** Drops what the limit has no room for beside the pools that were used later; one that is too large by itself drops no other. */
  #makeRoom(): void {
    let room = this.#limit;
    for (const [name, { data }] of [...this.#kept].reverse()) {
      if (data.length > room) this.#kept.delete(name);
      else room -= data.length;
    }
  }
}
