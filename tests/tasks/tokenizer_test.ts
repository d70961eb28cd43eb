import { assertEquals, assertThrows } from "@std/assert";
import { loadTokenizer, truncatedLengths } from "../../src/tasks/tokenizer.ts";
import golden from "../golden/tokenizer.json" with { type: "json" };

type Row = readonly [string, string | null, number, readonly number[], readonly number[]];

const vocabulary = golden.vocabulary;
const vocabularyText = vocabulary.join("\n") + "\n";

for (const { config, tokenizer: json, encodings } of golden.cases) {
  const label = JSON.stringify(config);
  for (const [name, source] of [["vocab.txt", vocabularyText], ["tokenizer.json", json]] as const) {
    Deno.test(`loadTokenizer() encodes as transformers does, ${name}, ${label}`, () => {
      const tokenizer = loadTokenizer(source, config);
      for (const [text, pair, maxLength, ids, types] of encodings as unknown as readonly Row[]) {
        const encoded = tokenizer.encode(text, pair, maxLength);
        const where = JSON.stringify([text, pair, maxLength]);
        assertEquals([where, ...encoded.ids], [where, ...ids]);
        assertEquals([where, ...encoded.types], [where, ...types]);
      }
    });
  }
}
