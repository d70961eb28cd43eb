/**
 * What the programs of a run are fed: a batch, its targets, dropout keys and pools, and which slots are on;
 * what is fed again is kept.
 *
 * @module
 */
import {
  type DimBindings,
  dropoutPool,
  dropoutPoolRows,
  dropoutRowKeys,
  dropoutSiteKeys,
  type HostTensor,
} from "../graph/mod.ts";
import type { DropoutSite } from "../models/forward_context.ts";
import { tokenFeeds, type TokenLayout, tokenRows } from "../models/token_rows.ts";
import type { Batch } from "../tasks/types.ts";
import type { Assembly } from "./assemble.ts";
import { poolName, rowKeysName, siteKeysName } from "./forward.ts";
import { rowsOn, type SlotOrder } from "./slots.ts";

type Feeds = Readonly<Record<string, HostTensor>>;

/** The numbers of the symbolic dimensions of a batch. */
export function batchDims(batch: Batch): DimBindings {
  const { count } = tokenRows(batch);
  return { batch: batch.size, examples: batch.rows.length, seq: batch.length, tokens: count };
}

/**
 * What every pass over a batch is fed.
 *
 * @param names The inputs that are wanted. Default: all of the step.
 */
export function inputFeeds(
  assembly: TokenLayout & Pick<Assembly, "stepProgram">,
  batch: Batch,
  names: Iterable<string> = assembly.stepProgram.inputs.keys(),
): Feeds {
  return tokenFeeds(batch, assembly, names);
}

/** Labels or scores of a batch, under both names; a program takes the one it knows. */
export function targetFeeds(batch: Batch): Feeds {
  return {
    labels: { type: "i32", shape: [batch.rows.length], data: Int32Array.from(batch.targets) },
    targets: { type: "f32", shape: [batch.rows.length], data: batch.targets },
  };
}

/**
 * The dropout keys of one step: row keys for each kind of rows and site keys for the sites on them.
 *
 * @param key A 32-bit word that belongs to the step.
 */
export function dropoutFeeds(
  assembly: Pick<Assembly, "dropoutSites" | "heads">,
  batch: Batch,
  key: number,
): Feeds {
  const { heads } = assembly;
  const each = (count: number) => Int32Array.from({ length: count }, (_, i) => i);
  const placesOf: Readonly<Record<string, () => ArrayLike<number>>> = {
    batch: () => each(batch.size),
    tokens: () => tokenRows(batch).placeOf,
    [`${heads}*batch`]: () => each(heads * batch.size),
    seq: () => each(batch.length),
    "2*seq": () => each(2 * batch.length),
    [`${heads}*batch*seq`]: () => each(heads * batch.size * batch.length),
  };
  const feeds: Record<string, HostTensor> = {};
  [...Map.groupBy(assembly.dropoutSites, ({ rows }) => rows)].forEach(([rows, sites], i) => {
    const places = placesOf[rows] ?? (/^\d+$/.test(rows) ? () => each(Number(rows)) : undefined);
    if (places === undefined) {
      throw new RangeError(`Dropout site "${sites[0]!.name}" has unknown rows "${rows}"`);
    }
    const own = (key + Math.imul(i + 1, 0x9e3779b9)) >>> 0;
    feeds[rowKeysName(rows)] = dropoutRowKeys(own, places());
    feeds[siteKeysName(rows)] = dropoutSiteKeys((own ^ 0x2545f491) >>> 0, sites.length);
  });
  return feeds;
}

/** A dropout pool: its input's name and size, and what it holds. */
export interface Pool {
  /** Name of the input that takes it. */
  readonly name: string;
  /** What it is dropped from, which decides the rate. */
  readonly kind: DropoutSite["kind"];
  /** Columns. */
  readonly width: number;
}

/** The dropout pools that a batch needs; they depend on its padded length alone. */
export function poolsFor(
  { dropoutSites }: Pick<Assembly, "dropoutSites">,
  { length }: Pick<Batch, "length">,
): readonly Pool[] {
  const pools = dropoutSites.map(({ kind, columns }): Pool => ({
    name: poolName(kind, columns),
    kind,
    width: columns === "seq" ? length : Number(columns),
  }));
  return [...new Map(pools.map((pool) => [pool.name, pool])).values()];
}

/**
 * The numbers of a pool.
 *
 * @param key A 32-bit word that belongs to the run.
 */
function poolTensor(
  { kind, width }: Pool,
  dropout: Assembly["dropout"],
  key: number,
): HostTensor {
  const kinds = ["hidden", "attention", "head", "adapter"] as const;
  const own = (key + Math.imul(kinds.indexOf(kind) + 1, 0x9e3779b9)) >>> 0;
  const shape = [dropoutPoolRows, width];
  return { type: "f32", shape, data: dropoutPool(own, dropoutPoolRows * width, dropout[kind]) };
}

/** Which slots are on, one tensor a group. */
export function slotFeeds(assembly: Pick<Assembly, "groups">, order: SlotOrder): Feeds {
  return Object.fromEntries(assembly.groups.map((group) => {
    const { name, modules, capacity } = group;
    const data = new Float32Array(modules.length * capacity);
    modules.forEach((module, i) => {
      for (const row of rowsOn(group, order, module.name)) data[i * capacity + row] = 1;
    });
    return [`on.${name}`, { type: "f32", shape: [modules.length, capacity], data } as const];
  }));
}

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

/** The feeds of batches to one program. */
export class KeptFeeds {
  readonly #kept = new Map<Batch, Readonly<Record<string, HostTensor>>>();
  #room: number;

  /**
   * Keeps nothing yet.
   *
   * @param limit Numbers at most. Default 2²², which are 16 MiB.
   */
  constructor(limit: number = 2 ** 22) {
    this.#room = limit;
  }

  /**
   * The feeds of a batch: those that are kept, or else those that are made now. They are kept as long as there is room: evaluations
   * take batches in turn, so that of a large split none would be kept if new ones took the place of old ones.
   */
  of(
    batch: Batch,
    make: () => Readonly<Record<string, HostTensor>>,
  ): Readonly<Record<string, HostTensor>> {
    const kept = this.#kept.get(batch);
    if (kept !== undefined) return kept;
    const made = make();
    const numbers = Object.values(made).reduce((sum, { data }) => sum + data.length, 0);
    if (numbers <= this.#room) {
      this.#room -= numbers;
      this.#kept.set(batch, made);
    }
    return made;
  }
}
