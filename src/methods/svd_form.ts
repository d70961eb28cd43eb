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
import type { AdapterPart, PartGroup, Regulariser } from "./adapter.ts";
import type { Form } from "./allocation.ts";
import { constantPart, scaledPrepare } from "./lora_form.ts";
import { smoothingOption, updateOptions, withBRate } from "./options.ts";

/** The regulariser of the form. */
export const regulariserOptions = {
  regulariserWeight: z.number().nonnegative().default(0.1).describe(
    "Weight of the orthogonality regulariser (gamma); 0 for none",
  ),
  regulariser: z.enum(["unsquared", "squared"]).default("unsquared").describe(
    "unsquared as in AdaLoRA's code, squared as in its paper",
  ),
};

/** Smoothing of the averages that importance is made of. */
export const smoothingOptions = {
  beta1: smoothingOption.default(0.85).describe("Smoothing of the sensitivity"),
  beta2: smoothingOption.default(0.85).describe("Smoothing of the uncertainty"),
};

/** The options that AdaLoRA and ElaLoRA share. */
export const svdOptions = { ...updateOptions, ...smoothingOptions, ...regulariserOptions };

const gaussian = () => ({ type: "normal", deviation: 0.02 }) as const;

/** A `[slots, in]`, E `[slots, 1]` and B, transposed, `[slots, out]`. */
const parts: readonly AdapterPart[] = [
  { name: "A", rowLength: ({ inSize }) => inSize, initial: gaussian },
  constantPart("E"),
  { name: "B", rowLength: ({ outSize }) => outSize, initial: gaussian },
];

/** A ∘ E times the scale takes the place of LoRA's A (equation 3). */
export const svdPrepare = scaledPrepare("E");

/** α / (r + 10⁻⁵), as both authors' codes compute it. */
export function svdScale(alpha: number, initialRank: number): number {
  return alpha / (initialRank + 1e-5);
}

/** Groups whose rows are equally long and whose capacities are equal, as one: fewer operators for the same numbers. */
function mergedByShape(groups: readonly PartGroup[]): readonly Omit<PartGroup, "part">[] {
  const alike = Map.groupBy(groups, ({ rows }) => rows.shape.slice(1).join());
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

/** The form with these options. */
export function svdForm(
  { alpha, scaling, bRate, regulariserWeight, regulariser }: Omit<
    z.output<z.ZodObject<typeof svdOptions>>,
    "beta1" | "beta2"
  >,
): Form {
  return {
    parts: withBRate(parts, bRate),
    prepare: svdPrepare,
    scale: (rank) => scaling === "alpha" ? alpha : svdScale(alpha, rank),
    step: {
      regulariser: regulariserWeight === 0
        ? null
        : orthogonalityRegulariser(regulariserWeight, regulariser),
    },
    growth: { A: "orthonormal", E: "scale", B: "orthonormal" },
  };
}
