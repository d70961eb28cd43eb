/** The fuzzer's short form: each reader reads its corpus, and answers mutants with its error or not at all. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { InputError } from "../../../src/base/input_error.ts";
import type { FuzzedReader } from "../../../tools/torture/reader.ts";
import { fuzzedReaders } from "../../../tools/torture/readers.ts";
import { isFinding, limits, mutantAt, tryMutant } from "../../../tools/torture/trial.ts";

const readers = fuzzedReaders();
/** Neither time nor bytes are measured here. */
const noMeter = { millis: () => 0, takeBytes: () => 0 };

Deno.test("every reader reads its corpus", async () => {
  assert(readers.length >= 20);
  for (const reader of readers) {
    assert(reader.corpus.length > 0);
    for (const bytes of reader.corpus) await reader.read(bytes);
  }
});

Deno.test("300 mutants are read or refused with an InputError", async () => {
  const counts = { read: 0, refused: 0 };
  for (let index = 0; index < 300; index++) {
    const trial = await tryMutant(mutantAt(readers, 7, index), index, noMeter);
    assert(!isFinding(trial.outcome), `mutant ${index} of ${trial.reader}: ${trial.said}`);
    counts[trial.outcome as "read" | "refused"]++;
  }
  // Some must get through, or the readers' insides are never reached.
  assert(counts.read > 30 && counts.refused > 30, JSON.stringify(counts));
});

Deno.test("a mutant follows from its seed and number, whatever the time", () => {
  const { now } = Date;
  try {
    for (let index = 0; index < 3 * readers.length; index++) {
      const { bytes } = mutantAt(readers, 1, index);
      Date.now = () => now() + 1e9;
      assertEquals(mutantAt(readers, 1, index).bytes, bytes);
      Date.now = now;
    }
  } finally {
    Date.now = now;
  }
  const all = (seed: number) => readers.map((_, index) => mutantAt(readers, seed, index).bytes);
  assertNotEquals(all(1), all(2));
});

Deno.test("an error of another kind, a slow read and a large one are findings", async () => {
  const reader = (read: () => unknown): FuzzedReader => ({
    name: "one",
    format: "binary",
    corpus: [Uint8Array.of(1)],
    read,
  });
  const outcome = async (read: () => unknown, millis = 0, bytes = 0) => {
    let time = -millis;
    const meter = { millis: () => time += millis, takeBytes: () => bytes };
    const trial = await tryMutant({ reader: reader(read), bytes: Uint8Array.of(1) }, 0, meter);
    return trial.outcome;
  };
  const refuse = (problem: { readonly file: string; readonly found: string }) => () => {
    throw new InputError({ ...problem, wanted: "b" });
  };
  assertEquals(await outcome(() => 1), "read");
  assertEquals(await outcome(refuse({ file: "f", found: "a" })), "refused");
  assertEquals(await outcome(refuse({ file: "", found: "a" })), "untyped");
  assertEquals(
    await outcome(() => {
      throw new TypeError("x is undefined");
    }),
    "untyped",
  );
  assertEquals(await outcome(() => 1, limits.millis + 1), "slow");
  assertEquals(await outcome(() => 1, 0, limits.bytes + 1), "large");
});
