/**
 * Compares ranklab's tokens with those that `tokenizer_texts.py` wrote, and says how many texts differ.
 *
 *     deno run --allow-read tests/golden/tokenizer_texts.ts MODEL texts.json
 */
import {
  chooseTokenizerFiles,
  tokenizerFileNames,
  type TokenizerFiles,
  tokenizerFromFiles,
} from "../../src/tasks/tokenizers/files.ts";

type Row = readonly [string, string | null, number, readonly number[], readonly number[]];

const [model, texts] = Deno.args;
if (model === undefined || texts === undefined) {
  throw new TypeError("Cannot compare: want a model's folder and the file of tokenizer_texts.py");
}
const names = new Set(Array.from(Deno.readDirSync(model), ({ name }) => name));
const keys = Object.keys(tokenizerFileNames) as (keyof TokenizerFiles)[];
const there = keys.filter((key) => names.has(tokenizerFileNames[key]));
const files = Object.fromEntries(there.map((key) => {
  const path = `${model}/${tokenizerFileNames[key]}`;
  return [key, path.endsWith(".model") ? Deno.readFileSync(path) : Deno.readTextFileSync(path)];
}));
const chosen = chooseTokenizerFiles((key) => there.includes(key));
const { tokenizer } = tokenizerFromFiles(files, model);
const rows: readonly Row[] = JSON.parse(Deno.readTextFileSync(texts));
const differing = rows.filter(([text, pair, maxLength, ids, types]) => {
  const encoded = tokenizer.encode(text, pair, maxLength);
  return encoded.ids.join() !== ids.join() || encoded.types.join() !== types.join();
});
const lines = [
  `${rows.length} texts and pairs by ${JSON.stringify(chosen)}: ${differing.length} differ`,
  ...differing.slice(0, 10).map(([text, pair]) => JSON.stringify([text, pair])),
];
Deno.stdout.writeSync(new TextEncoder().encode(lines.join("\n") + "\n"));
