import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { findingsOf } from "../../src/report/findings/findings.ts";
import type { StudyResults } from "../../src/report/types.ts";
import { fixtureStudy, manyFixtureMethods } from "./fixture.ts";

const textsOf = (study: StudyResults) =>
  findingsOf(study, "LoRA").map(({ lead, text }) => `${lead}: ${text}`);

const small = { steps: 12, events: 2, examples: 0 };
const find = (texts: readonly string[], start: string) => {
  const found = texts.find((text) => text.startsWith(start));
  assert(found !== undefined, `no finding starts with "${start}"`);
  return found;
};

const few = textsOf(fixtureStudy({ ...small, budgets: [4] }));
const many = textsOf(fixtureStudy({
  ...small,
  methods: manyFixtureMethods,
  tasks: [["RTE", "accuracy"], ["MRPC", "f1"], ["CoLA", "matthews"], ["STS-B", "pearson"]],
  budgets: [4, 8],
}));

Deno.test("findingsOf says what six blocks of three methods cannot show", () => {
  const order = find(few, "Mean ranks at rank 4");
  assertStringIncludes(
    order,
    "3 methods over 6 blocks (2 tasks with their seeds), 1 is best: ElaLoRA 1",
  );
  assertStringIncludes(order, "Beside them, without budget, head only would take 4.00");
  // 3 pairs · 2 / 2⁶ = 0.094, and 2 comparisons with LoRA · 2 / 2⁶ = 0.0625.
  const apart = find(few, "Told apart at rank 4");
  assertStringIncludes(
    apart,
    "6 blocks cannot tell any of 3 pairs apart, even one that wins every block",
  );
  assertStringIncludes(apart, "p 0.094 after Holm’s correction; 7 blocks could");
  assertStringIncludes(apart, "nor any from LoRA alone (p 0.063 at best, 7 blocks could)");
});

Deno.test("findingsOf ranks at the largest of three budgets alone", () => {
  const three = textsOf(fixtureStudy({ ...small, budgets: [2, 4, 8] }));
  const leads = three.filter((text) => text.startsWith("Mean ranks at"))
    .map((text) => text.split(":")[0]);
  assertEquals(leads, ["Mean ranks at rank 8"]);
});

Deno.test("findingsOf of many methods names the best, who cannot be told from it, and counts the others", () => {
  assertStringIncludes(find(many, "Mean ranks at rank 8"), "14 methods over 12 blocks");
  assertStringIncludes(find(many, "Mean ranks at rank 8"), "and 9 others.");
  const apart = find(many, "Told apart at rank 8");
  assertStringIncludes(apart, "the 14 are not all alike (Friedman p < 0.001)");
  assertStringIncludes(
    apart,
    "of 91 pairs are told apart; ElaLoRA cannot be told apart from PiSSA",
  );
  assertStringIncludes(apart, "against LoRA alone, better: ElaLoRA");
  const paired = find(many, "Methods against LoRA, paired by seed");
  assertStringIncludes(paired, "the others cannot be told apart (16 comparisons at 95% each");
  assert(!many.some((text) => text.startsWith("DoRA against LoRA")));
  assert(many.length < 14, `${many.length} findings are too many to read`);
});

Deno.test("findingsOf names the cells that nothing beats for less", () => {
  const front = find(few, "Nothing as good for less, all tasks");
  assertStringIncludes(front, "in training time head only, ");
  assertStringIncludes(front, "in numbers kept head only, ElaLoRA at rank 4");
  assertStringIncludes(front, "nothing of whether neighbours can be told apart");
});

Deno.test("findingsOf: a study of one seed and one task claims no difference", () => {
  const one = textsOf(fixtureStudy({ ...small, seeds: [1], tasks: [["RTE", "accuracy"]] }));
  const apart = find(one, "Told apart at rank 8");
  assertStringIncludes(apart, "1 block cannot tell any of 3 pairs apart");
  assertEquals(one.filter((text) => / (are told apart|not all alike)/.test(text)), []);
});

Deno.test("findingsOf says how many ranks a method has added", () => {
  const study = fixtureStudy({ ...small, budgets: [4] });
  const grown = (moved: number): StudyResults => ({
    ...study,
    runs: study.runs.map((run) => {
      const { initialRanks } = run.record.happened;
      const finalRanks = initialRanks && Object.fromEntries(
        Object.entries(initialRanks).map(([name, rank]) => [name, rank + 2]),
      );
      const happened = { ...run.record.happened, finalRanks, ranksMoved: moved };
      return { ...run, record: { ...run.record, happened } };
    }),
  });
  const modules = Object.keys(
    study.runs.find(({ record }) => record.happened.initialRanks)!.record.happened.initialRanks!,
  );
  const added = `${2 * modules.length} added by the end`;
  assertStringIncludes(find(textsOf(grown(0)), "Ranks of ElaLoRA"), `ElaLoRA: ${added}, `);
  assertStringIncludes(find(textsOf(grown(3)), "Ranks of ElaLoRA"), `3 moved, ${added}, `);
});
