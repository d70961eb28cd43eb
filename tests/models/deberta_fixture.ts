/**
 * The tiny DeBERTas of `tests/golden/deberta.py`, and what transformers and peft computed with them.
 *
 * @module
 */
import type { HostTensor } from "../../src/graph/mod.ts";
import { architectureOf, type EncoderConfig } from "../../src/models/architectures.ts";
import { type DebertaConfig, debertaV2 } from "../../src/models/deberta.ts";
import type { ModulePart } from "../../src/study/schema/settings.ts";
import { type GoldenTokens, type Outcome, paddedTokens } from "./golden_tokens.ts";

/** A golden file of one config. */
export interface Golden {
  readonly config: Readonly<Record<string, unknown>>;
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly hidden: readonly number[];
  readonly classification: Outcome;
  readonly regression: Outcome;
}

/** The batch that all configs share, and rows of the position table by distance. */
export interface Common extends GoldenTokens {
  readonly labels: readonly number[];
  readonly scores: readonly number[];
  readonly rows: readonly {
    readonly buckets: number;
    readonly maxDistance: number;
    readonly longest: number;
    readonly rows: readonly number[];
  }[];
}

/** LoRA on some parts of all layers. */
export interface PeftOutcome extends Outcome {
  readonly parts: readonly ModulePart[];
  readonly rank: number;
  readonly alpha: number;
}

/** A file of the golden folder, without `.json`. */
export function golden<T>(name: string): T {
  const url = new URL(`../golden/deberta/${name}.json`, import.meta.url);
  return JSON.parse(Deno.readTextFileSync(url)) as T;
}

/** What all configs share. */
export const common = golden<Common>("common");
/** The golden configs. */
export const configs = ["shared", "own", "c2p", "p2c"] as const;
/** The golden batch. */
export const batch = paddedTokens(common);

/** The config of a golden file. */
export function configOf(file: Golden["config"]): DebertaConfig {
  return debertaV2.parseConfig(file, "golden/config.json");
}

/** The numbers that `drawn` of `tests/golden/deberta.py` gives a parameter. */
export function drawn(name: string, shape: readonly number[]): HostTensor {
  let state = Array.from(name).reduce((sum, letter, i) => sum + letter.charCodeAt(0) * (i + 1), 0) %
      2147483646 + 1;
  const next = () => state = state * 16807 % 2147483647;
  for (let i = 0; i < 3; i++) next();
  const middle = name.endsWith("LayerNorm.weight") ? 1 : 0;
  const count = shape.reduce((product, size) => product * size, 1);
  const data = Float32Array.from(
    { length: count },
    () => (next() / 2147483647 - 0.5) * 1.2 + middle,
  );
  return { type: "f32", shape, data };
}

/** The parameters of an encoder with a head of `outputs` outputs, drawn by name. */
export function parametersFor(
  config: EncoderConfig,
  outputs: number,
): ReadonlyMap<string, HostTensor> {
  const { encoderParameters, headParameters } = architectureOf(config);
  const specs = [...encoderParameters(config), ...headParameters(config, outputs)];
  return new Map(specs.map(({ name, shape }) => [name, drawn(name, shape)]));
}

/** The encoder of a golden config with a head of `outputs` outputs. */
export function debertaModel(name: (typeof configs)[number], outputs: number) {
  const config = configOf(golden<Golden>(name).config);
  return { config, tensors: parametersFor(config, outputs) };
}
