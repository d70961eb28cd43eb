/**
 * Reading adapters that the Python library peft wrote: LoRA and DoRA on linear layers, with the modules that it saves whole.
 *
 * Names and meanings of the keys: `src/peft/tuners/lora/config.py`, `src/peft/utils/other.py` (`get_pattern_key`) and
 * `src/peft/utils/save_and_load.py` of github.com/huggingface/peft.
 *
 * @module
 */
import * as z from "zod";
import { InputError, shown } from "../base/input_error.ts";
import { parseJson } from "../base/read_json.ts";
import { type SafePattern, safePattern } from "../base/safe_pattern.ts";
import { nearestNames } from "../base/suggest.ts";
import { problemsOf } from "../study/check/problems.ts";
import { headFile } from "../models/classifier_folder.ts";
import { keyError } from "../models/config.ts";
import { nonFiniteMessage, readSafetensors, type StoredTensor } from "../models/safetensors.ts";
import { peftPrefix } from "./peft_export.ts";
import type { WeightUpdate } from "../methods/weight_update.ts";

interface PeftFiles {
  /** `adapter_config.json`. */
  readonly config: string;
  /** `adapter_model.safetensors`. */
  readonly weights: Uint8Array;
  /** `head.safetensors`, which ranklab's exports have where peft cannot hold the head; null without it. Default null. */
  readonly head?: Uint8Array | null;
}

interface PeftTarget {
  /** Shapes of all parameters, encoder and head, by checkpoint name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** The checkpoint name of a parameter as transformers calls it. */
  readonly parameterName: (name: string) => string;
}

/** What an adapter changes. */
export interface ImportedAdapter {
  readonly updates: readonly WeightUpdate[];
  /** Parameters that take the place of the base's, by checkpoint name: `modules_to_save`. */
  readonly whole: ReadonlyMap<string, StoredTensor>;
  /** `base_model_name_or_path`, or null. */
  readonly baseModel: string | null;
}

/** Values by patterns for the names of modules, each compiled once. */
type Patterns = readonly (readonly [SafePattern, number])[];

/** Patterns of a config at most: each of them is tried on each module. */
const mostPatterns = 10_000;

const mostRank = 65_536;

const ranksSchema = z.record(z.string(), z.int().positive().max(mostRank)).nullish();
const alphasSchema = z.record(z.string(), z.number()).nullish();

const configSchema = z.looseObject({
  peft_type: z.string(),
  base_model_name_or_path: z.string().nullish(),
  r: z.int().positive().max(mostRank),
  lora_alpha: z.number(),
  rank_pattern: ranksSchema,
  alpha_pattern: alphasSchema,
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  init_lora_weights: z.union([z.boolean(), z.string()]).default(true),
});

/** The keys of a config, with its patterns compiled. */
type PeftConfig = z.output<typeof configSchema> & {
  readonly ranks: Patterns;
  readonly alphas: Patterns;
};

/** Variants of LoRA that compute something else, by the key that switches them on. */
const variants: Readonly<Record<string, string>> = {
  use_qalora: "QALoRA",
  lora_bias: "a bias in LoRA's B",
  fan_in_fan_out: "weights stored as [in, out]",
  layer_replication: "replicated layers",
  target_parameters: "LoRA on parameters that are no linear layers",
  trainable_token_indices: "trainable tokens",
  alora_invocation_tokens: "Activated LoRA",
  use_bdlora: "BD-LoRA",
  arrow_config: "Arrow routing",
  kasa_config: "KaSA",
  monteclora_config: "MonteCLoRA",
};

/** Initial values that change the base's weights, which the adapter's file does not hold. */
const changingInits = /^(?:pissa|olora|corda|loftq|lora_ga)/;

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false &&
    !(Array.isArray(value) && value.length === 0);
}

/** Reads the config; refuses what cannot be computed here, by name. */
function readConfig(text: string, fileName: string): PeftConfig {
  const json = parseJson(text, fileName);
  const refuse = (found: string, wanted: string): never => {
    throw new InputError({ doing: "Cannot import", file: fileName, found, wanted });
  };
  const type = typeof json === "object" && json !== null ? Reflect.get(json, "peft_type") : null;
  if (type !== "LORA") {
    refuse(
      `peft_type ${type == null ? "missing" : shown(JSON.stringify(type))}`,
      `"LORA", the type that is known`,
    );
  }
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) {
    const [problem] = problemsOf(parsed.error.issues, json);
    throw keyError(fileName, problem!.where, problem!.message);
  }
  const config = parsed.data;
  for (const [key, name] of Object.entries(variants)) {
    if (isSet(config[key])) {
      refuse(
        `${name} (key "${key}")`,
        "plain LoRA or DoRA; merge the adapter in peft by merge_and_unload()",
      );
    }
  }
  const bias = config["bias"];
  if (bias !== undefined && bias !== "none") {
    refuse(`bias ${shown(JSON.stringify(bias))}`, `"none"`);
  }
  const init = String(config.init_lora_weights);
  if (changingInits.test(init)) {
    refuse(
      `init_lora_weights "${shown(init)}", which changes the base's weights`,
      "an adapter for the base as it is; save it in peft with path_initial_model_for_weight_conversion",
    );
  }
  const patterns = (key: "rank_pattern" | "alpha_pattern") =>
    compiled(config[key] ?? {}, { file: fileName, place: `key "${key}"` });
  return {
    ...config,
    ranks: patterns("rank_pattern"),
    alphas: patterns("alpha_pattern"),
  };
}

function compiled(
  pattern: Readonly<Record<string, number>>,
  about: { readonly file: string; readonly place: string },
): Patterns {
  const entries = Object.entries(pattern);
  if (entries.length > mostPatterns) {
    throw new InputError({
      ...about,
      found: `${entries.length} patterns`,
      wanted: `at most ${mostPatterns}`,
    });
  }
  return entries.map(([key, value]) => [
    safePattern(`(?:.*\\.)?(?:${key})`, { ...about, written: key }),
    value,
  ]);
}

/** The value of the first pattern that ends the name at a dot, as peft looks it up, else the usual one. */
function patternValue(patterns: Patterns, name: string, usual: number): number {
  return patterns.find(([pattern]) => pattern.matchesAll(name))?.[1] ?? usual;
}

/** The known names closest to one, quoted. */
function closestTo(name: string, known: Iterable<string>): string {
  return nearestNames(name, known, 3).map((other) => `"${other}"`).join(", ");
}

/** A and B of a layer, and DoRA's lengths. */
interface Pair {
  /** As transformers calls the layer. */
  readonly name: string;
  A?: StoredTensor;
  B?: StoredTensor;
  lengths?: StoredTensor;
}

/** Stops with a message that names the file. */
type Fail = (problem: string) => never;

/** Problems of a file as errors; each says what was found and, after "want", what is wanted. */
function failsFor(file: string): Fail {
  return (problem) => {
    const [found = problem, wanted = "an adapter for this model"] = problem.split(", want ");
    throw new InputError({
      file,
      found: found.replace(/^found /, ""),
      wanted,
      message: `Cannot import "${file}": ${problem}`,
    });
  };
}

/** The part of a layer that a name stands for, null for any other name. */
function partOf(
  name: string,
): { readonly layer: string; readonly part: Exclude<keyof Pair, "name"> } | null {
  const factor = /^(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(name);
  if (factor !== null) return { layer: factor[1]!, part: factor[2] as "A" | "B" };
  const lengths = /^(.+)\.lora_magnitude_vector(?:\.default)?(?:\.weight)?$/.exec(name);
  return lengths === null ? null : { layer: lengths[1]!, part: "lengths" };
}

/** Names of the layers that LoRA can be on: those with a matrix that is no table. */
function layersOf(shapes: PeftTarget["shapes"]): readonly string[] {
  return [...shapes].filter(([name, shape]) =>
    shape.length === 2 && name.endsWith(".weight") && !name.includes("embeddings")
  ).map(([name]) => name.slice(0, -".weight".length));
}

/** Puts the tensors of LoRA in pairs, and those that are saved whole under the model's names. */
function sortTensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  { shapes, parameterName }: PeftTarget,
  fail: Fail,
) {
  const layers = layersOf(shapes);
  const pairs = new Map<string, Pair>();
  const whole = new Map<string, StoredTensor>();
  for (const [stored, tensor] of tensors) {
    const problem = nonFiniteMessage(stored, tensor);
    if (problem !== null) fail(`${problem}; its training has diverged`);
    const name = stored.startsWith(peftPrefix) ? stored.slice(peftPrefix.length) : stored;
    const found = partOf(name);
    if (found !== null) {
      const path = parameterName(`${found.layer}.weight`).slice(0, -".weight".length);
      if (!layers.includes(path)) {
        fail(
          `tensor "${shown(stored)}" adapts the module "${
            shown(found.layer)
          }", which the model does not have; ` +
            `the closest that exist are ${closestTo(path, layers)}`,
        );
      }
      const pair = pairs.get(path) ?? { name: found.layer };
      pair[found.part] = tensor;
      pairs.set(path, pair);
      continue;
    }
    const path = parameterName(name);
    const wanted = shapes.get(path) ?? fail(
      `tensor "${shown(stored)}" is for nothing that the model has; the closest names are ` +
        closestTo(path, shapes.keys()),
    );
    if (wanted.join() !== tensor.shape.join()) {
      fail(
        `tensor "${stored}" has shape [${
          shown(tensor.shape.join())
        }], want [${wanted}] as the model has; ` +
          `the adapter is for another model or another number of labels`,
      );
    }
    whole.set(path, tensor);
  }
  return { pairs, whole };
}

/**
 * Reads an adapter and checks it against the model that it is for.
 *
 * @param folder How messages call the adapter's folder.
 *
 * @throws {InputError} If a file cannot be parsed; the adapter is of another type than plain LoRA or DoRA, or has no tensors; it is
 * for a module that the model does not have, of other shapes, or has numbers that are not finite.
 */
export function readPeftAdapter(
  files: PeftFiles,
  target: PeftTarget,
  folder: string,
): ImportedAdapter {
  const config = readConfig(files.config, `${folder}/adapter_config.json`);
  const fileName = `${folder}/adapter_model.safetensors`;
  const { tensors } = readSafetensors(files.weights, fileName);
  const fail = failsFor(fileName);
  if (tensors.size === 0) fail("found no tensors, want those of an adapter");
  const { pairs, whole } = sortTensors(tensors, target, fail);
  const beside: ReadonlyMap<string, StoredTensor> = files.head == null
    ? new Map()
    : readHead(files.head, target, folder);
  const updates = [...pairs].map(([path, pair]) =>
    updateOf({ path, pair, config, shape: target.shapes.get(`${path}.weight`)!, fail })
  );
  return {
    updates,
    whole: new Map([...whole, ...beside]),
    baseModel: config.base_model_name_or_path ?? null,
  };
}

function readHead(
  bytes: Uint8Array,
  target: PeftTarget,
  folder: string,
): ReadonlyMap<string, StoredTensor> {
  const fileName = `${folder}/${headFile}`;
  const { pairs, whole } = sortTensors(
    readSafetensors(bytes, fileName).tensors,
    target,
    failsFor(fileName),
  );
  if (pairs.size === 0) return whole;
  const fail = failsFor(fileName);
  return fail(`found LoRA's tensors of "${[...pairs.keys()][0]}", want those of a head alone`);
}

/** The update that a pair makes, with ranks and scales as the config says. */
function updateOf({ path, pair: { name, A, B, lengths }, config, shape, fail }: {
  readonly path: string;
  readonly pair: Pair;
  readonly config: PeftConfig;
  readonly shape: readonly number[];
  readonly fail: Fail;
}): WeightUpdate {
  if (A === undefined || B === undefined) {
    return fail(`module "${name}" has lora_${A === undefined ? "B" : "A"} alone, want A and B`);
  }
  const [out, inner] = shape as readonly [number, number];
  const rank = patternValue(config.ranks, name, config.r);
  if (A.shape.join() !== `${rank},${inner}` || B.shape.join() !== `${out},${rank}`) {
    fail(
      `module "${name}" has lora_A [${A.shape}] and lora_B [${B.shape}], want [${rank}, ${inner}] and ` +
        `[${out}, ${rank}]: its rank is ${rank} by adapter_config.json and its weight [${shape}] in the model`,
    );
  }
  const alpha = patternValue(config.alphas, name, config.lora_alpha);
  const update = { path, A, B, scale: alpha / (config.use_rslora ? Math.sqrt(rank) : rank) };
  if ((lengths !== undefined) !== config.use_dora) {
    return fail(
      `module "${name}" has ${lengths === undefined ? "no" : "a"} lora_magnitude_vector, want ${
        config.use_dora ? "one" : "none"
      }: use_dora is ${config.use_dora} in adapter_config.json`,
    );
  }
  if (lengths === undefined) return update;
  if (lengths.shape.join() !== `${out}`) {
    fail(`module "${name}" has a lora_magnitude_vector [${lengths.shape}], want [${out}]`);
  }
  return { ...update, lengths: { type: "whole", values: lengths.data } };
}
