/**
 * Matrices that are known as products of two thin factors: their inner products, and one as a mix of others, without ever making
 * them whole.
 *
 * @module
 */
import { dot } from "./directions.ts";

/** A direction of one module as factors: Σ_i bᵢ aᵢᵀ times a factor. */
export interface Direction {
  readonly A: readonly ArrayLike<number>[];
  readonly B: readonly ArrayLike<number>[];
  readonly factor: number;
}

/** ⟨BA, B′A′⟩_F = Σ_ij (aᵢ·a′ⱼ)(bᵢ·b′ⱼ), from the factors. */
export function innerProduct(one: Direction, other: Direction): number {
  let sum = 0;
  one.A.forEach((a, i) =>
    other.A.forEach((otherA, j) => {
      sum += dot(a, otherA) * dot(one.B[i]!, other.B[j]!);
    })
  );
  return sum * one.factor * other.factor;
}

/** A pivot below this share of the largest squared norm is rounding noise. */
const noise = 1e-6;

/** Solves G a = c for a symmetric G without negative eigenvalues; of directions that depend on others, a is 0. */
function solve(G: readonly (readonly number[])[], c: readonly number[]): readonly number[] {
  const rows = G.map((row, i) => [...row, c[i]!]);
  const n = rows.length;
  const least = noise * Math.max(0, ...G.map((row, i) => row[i]!));
  const pivots: (number | null)[] = [];
  const used = new Set<number>();
  for (let column = 0; column < n; column++) {
    const free = rows.map((_, i) => i).filter((i) => !used.has(i));
    const best = free.reduce((a, b) =>
      Math.abs(rows[b]![column]!) > Math.abs(rows[a]![column]!) ? b : a
    );
    const pivot = rows[best]![column]!;
    if (Math.abs(pivot) <= least) {
      pivots.push(null);
      continue;
    }
    used.add(best);
    pivots.push(best);
    rows.forEach((row, i) => {
      if (i === best) return;
      const factor = row[column]! / pivot;
      for (let j = column; j <= n; j++) row[j]! -= factor * rows[best]![j]!;
    });
  }
  return pivots.map((row, column) => row === null ? 0 : rows[row]![n]! / rows[row]![column]!);
}

/**
 * The a that minimises ‖D_t − Σ_k a_k D_k‖_F², and this residual over ‖D_t‖_F², from the factors alone (the normal equations
 * of SD-LoRA-KD).
 *
 * @param earlier The directions of each earlier task, one entry a module; null where a module has none.
 * @param current Those of the task that ended, in the same modules.
 */
export function expressed(
  earlier: readonly (readonly (Direction | null)[])[],
  current: readonly (Direction | null)[],
): { readonly a: readonly number[]; readonly residual: number } {
  const inner = (one: readonly (Direction | null)[], other: readonly (Direction | null)[]) =>
    one.reduce((sum, direction, m) => {
      const second = other[m];
      return direction === null || second === null || second === undefined
        ? sum
        : sum + innerProduct(direction, second);
    }, 0);
  const G = earlier.map((row) => earlier.map((column) => inner(row, column)));
  const c = earlier.map((row) => inner(row, current));
  const a = solve(G, c);
  const whole = inner(current, current);
  const explained = a.reduce((sum, value, k) => sum + value * c[k]!, 0);
  return { a, residual: whole === 0 ? 0 : Math.max(0, 1 - explained / whole) };
}
