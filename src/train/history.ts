/**
 * What a run has merged into its weights, kept as rows of the adapter's parts, never as a change of whole weights.
 *
 * @module
 */
/** One adapter part of one module, slots in logical order, `[rank, rowLength]`. */
export interface AdapterTensor {
  /** `<module>.<part>`, for instance `layer.0.query.A`. */
  readonly name: string;
  /** `[rank, rowLength]`. */
  readonly shape: readonly number[];
  /** Row-major, ranks in logical order. */
  readonly data: Float32Array;
}

/** The slots that were merged together. */
export interface MergedBlock {
  /** Steps done before the merge. */
  readonly step: number;
  /** The parts of each module that had slots, `[rank, rowLength]`. */
  readonly tensors: readonly AdapterTensor[];
}

/** The ranks of what was merged, by module; a module without an entry has none. */
export function mergedRanks(
  history: readonly MergedBlock[],
): Readonly<Record<string, number>> {
  const ranks: Record<string, number> = {};
  for (const { tensors } of history) {
    const own = new Map(tensors.map(({ name, shape: [rank] }) => [moduleOf(name), rank!]));
    for (const [module, rank] of own) ranks[module] = (ranks[module] ?? 0) + rank;
  }
  return ranks;
}

function moduleOf(tensor: string): string {
  return tensor.slice(0, tensor.lastIndexOf("."));
}

/** The tensors of an adapter with those that were merged before them: the rows of each part, the oldest first. */
export function withMerged(
  tensors: readonly AdapterTensor[],
  history: readonly MergedBlock[],
): readonly AdapterTensor[] {
  if (history.length === 0) return tensors;
  const older = Map.groupBy(history.flatMap((block) => block.tensors), ({ name }) => name);
  return tensors.map((tensor) => {
    const all = [...older.get(tensor.name) ?? [], tensor];
    const data = new Float32Array(all.reduce((sum, { data: own }) => sum + own.length, 0));
    let at = 0;
    for (const { data: own } of all) {
      data.set(own, at);
      at += own.length;
    }
    const rank = all.reduce((sum, { shape }) => sum + shape[0]!, 0);
    return { name: tensor.name, shape: [rank, tensor.shape[1]!], data };
  });
}
