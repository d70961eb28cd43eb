/**
 * Prepares pretraining: reads the corpora, trains the vocabulary, packs the sequences, and writes
 * `tokenizer.json` and `sequences.bin` to a folder.
 *
 * ```sh
 * deno run -P=pretrain tools/pretrain/prepare_pretraining.ts <output folder>
 * ```
 *
 * @module
 */
import { pretrainingDocuments } from "./corpora/corpora.ts";
import { countWords } from "./corpora/document.ts";
import { encodeDocuments } from "./documents.ts";
import { encodeSequences, type PretrainingSequence } from "./sequence_file.ts";
import { countBertWords, tokenizerJson, trainWordPiece } from "./vocabulary.ts";
import { parsed, tokenizerSchema } from "../../src/tasks/tokenizers/layout.ts";
import { createPieces } from "../../src/tasks/tokenizers/pieces.ts";
import { readCorpora } from "./open_corpora.ts";

/** What was prepared. */
export interface PreparedPretraining {
  readonly documents: number;
  readonly words: number;
  readonly vocabularySize: number;
  readonly sequences: number;
  readonly pairs: number;
  readonly tokens: number;
  readonly unknownTokens: number;
}

/** Prepares everything and writes `tokenizer.json` and `sequences.bin` into `folder`. */
export async function preparePretraining(folder: string, seed = 1): Promise<PreparedPretraining> {
  const documents = pretrainingDocuments(await readCorpora());
  const sentences = documents.flatMap((document) => document.sentences);
  const vocabulary = trainWordPiece(countBertWords(sentences));
  const json = tokenizerJson(vocabulary);
  const { tokenizer } = createPieces(parsed(tokenizerSchema, json, "tokenizer.json"), folder);
  const sequences = encodeDocuments(documents, tokenizer, seed);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/tokenizer.json`, `${JSON.stringify(json, null, 1)}\n`);
  const file = { vocabularySize: vocabulary.length, sequences };
  await Deno.writeFile(`${folder}/sequences.bin`, encodeSequences(file));
  const sum = (count: (sequence: PretrainingSequence) => number) =>
    sequences.reduce((total, sequence) => total + count(sequence), 0);
  return {
    documents: documents.length,
    words: sentences.reduce((total, sentence) => total + countWords(sentence), 0),
    vocabularySize: vocabulary.length,
    sequences: sequences.length,
    pairs: sum(({ ids, boundary }) => boundary < ids.length ? 1 : 0),
    tokens: sum(({ ids }) => ids.length),
    unknownTokens: sum(({ ids }) => ids.filter((id) => id === 1).length),
  };
}

if (import.meta.main) {
  const [folder, ...rest] = Deno.args;
  if (folder === undefined || rest.length > 0) {
    await Deno.stderr.write(
      new TextEncoder().encode(
        "Usage: deno run -P=pretrain tools/pretrain/prepare_pretraining.ts <output folder>\n",
      ),
    );
    Deno.exit(2);
  }
  const prepared = await preparePretraining(folder);
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(prepared, null, 2)}\n`));
}
