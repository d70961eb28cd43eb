/**
 * Feeds that stay on the device because they do not change from step to step.
 *
 * @module
 */
import type { DeviceTensor, Executor } from "../exec/executor.ts";
import type { HostTensor } from "../graph/mod.ts";
import type { Batch } from "../tasks/types.ts";
import type { Assembly } from "./assemble.ts";
import type { DropoutPools } from "./dropout_pools.ts";
import { inputFeeds, poolsFor } from "./feeds.ts";

/** What a run is fed under each name. */
export type MixedFeeds = Readonly<Record<string, HostTensor | DeviceTensor>>;

/** The feeds of one run that are uploaded once and used in many steps. */
export class ResidentFeeds {
  readonly #executor: Executor;
  /** Pools that runs on this executor have drawn. */
  readonly #drawn: DropoutPools;
  /** What changes at rank events only. */
  #slots: Readonly<Record<string, DeviceTensor>> = {};
  /** Dropout pools by name and width. */
  readonly #pools = new Map<string, DeviceTensor>();

  constructor(executor: Executor, drawn: DropoutPools) {
    this.#executor = executor;
    this.#drawn = drawn;
  }

  /** Replaces what changes at rank events only. */
  setSlots(hosts: Readonly<Record<string, HostTensor>>): void {
    this.#dispose(this.#slots);
    this.#slots = this.#upload(hosts);
  }

  /**
   * What a step on a batch is fed besides its state, targets, dropout keys and rates.
   *
   * @param poolKey A 32-bit word that belongs to the run, from which the dropout pools are drawn.
   */
  of(assembly: Assembly, batch: Batch, poolKey: number): MixedFeeds {
    return {
      ...this.#slots,
      ...this.#poolsOf(assembly, batch, poolKey),
      ...inputFeeds(assembly, batch),
    };
  }

  #poolsOf(assembly: Assembly, batch: Batch, key: number): Readonly<Record<string, DeviceTensor>> {
    return Object.fromEntries(
      poolsFor(assembly, batch).map((pool) => {
        const size = `${pool.name}/${pool.width}`;
        const held = this.#pools.get(size) ??
          this.#executor.upload(this.#drawn.of(pool, assembly.dropout, key));
        this.#pools.set(size, held);
        return [pool.name, held];
      }),
    );
  }

  #upload(hosts: Readonly<Record<string, HostTensor>>): Readonly<Record<string, DeviceTensor>> {
    return Object.fromEntries(
      Object.entries(hosts).map(([name, host]) => [name, this.#executor.upload(host)]),
    );
  }

  #dispose(tensors: Readonly<Record<string, DeviceTensor>>): void {
    for (const tensor of Object.values(tensors)) this.#executor.dispose(tensor);
  }

  /** Frees everything. Disposing twice does nothing more. */
  dispose(): void {
    this.#dispose(this.#slots);
    for (const tensor of this.#pools.values()) this.#executor.dispose(tensor);
    this.#slots = {};
    this.#pools.clear();
  }
}
