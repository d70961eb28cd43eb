/**
 * The SVD-like adapter that AdaLoRA introduced and ElaLoRA shares: ΔW = B diag(E) A, kept near-orthogonal by a regulariser.
 *
 * AdaLoRA, arXiv 2303.10512, equations 3 and 4; constants of `loralib/loralib/adalora.py`: A and B from N(0, 0.02²), E = 0,
 * scale α / (r + 10⁻⁵) with r the initial rank throughout.
 *
 * @module
 */
import * as z from "zod";
import {
  add,
  concat,
  constant,
  matMul,
  max,
  mul,
  reduceSum,
  reduceSumSquare,
  reshape,
  sqrt,
  sub,
  type Tensor,
  transpose,
  withGradient,
} from "../graph/mod.ts";
import type {
  AdapterPart,
  LowRankUpdate,
  PartGroup,
  Regulariser,
  WeightAdapter,
} from "./adapter.ts";
import { rateOptions, type ScalingOptions, scalingOptions, withBRate } from "./shared_options.ts";

const rate = z.number().min(0).lt(1);

/** The options that both methods have. */
export const svdOptions = {
  alpha: z.number().positive().default(16).describe(
    "Numerator of the scale alpha/r, r the initial rank",
  ),
  ...scalingOptions,
  ...rateOptions,
  beta1: rate.default(0.85).describe("Smoothing of the sensitivity"),
  beta2: rate.default(0.85).describe("Smoothing of the uncertainty"),
  regulariserWeight: z.number().nonnegative().default(0.1).describe(
    "Weight of the regulariser (gamma)",
  ),
  regulariser: z.enum(["unsquared", "squared"]).default("unsquared").describe(
    "unsquared as in the code, squared as in the paper",
  ),
};

/** Values of {@linkcode svdOptions}. */
type SvdOptions = z.output<z.ZodObject<typeof svdOptions>>;

const gaussian = () => ({ type: "normal", deviation: 0.02 }) as const;

/** A `[slots, in]`, E `[slots, 1]` and B, transposed, `[slots, out]`. */
export const svdParts: readonly AdapterPart[] = [
  { name: "A", rowLength: ({ inSize }) => inSize, initial: gaussian },
  {
    name: "E",
    rowLength: () => 1,
    initial: () => ({ type: "constant", value: 0 }),
  },
  { name: "B", rowLength: ({ outSize }) => outSize, initial: gaussian },
];

/** A ∘ E times the scale takes the place of LoRA's A (equation 3). */
export const svdPrepare = (
  { A, E, B }: Readonly<Record<string, Tensor>>,
  scale: number,
): LowRankUpdate => ({
  A: mul(A!, mul(E!, scale)),
  B: B!,
});

/** α / (r + 10⁻⁵), as both authors' codes compute it. */
export function svdScale(alpha: number, initialRank: number): number {
  return alpha / (initialRank + 1e-5);
}

/** The factor of the update by the average rank: α over it, or α as it is. */
export function svdScaleOf({ alpha, scaling }: ScalingOptions): WeightAdapter["scale"] {
  return (rank) => scaling === "alpha" ? alpha : svdScale(alpha, rank);
}

/** Groups whose rows are equally long and whose capacities are equal, as one: fewer operators for the same numbers. */
function mergedByShape(groups: readonly PartGroup[]): readonly Omit<PartGroup, "part">[] {
  const alike = new Map<string, PartGroup[]>();
  for (const group of groups) {
    const key = group.rows.shape.slice(1).join();
    alike.set(key, [...alike.get(key) ?? [], group]);
  }
  return [...alike.values()].map((members) => ({
    rows: concat(members.map(({ rows }) => rows), 0),
    on: concat(members.map(({ on }) => on), 0),
  }));
}

/**
 * Σ (R Rᵀ − diag(on))² of each module's rows R, `[modules]`.
 *
 * R Rᵀ is symmetric, so both sides of the product pass the same gradient to R: one product instead of two, 4 (R Rᵀ − diag(on)) R.
 */
function gramErrors({ rows, on }: Omit<PartGroup, "part">): Tensor {
  const [modules, capacity] = rows.shape as readonly [number, number, number];
  const eye = new Float32Array(capacity * capacity);
  for (let i = 0; i < capacity; i++) eye[i * capacity + i] = 1;
  const identity = constant({ type: "f32", shape: [capacity, capacity], data: eye }, "identity");
  const wanted = mul(reshape(on, [modules, 1, capacity]), identity);
  const error = sub(matMul(rows, transpose(rows, [0, 2, 1])), wanted);
  return withGradient(reduceSumSquare(error, { axes: [1, 2] }), {
    inputs: [rows],
    rule: (g) => [matMul(mul(error, mul(reshape(g, [modules, 1, 1]), 4)), rows)],
  });
}

/**
 * How far rows of A and columns of B are from orthonormal.
 *
 * `squared` is the papers' Σ ‖AAᵀ − I‖² + ‖BᵀB − I‖² (AdaLoRA equation 4); `unsquared` is what both codes compute: the mean
 * over all A and B of the norm itself.
 */
export function orthogonalityRegulariser(
  weight: number,
  form: "squared" | "unsquared",
): Regulariser & { readonly build: (groups: readonly PartGroup[]) => Tensor } {
  return {
    weight,
    build: (groups) => {
      const errors = mergedByShape(groups.filter(({ part }) => part !== "E")).map(gramErrors);
      // The smallest normal number under the root keeps the gradient at zero finite.
      const terms = errors.map((error) =>
        reduceSum(form === "squared" ? error : sqrt(max(error, 1e-36)))
      );
      const sum = terms.reduce((total, term) => add(total, term));
      const matrices = errors.reduce((count, { shape }) => count + (shape[0] as number), 0);
      return form === "squared" ? sum : mul(sum, 1 / matrices);
    },
  };
}

/** What the adapters of both methods have in common. */
export function svdAdapter(
  chosen: SvdOptions,
): Pick<WeightAdapter, "parts" | "prepare" | "scale" | "step"> {
  return {
    parts: withBRate(svdParts, chosen.bRate),
    prepare: svdPrepare,
    scale: svdScaleOf(chosen),
    step: {
      regulariser: chosen.regulariserWeight === 0
        ? null
        : orthogonalityRegulariser(chosen.regulariserWeight, chosen.regulariser),
    },
  };
}
