/**
 * LoRA's form, from which most methods are made: A and B, with a part of single numbers between them or none.
 *
 * @module
 */
import * as z from "zod";
import { mul, type Tensor } from "../graph/mod.ts";
import type { Initial } from "../models/parameters.ts";
import type { AdapterPart, LowRankUpdate, WeightAdapter } from "./adapter.ts";
import { rateOptions, scaleBy, type ScalingOptions, withBRate } from "./options.ts";

/** Scale and rate of LoRA and of methods that build on it. */
export const loraOptions = {
  alpha: z.number().positive().default(16).describe("Numerator of the scale"),
  scaling: z.enum(["alpha/r", "alpha/sqrt(r)", "alpha"]).default("alpha/r").describe(
    "How the scale falls with the rank; alpha/sqrt(r) is rsLoRA, alpha is the same at every rank",
  ),
};

/** {@linkcode loraOptions} with B's rate. */
export const loraRateOptions = { ...loraOptions, ...rateOptions };

/** A part whose rows start as one number. */
export function constantPart(
  name: string,
  more: Partial<AdapterPart> = {},
  value = 0,
): AdapterPart {
  return { name, rowLength: () => 1, initial: () => ({ type: "constant", value }), ...more };
}

/** A factor that starts uniform on ±1/√width, as the authors' `loralib/layers.py` starts A. */
export function drawnFactor(name: "A" | "B", more: Partial<AdapterPart> = {}): AdapterPart {
  const rowLength: AdapterPart["rowLength"] = ({ inSize, outSize }) =>
    name === "A" ? inSize : outSize;
  const initial: AdapterPart["initial"] = (module): Initial => ({
    type: "uniform",
    bound: 1 / Math.sqrt(rowLength(module)),
  });
  return { name, rowLength, initial, ...more };
}

/** A `[slots, in]` and B, transposed, `[slots, out]`, as LoRA starts them. */
export const loraParts: readonly AdapterPart[] = [
  drawnFactor("A"),
  constantPart("B", { rowLength: ({ outSize }) => outSize }),
];

/** The update s·BA. */
export function loraPrepare(
  { A, B }: Readonly<Record<string, Tensor>>,
  scale: number,
): LowRankUpdate {
  return { A: mul(A!, scale), B: B! };
}

/** The update s·B diag(e) A, where a part has one number a rank. */
export function scaledPrepare(entry: string) {
  return (
    { A, B, [entry]: e }: Readonly<Record<string, Tensor>>,
    scale: number,
  ): LowRankUpdate => ({
    A: mul(A!, mul(e!, scale)),
    B: B!,
  });
}

/** What LoRA's form takes. */
export interface LoraFormOptions extends ScalingOptions {
  readonly bRate?: number | undefined;
}

/** LoRA's adapter with these options. */
export function loraForm(
  chosen: LoraFormOptions,
): Pick<WeightAdapter, "parts" | "prepare" | "scale"> {
  return {
    parts: withBRate(loraParts, chosen.bRate),
    prepare: loraPrepare,
    scale: scaleBy(chosen),
  };
}
