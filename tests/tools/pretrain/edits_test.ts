import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../../src/base/random.ts";
import { edited, makeLexicon, paraphrased } from "../../../tools/pretrain/edits.ts";
import { pieces } from "./fixture.ts";

const id = (piece: string) => pieces.indexOf(piece);
const lexicon = makeLexicon(
  pieces,
  pieces.map(() => 1),
  [["king", "queen"], ["sea", "ocean"]],
  6,
);
const names = (ids: readonly number[] | undefined) => ids?.map((i) => pieces[i]).sort();
const text = "the king ##ish cats walk on green trees and ships".split(" ").filter((p) =>
  id(p) >= 0
)
  .map(id);

Deno.test("a lexicon knows forms of a word, small classes and synonyms, all from the vocabulary", () => {
  assertEquals(names(lexicon.forms.get(id("walk"))), ["walked", "walks"]);
  assertEquals(names(lexicon.forms.get(id("cat"))), ["cats"]);
  assertEquals(names(lexicon.forms.get(id("was"))), ["are", "is", "were"]);
  assertEquals(names(lexicon.synonyms.get(id("king"))), ["queen"]);
  assertEquals(lexicon.synonyms.get(id("sea")), undefined);
});

Deno.test("edited() marks what differs: unmarked pieces are those of the text, in its order", () => {
  for (let seed = 0; seed < 300; seed++) {
    const { ids, changed } = edited(text, lexicon, RandomStream.fromSeed(seed));
    assertEquals(ids.length, changed.length);
    assert(changed.includes(1), `nothing is marked with seed ${seed}`);
    let at = 0;
    for (const kept of ids.filter((_, i) => changed[i] === 0)) {
      at = text.indexOf(kept, at) + 1;
      assert(at > 0, `"${pieces[kept]}" is not marked, and not where it was, with seed ${seed}`);
    }
    // A word stays whole: what goes on with it has its mark.
    ids.forEach((piece, i) => {
      if (lexicon.continues(piece) && i > 0) assertEquals(changed[i], changed[i - 1]);
    });
  }
});

Deno.test("a text of one word can be edited", () => {
  for (let seed = 0; seed < 50; seed++) {
    assert(edited([id("king")], lexicon, RandomStream.fromSeed(seed)).ids.length > 0);
  }
});

Deno.test("paraphrased() puts synonyms alone, and marks nothing", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const { ids, changed } = paraphrased(text, lexicon, RandomStream.fromSeed(seed));
    assertEquals(changed, text.map(() => 0));
    ids.forEach((piece, i) => {
      if (piece !== text[i]) seen.add(`${pieces[text[i]!]} ${pieces[piece]}`);
    });
  }
  // "king" goes on with "##ish" here, so that it is no word by itself.
  assertEquals([...seen], []);
  const alone = paraphrased([id("queen")], lexicon, RandomStream.fromSeed(1)).ids;
  assert([id("queen"), id("king")].includes(alone[0]!));
});
