/**
 * The tiny encoders that transformers made (`tests/golden/encoders.py`), and what transformers computed with them.
 *
 * @module
 */
import type { HostTensor } from "../../src/graph/mod.ts";
import { architectureOf } from "../../src/models/architectures.ts";
import { type EncoderFiles, type EncoderModel, loadEncoder } from "../../src/models/load.ts";
import { readSafetensors, type StoredTensor } from "../../src/models/safetensors.ts";
import {
  type GoldenTokens,
  type Outcome,
  type PaddedTokens,
  paddedTokens,
} from "./golden_tokens.ts";

/** Families with golden files. */
export const goldenFamilies = ["roberta", "distilbert", "electra"] as const;

/** A family with golden files. */
export type GoldenFamily = (typeof goldenFamilies)[number];

/** `expected.json`; matrices are row-major lists. */
interface Expected extends GoldenTokens {
  readonly hidden: readonly number[];
  readonly classification: Outcome & { readonly labels: readonly number[] };
  readonly regression: Outcome & {
    readonly scores: readonly number[];
    readonly head: Readonly<
      Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>
    >;
  };
}

/** A golden encoder with its batch and, for each kind of target, all parameters. */
export interface GoldenEncoder {
  readonly model: EncoderModel;
  readonly expected: Expected;
  readonly batch: PaddedTokens;
  readonly parameters: Readonly<
    Record<"classification" | "regression", ReadonlyMap<string, HostTensor>>
  >;
}

const folderOf = (family: GoldenFamily) =>
  new URL(`../golden/encoders/${family}/`, import.meta.url);

/** As many pieces as the golden encoders have words; the fixture has no tokenizer of its own. */
export const pieces: readonly string[] = [
  ..."[PAD] [UNK] [CLS] [SEP] [MASK]".split(" "),
  ..."abcdefghijklmnopqrs",
];

/** A golden folder's files, with a vocabulary beside them. */
export function goldenEncoderFiles(
  family: GoldenFamily,
): EncoderFiles & { readonly weights: Uint8Array } {
  return {
    config: Deno.readTextFileSync(new URL("config.json", folderOf(family))),
    weights: Deno.readFileSync(new URL("model.safetensors", folderOf(family))),
    vocab: `${pieces.join("\n")}\n`,
  };
}

/** The golden encoder of a family. */
export function goldenEncoder(family: GoldenFamily): GoldenEncoder {
  const files = goldenEncoderFiles(family);
  const model = loadEncoder(files, family);
  const expected = JSON.parse(
    Deno.readTextFileSync(new URL("expected.json", folderOf(family))),
  ) as Expected;
  const f32 = ({ shape, data }: Pick<StoredTensor, "shape"> & { data: Iterable<number> }) =>
    ({ type: "f32", shape, data: Float32Array.from(data) }) as const;
  const stored = readSafetensors(files.weights, family).tensors;
  const classifier = architectureOf(model.config).headParameters(model.config, 3)
    .map(({ name }) => [name, f32(stored.get(name)!)] as const);
  const regressor = Object.entries(expected.regression.head)
    .map(([name, tensor]) => [name, f32(tensor)] as const);
  return {
    model,
    expected,
    batch: paddedTokens(expected),
    parameters: {
      classification: new Map([...model.tensors, ...classifier]),
      regression: new Map([...model.tensors, ...regressor]),
    },
  };
}
