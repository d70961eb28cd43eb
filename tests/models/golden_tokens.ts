/**
 * Batches from the tokens of golden files, and what compares with their numbers.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Tensor } from "../../src/graph/mod.ts";
import { type ForwardContext, plainLinear } from "../../src/models/forward_context.ts";
import type { tokenFeeds } from "../../src/models/token_rows.ts";
import type { Batch } from "../../src/tasks/types.ts";

/** A batch as the feeds of an encoder are made of it. */
export type PaddedTokens = Parameters<typeof tokenFeeds>[0];

/** Tokens as a golden file has them: row-major lists `[size, length]`. */
export interface GoldenTokens {
  readonly size: number;
  readonly length: number;
  readonly ids: readonly number[];
  readonly types: readonly number[];
  readonly mask: readonly number[];
}

/** What was computed for a batch and a kind of target. */
export interface Outcome {
  readonly logits: readonly number[];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

/** Golden tokens as an encoder takes them. */
export function paddedTokens({ size, length, ids, types, mask }: GoldenTokens): PaddedTokens {
  return {
    size,
    length,
    ids: Int32Array.from(ids),
    types: Int32Array.from(types),
    mask: Float32Array.from(mask),
  };
}

/** The hidden states of a golden file at real tokens: those of padding are nobody's. */
export function realTokens(
  { hidden, mask }: GoldenTokens & { readonly hidden: readonly number[] },
  width: number,
): readonly number[] {
  return hidden.filter((_, i) => mask[Math.floor(i / width)] === 1);
}

/** Some rows of golden tokens as a batch, by default those of all targets. */
export function batchOf(
  { length, ids, types, mask }: GoldenTokens,
  targets: readonly number[],
  rows: readonly number[] = targets.map((_, row) => row),
): Batch {
  const cut = (values: readonly number[]) =>
    rows.flatMap((row) => values.slice(row * length, (row + 1) * length));
  return {
    ...paddedTokens({
      size: rows.length,
      length,
      ids: cut(ids),
      types: cut(types),
      mask: cut(mask),
    }),
    rows,
    targets: Float32Array.from(rows, (row) => targets[row]!),
    tokens: cut(mask).reduce((sum, value) => sum + value, 0),
  };
}

/** A context without adapters and dropout; `asked` gathers the names of the parameters that the graph asks for. */
export function contextOf(
  leaves: ReadonlyMap<string, Tensor>,
  asked: Set<string> = new Set(),
): ForwardContext {
  const parameter = (name: string) => {
    asked.add(name);
    const leaf = leaves.get(name);
    assert(leaf !== undefined, `the graph asks for "${name}", which is no parameter`);
    return leaf;
  };
  return {
    parameter,
    linear: (layers, x) => plainLinear(parameter, layers, x),
    mask: () => null,
  };
}
