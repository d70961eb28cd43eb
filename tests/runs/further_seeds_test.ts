/** Further seeds of claims: which they are, and which runs they need. */
import { assertEquals } from "@std/assert";
import { methods } from "../../src/methods/table.ts";
import { expand, withFurtherSeeds } from "../../src/runs/plan/planning.ts";
import { nextSeeds, runsForClaims } from "../../src/runs/sweep.ts";
import type { Claim } from "../../src/study/schema/claims.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";

const claim: Claim = {
  name: "one",
  says: "better",
  a: { method: "again" },
  b: { method: "head" },
};
const study = parseStudy({
  name: "s",
  axes: {
    tasks: ["Topic"],
    methods: [
      "head",
      "lora",
      "full",
      { method: "lora", label: "again", ranks: { of: { label: "lora" } } },
    ],
    budgets: [2],
    seeds: [5, 2],
  },
  claims: [claim],
  decide: { mostSeeds: 9 },
  comparisons: [{ a: { method: "lora" }, b: { method: "head" } }],
});
const grid = (seeds: readonly number[]) => expand(withFurtherSeeds(study, seeds), methods, 1000);

Deno.test("withFurtherSeeds() has each seed once and asks nothing of its runs", () => {
  const { claims: _claims, decide: _decide, comparisons: _comparisons, ...rest } = study;
  assertEquals(withFurtherSeeds(study, [2, 7]), {
    ...rest,
    axes: { ...study.axes, seeds: [5, 2, 7] },
  });
});

Deno.test("nextSeeds() go on after the largest seed of the study and of the claim's own pairs", () => {
  assertEquals(nextSeeds(study, claim, [], 3), [6, 7, 8]);
  const runs = grid([8]);
  assertEquals(nextSeeds(study, claim, runs, 2), [9, 10]);
  // Runs of other arms, and of one arm alone, are no pairs.
  const others = runs.filter(({ label, seed }) => seed !== 8 || label !== "head");
  assertEquals(nextSeeds(study, claim, others, 2), [6, 7]);
  assertEquals(nextSeeds(study, claim, grid([1]), 1), [6]);
  // A seed of the study that the claim leaves out, the largest here, is none to be added.
  assertEquals(nextSeeds(study, { ...claim, exclude: [{ seed: 5 }] }, grid([]), 4), [6, 7, 8, 9]);
});

Deno.test("runsForClaims() has both arms with these seeds, and the runs that ranks are taken from", () => {
  const runs = grid([6, 7]);
  const title = (label: string, seed: number) =>
    label === "head" ? `Topic, head, seed ${seed}` : `Topic, ${label}, r2, seed ${seed}`;
  const of = (seeds: readonly number[], ...labels: readonly string[]) =>
    seeds.flatMap((seed) => labels.map((label) => title(label, seed)));
  const found = (...asked: Parameters<typeof runsForClaims>[0]) =>
    [...runsForClaims(asked, runs)].toSorted();
  assertEquals(found({ claim, seeds: [7] }), of([7], "again", "head", "lora"));
  assertEquals(found({ claim, seeds: [] }), []);
  const other: Claim = { ...claim, name: "two", a: { method: "lora" } };
  assertEquals(
    found({ claim, seeds: [6] }, { claim: other, seeds: [6, 7] }),
    [...of([6], "again", "head", "lora"), ...of([7], "head", "lora")].toSorted(),
  );
});
