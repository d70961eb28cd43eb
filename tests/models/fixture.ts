/**
 * The tiny BERT that transformers made (`tests/golden/bert.py`), and what transformers computed with it.
 *
 * @module
 */
import type { HostTensor } from "../../src/graph/mod.ts";
import { bert, type BertConfig } from "../../src/models/bert.ts";
import { type EncoderFiles, type EncoderModel, loadEncoder } from "../../src/models/load.ts";
import {
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from "../../src/models/safetensors.ts";
import type { GoldenTokens, Outcome } from "./golden_tokens.ts";

const folder = new URL("../golden/bert/", import.meta.url);

/** A file of the golden folder. */
export function goldenBytes(name: string): Uint8Array {
  return Deno.readFileSync(new URL(name, folder));
}

function goldenText(name: string): string {
  return Deno.readTextFileSync(new URL(name, folder));
}

/** `expected.json`; matrices are row-major lists. */
export interface Expected extends GoldenTokens {
  readonly hidden: readonly number[];
  readonly classification: Outcome & { readonly labels: readonly number[] };
  readonly regression: Outcome & {
    readonly scores: readonly number[];
    readonly head: Readonly<Record<string, readonly number[]>>;
  };
  /** Masked language modelling: logits over the vocabulary at chosen rows of the hidden states. */
  readonly masked: {
    readonly chosen: readonly number[];
    readonly head: Readonly<Record<string, readonly number[]>>;
    readonly logits: readonly number[];
  };
  /** One tensor in two precisions, as the bits of the single-precision numbers that torch reads back. */
  readonly halves: {
    readonly shape: readonly number[];
    readonly bits: Readonly<Record<"half" | "brain", readonly number[]>>;
  };
}

export const expected = JSON.parse(goldenText("expected.json")) as Expected;

/** The golden folder's files. */
export const goldenFiles: EncoderFiles & { readonly vocab: string; readonly weights: Uint8Array } =
  {
    config: goldenText("config.json"),
    weights: goldenBytes("model.safetensors"),
    vocab: goldenText("vocab.txt"),
  };

/** The golden encoder. */
export function goldenModel(): EncoderModel {
  return loadEncoder(goldenFiles, "golden");
}

/** The classifier that transformers stored beside the golden encoder, by the names of its parameters. */
export function storedClassifier(): ReadonlyMap<string, HostTensor> {
  const { tensors } = readSafetensors(
    goldenFiles.weights,
    "golden",
    (name) => name.startsWith("classifier."),
  );
  return new Map([...tensors].map(([name, tensor]) => [name, { type: "f32", ...tensor }]));
}

/** The golden encoder's shape. */
export const goldenConfig: BertConfig = bert.parseConfig(JSON.parse(goldenFiles.config), "golden");

/** A safetensors file from tensors with any names. */
export function weightsOf(tensors: Iterable<readonly [string, StoredTensor]>): Uint8Array {
  return writeSafetensors(new Map(tensors));
}
