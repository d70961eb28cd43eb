/**
 * Doing pieces of work side by side: which lane takes which piece, and what an error in one means for the others.
 *
 * @module
 */

/**
 * Work that several lanes take from.
 *
 * A lane stays with pieces of the kind that it did last, for which it has loaded what they need; then it takes the first
 * piece of a kind that no lane has begun, and where there is none, one of the kind with most left. A single lane takes
 * pieces in their order if those of a kind follow one another.
 */
export class WorkQueue<T> {
  readonly #kinds = new Map<string, T[]>();
  readonly #begun = new Set<string>();
  readonly #kindOf: (piece: T) => string;

  /** @param kindOf Names the kind of a piece: pieces of a kind need the same things loaded. */
  constructor(pieces: readonly T[], kindOf: (piece: T) => string) {
    this.#kindOf = kindOf;
    for (const [kind, own] of Map.groupBy(pieces, kindOf)) this.#kinds.set(kind, own);
  }

  /** The next piece of a lane, or null if none is left. */
  take(last: T | null): T | null {
    const kind = this.#kindAfter(last === null ? null : this.#kindOf(last));
    if (kind === null) return null;
    const own = this.#kinds.get(kind)!;
    const piece = own.shift()!;
    this.#begun.add(kind);
    if (own.length === 0) this.#kinds.delete(kind);
    return piece;
  }

  #kindAfter(last: string | null): string | null {
    if (last !== null && this.#kinds.has(last)) return last;
    let fullest: string | null = null;
    for (const [kind, { length }] of this.#kinds) {
      if (!this.#begun.has(kind)) return kind;
      if (fullest === null || length > this.#kinds.get(fullest)!.length) fullest = kind;
    }
    return fullest;
  }
}

/** How lanes work. */
export interface SideBySide<T, R> {
  /** One function a lane; each is called again when it has ended. */
  readonly lanes: readonly ((piece: T) => Promise<R>)[];
  /** Told of each result in the order of completion, one after the other; false if its lane is to take no more. */
  readonly onResult: (piece: T, result: R) => Promise<boolean>;
  /** Told once, when a lane or `onResult` throws: the other lanes should end what they do early. */
  readonly onError: () => void;
}

/**
 * Lets every lane take pieces until none is left.
 *
 * A piece that fails in a way that counts gives a result that says so; an error that is thrown ends the whole: no lane
 * takes a further piece, and when all have come to rest the first error is thrown on.
 */
export async function workSideBySide<T, R>(
  queue: Pick<WorkQueue<T>, "take">,
  { lanes, onResult, onError }: SideBySide<T, R>,
): Promise<void> {
  const errors: unknown[] = [];
  let telling: Promise<unknown> = Promise.resolve();
  const tell = (piece: T, result: R): Promise<boolean> => {
    const told = telling.then(() => onResult(piece, result));
    // The next result waits for this one; an error of it reaches the lane that awaits `told`.
    telling = told.catch(() => {});
    return told;
  };
  await Promise.all(lanes.map(async (work) => {
    let last: T | null = null;
    try {
      while (errors.length === 0) {
        const piece = queue.take(last);
        if (piece === null) return;
        last = piece;
        if (!await tell(piece, await work(piece))) return;
      }
    } catch (error) {
      errors.push(error);
      if (errors.length === 1) onError();
    }
  }));
  if (errors.length > 0) throw errors[0];
}

/**
 * The results of `work` for each item, in the order of the items, with at most `limit` at a time.
 *
 * The first error is thrown when what was begun has ended; no further item is begun after it.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(items.length);
  const indices = items.keys();
  const errors: unknown[] = [];
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (const i of indices) {
      if (errors.length > 0) return;
      try {
        results[i] = await work(items[i]!);
      } catch (error) {
        errors.push(error);
      }
    }
  }));
  if (errors.length > 0) throw errors[0];
  return results;
}
