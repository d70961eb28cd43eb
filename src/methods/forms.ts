/**
 * Forms of adapters: how the update of a weight is made of a rank's rows. A form says nothing of where ranks go; that is a
 * policy's part (`composed.ts` puts the two together).
 *
 * | form | update | paper |
 * |---|---|---|
 * | `lora` | (α/r) B A | arXiv 2106.09685, equation 3 |
 * | `svd` | (α/r) B diag(E) A, kept near-orthogonal by a regulariser | arXiv 2303.10512, equations 3 and 4 |
 * | `gated` | (α/r) B diag(g) A with gates g from N(0, 1) | arXiv 2311.11696, equation 4 |
 *
 * @module
 */
import * as z from "zod";
import { mul } from "../graph/mod.ts";
import { closed } from "../study/schema/shapes.ts";
import type { AdapterPart, Growth, Regulariser, WeightAdapter } from "./adapter.ts";
import { loraParts, loraPrepare } from "./lora.ts";
import { rateOptions, scaleBy, scalingOptions, withBRate } from "./shared_options.ts";
import { gatePart } from "./sora.ts";
import { orthogonalityRegulariser, svdParts, svdPrepare, svdScaleOf } from "./svd_form.ts";

const common = {
  alpha: z.number().positive().default(16).describe(
    "Numerator of the scale alpha/r, r the initial rank",
  ),
  ...scalingOptions,
  ...rateOptions,
};

/** A form as a study states it. */
export const formOptions = z.discriminatedUnion("type", [
  closed({ type: z.literal("lora"), ...common }),
  closed({
    type: z.literal("svd"),
    ...common,
    regulariserWeight: z.number().nonnegative().default(0.1).describe(
      "Weight of the orthogonality regulariser (gamma); 0 for none",
    ),
    regulariser: z.enum(["unsquared", "squared"]).default("unsquared").describe(
      "unsquared as in AdaLoRA's code, squared as in its paper",
    ),
  }),
  closed({ type: z.literal("gated"), ...common }),
]);

/** Values of {@linkcode formOptions}. */
type FormOptions = z.output<typeof formOptions>;

/** A form with its options bound. */
export interface Form extends Pick<WeightAdapter, "prepare" | "scale"> {
  readonly parts: readonly AdapterPart[];
  readonly regulariser: Regulariser | null;
  /** How the rows of ranks that are added while training start, so that they hardly change the update. */
  readonly growth: Readonly<Record<string, Growth>>;
  /** Whether each rank has a number of its own, which a mask sets to zero. */
  readonly hasEntries: boolean;
}

/** The form that options name. */
export function formOf(chosen: FormOptions): Form {
  switch (chosen.type) {
    case "lora":
      return {
        parts: withBRate(loraParts, chosen.bRate),
        prepare: loraPrepare,
        scale: scaleBy(chosen),
        regulariser: null,
        // As at the start: A is drawn, B is zero.
        growth: {},
        hasEntries: false,
      };
    case "svd":
      return {
        parts: withBRate(svdParts, chosen.bRate),
        prepare: svdPrepare,
        scale: svdScaleOf(chosen),
        regulariser: chosen.regulariserWeight === 0
          ? null
          : orthogonalityRegulariser(chosen.regulariserWeight, chosen.regulariser),
        growth: { A: "orthonormal", E: "scale", B: "orthonormal" },
        hasEntries: true,
      };
    case "gated":
      return {
        parts: [...withBRate(loraParts, chosen.bRate), gatePart],
        prepare: ({ A, B, g }, scale) => ({ A: mul(A!, mul(g!, scale)), B: B! }),
        scale: scaleBy(chosen),
        regulariser: null,
        growth: {},
        hasEntries: true,
      };
  }
}
