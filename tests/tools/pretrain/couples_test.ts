import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { RandomStream } from "../../../src/base/random.ts";
import {
  batchCouples,
  epochOrder,
  indexPassages,
  makeCouple,
} from "../../../tools/pretrain/couples.ts";
import { makeLexicon } from "../../../tools/pretrain/edits.ts";
import { cutPassages } from "../../../tools/pretrain/passages.ts";
import { pieces } from "./fixture.ts";

const lexicon = makeLexicon(pieces, pieces.map(() => 1), [], 6);

Deno.test("cutPassages() loses no piece of a document but a short end, and crosses no bound", () => {
  const sentences = Array.from(
    { length: 60 },
    (_, i) => Array.from({ length: 1 + (i * 7) % 23 }, (_, j) => 100 * i + j),
  );
  const options = { most: 20, least: 4, aloneShare: 0.5 };
  const passages = cutPassages(sentences, 3, RandomStream.fromSeed(1), options);
  const whole = sentences.flat();
  const cut = passages.flatMap(({ ids }) => ids);
  assert(whole.length - cut.length < 60, "more is lost than ends of sentences that were cut");
  assertEquals(cut, whole.filter((id) => cut.includes(id)));
  assert(passages.every(({ ids }) => ids.length >= 4 && ids.length <= 20));
  assert(passages.every(({ document }) => document === 3));
});

const passages = Array.from({ length: 40 }, (_, i) => ({
  ids: Array.from({ length: 8 }, (_, j) => 100 + (j === 0 ? i % 20 : 20 + (i * 8 + j) % 37)),
  document: Math.floor(i / 10),
}));
const index = indexPassages(passages);

Deno.test("second texts follow, share a rare word, are edited or cut, or are any", () => {
  let [next, similar, same, part] = [0, 0, 0, 0];
  for (let i = 0; i < 2000; i++) {
    const at = i % 40;
    const { first, second } = makeCouple(index, at, lexicon, RandomStream.fromSeed(i));
    assertEquals(first.ids, passages[at]!.ids);
    const found = passages.findIndex(({ ids }) => ids.join() === second.ids.join());
    if (found === at + 1 && passages[found]!.document === passages[at]!.document) next++;
    else if (found >= 0 && found % 20 === at % 20 && found !== at) similar++;
    else if (second.changed.includes(1)) same++;
    else if (second.ids.length < 8 && first.ids.join().includes(second.ids.join())) part++;
  }
  for (const [count, least] of [[next, 200], [similar, 80], [same, 600], [part, 150]] as const) {
    assert(count >= least, `${[next, similar, same, part]}`);
  }
});

Deno.test("a batch has first texts, second texts and pairs, by BERT's templates", () => {
  const couple = {
    first: { ids: [10, 11, 12], changed: [0, 0, 0] },
    second: { ids: [13, 14], changed: [0, 1] },
  };
  const batch = batchCouples([couple], { pad: 0, cls: 2, sep: 3 });
  assertEquals([batch.couples, batch.size, batch.length, batch.tokens], [1, 3, 8, 5 + 4 + 8]);
  const row = (
    name: "ids" | "types" | "changed" | "judged",
    text: number,
  ) => [...batch[name].slice(text * 8, text * 8 + 8)];
  assertEquals(row("ids", 0), [2, 10, 11, 12, 3, 0, 0, 0]);
  assertEquals(row("ids", 1), [2, 13, 14, 3, 0, 0, 0, 0]);
  assertEquals(row("ids", 2), [2, 10, 11, 12, 3, 13, 14, 3]);
  assertEquals(row("types", 2), [0, 0, 0, 0, 0, 1, 1, 1]);
  assertEquals(row("changed", 1), [0, 0, 1, 0, 0, 0, 0, 0]);
  assertEquals(row("judged", 1), [1, 1, 1, 1, 0, 0, 0, 0]);
  assertEquals(row("judged", 2), [0, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("epochOrder() takes each passage once, with similar lengths together", () => {
  const lengths = Array.from({ length: 320 }, (_, i) => 4 + (i * 31) % 53);
  const order = epochOrder(lengths, 16, RandomStream.fromSeed(1));
  assertEquals(new Set(order.flat()).size, 320);
  const spread = (rows: readonly number[]) => {
    const own = rows.map((row) => lengths[row]!);
    return Math.max(...own) - Math.min(...own);
  };
  assert(order.reduce((sum, rows) => sum + spread(rows), 0) / order.length < 6);
  assertNotEquals(order, epochOrder(lengths, 16, RandomStream.fromSeed(2)));
});
