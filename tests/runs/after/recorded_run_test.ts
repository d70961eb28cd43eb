import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { runSpecOf, sampleByKind, wantOwnWeights } from "../../../src/runs/after/recorded_run.ts";
import { UsageError } from "../../../src/base/input_error.ts";
import { openResults, readRecord, within } from "../../../src/record/results_reader.ts";

const runs = ["lora", "adalora", "elalora", "head"].flatMap((method) =>
  Array.from({ length: 9 }, (_, i) => `${method}/${i}`)
);
const methodOf = (run: string) => run.split("/")[0]!;

Deno.test("sampleByKind takes one of each kind before any second one", () => {
  for (let seed = 0; seed < 20; seed++) {
    for (let count = 1; count <= 6; count++) {
      const drawn = sampleByKind(runs, count, methodOf, seed);
      assertEquals(drawn.length, count);
      assertEquals(new Set(drawn).size, count);
      assertEquals(new Set(drawn.map(methodOf)).size, Math.min(count, 4));
    }
  }
});

Deno.test("sampleByKind keeps the order of the values, and repeats with its seed", () => {
  const drawn = sampleByKind(runs, 7, methodOf, 5);
  assertEquals(drawn, runs.filter((run) => drawn.includes(run)));
  assertEquals(sampleByKind(runs, 7, methodOf, 5), drawn);
  assertNotEquals(sampleByKind(runs, 7, methodOf, 6), drawn);
});

Deno.test("sampleByKind draws all where more are wanted than there are", () => {
  assertEquals(sampleByKind(runs, 100, methodOf, 1), runs);
  assertEquals(sampleByKind([], 3, methodOf, 1), []);
});

Deno.test("wantOwnWeights says which encoder a published run had", async () => {
  const pack = new URL("../../../results/published/quickstart.ranklab.zip", import.meta.url);
  const reader = await openResults(decodeURIComponent(pack.pathname));
  const paths = await reader.list();
  const folder = paths.find((path) => path.endsWith("/record.json"))!.split("/")[0]!;
  const record = (await readRecord(within(reader, folder)))!;
  const run = runSpecOf({ record, folder });
  const { hashes: { weights }, ranklab } = record.where;
  wantOwnWeights(weights, run, record, "export it");
  assertThrows(
    () => wantOwnWeights("0123", run, record, `export "${folder}"`),
    UsageError,
    `Cannot export "${folder}": found a base model with hash 0123, want ${weights} as its record says; ` +
      `the embedded encoder has changed since ranklab ${ranklab} (commit`,
  );
});
