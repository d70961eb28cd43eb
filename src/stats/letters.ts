/**
 * Cliques of methods that do not differ significantly, and their letters: methods that share one do not differ.
 *
 * @module
 */

/**
 * The largest sets of methods 0 … `count` − 1 in which no two differ: the bars of a critical-difference diagram.
 *
 * They rest on the tests of pairs alone, not on mean ranks: whether two methods differ must not depend on which others
 * are in the pool (Benavoli, Corani and Mangili, JMLR 17, 2016). So a clique may skip a method that lies between two of
 * its members in the order. Insert and absorb: Piepho, "An algorithm for a letter-based representation of all-pairwise
 * comparisons", Journal of Computational and Graphical Statistics 13 (2004).
 *
 * @param apart Pairs that differ.
 * @returns Sets in ascending order, members too; a method that differs from all others is a set of its own.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { cliquesOf } from "./letters.ts";
 * assertEquals(cliquesOf(4, [[0, 2], [0, 3]]), [[0, 1], [1, 2, 3]]);
 * ```
 */
export function cliquesOf(
  count: number,
  apart: readonly (readonly [number, number])[],
): readonly (readonly number[])[] {
  if (count === 0) return [];
  let groups: readonly (readonly number[])[] = [Array.from({ length: count }, (_, i) => i)];
  for (const [a, b] of apart) groups = absorbed(groups.flatMap((group) => split(group, a, b)));
  return groups.toSorted((x, y) => {
    const at = x.findIndex((member, i) => member !== y[i]);
    return at < 0 ? 0 : (x[at] ?? -1) - (y[at] ?? -1);
  });
}

/**
 * Letters for methods 0 … `count` − 1, so that two share one exactly where they do not differ.
 *
 * One letter for each of {@linkcode cliquesOf}, in the order of the methods.
 *
 * @param apart Pairs that differ.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { lettersOf } from "./letters.ts";
 * assertEquals(lettersOf(3, [[0, 2]]), ["a", "ab", "b"]);
 * ```
 */
export function lettersOf(
  count: number,
  apart: readonly (readonly [number, number])[],
): readonly string[] {
  const sorted = cliquesOf(count, apart);
  return Array.from(
    { length: count },
    (_, method) =>
      sorted.flatMap((group, i) => group.includes(method) ? [letterOf(i, sorted.length)] : [])
        .join(""),
  );
}

/** A group that holds both methods becomes two that hold one each. */
function split(group: readonly number[], a: number, b: number): readonly (readonly number[])[] {
  if (!group.includes(a) || !group.includes(b)) return [group];
  return [group.filter((method) => method !== b), group.filter((method) => method !== a)];
}

/** Leaves out every group that lies within another; of equal groups the first stays. */
function absorbed(groups: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const sets = groups.map((group) => new Set(group));
  return groups.filter((group, i) =>
    !sets.some((other, j) =>
      i !== j && group.every((method) => other.has(method)) &&
      (other.size > group.length || j < i)
    )
  );
}

/** `a` … `z`; beyond 26 groups a letter with a number, `a1` … `z1`, `a2` …, so that joined names stay readable. */
function letterOf(index: number, count: number): string {
  const letter = String.fromCharCode(97 + index % 26);
  return count <= 26 ? letter : `${letter}${Math.floor(index / 26) + 1}`;
}
