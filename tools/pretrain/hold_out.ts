/**
 * Which texts pretraining never sees: those that the development splits of the embedded tasks draw on.
 *
 * Whole units are held out, chosen by a hash of their name, so that the choice depends on nothing else:
 * a chapter (`books/austen-emma/07`), a country (`factbook/europe/au`), an address
 * (`sotu/1790_george_washington_n`), a synset (`wordnet/n00001740`). Training splits of the tasks use the other units.
 *
 * @module
 */
import { hashBytes } from "../../src/base/hash.ts";

/** The share of units held out of a source; of the books it is larger, since a kind of book has few chapters. */
export function heldOutShare(source: string): number {
  return source === "books" ? 0.16 : 0.08;
}

/** Whether the unit `name` of `source` belongs to the development splits and not to pretraining. */
export function isHeldOut(source: string, name: string): boolean {
  const word = Number.parseInt(hashBytes(`${source}/${name}`).slice(0, 8), 16);
  return word < heldOutShare(source) * 0x100000000;
}
