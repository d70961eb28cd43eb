/** The factorial of forms, policies and scores: which arms are compared, and by how much they differ. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { compositionOf } from "../../src/analysis/factorial.ts";
import { factorialRows } from "../../src/report/sections/form_policy_and_score.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import { scoredStudy } from "./scored_study.ts";
import { tableOf } from "../report/table_of.ts";

/** Arms by label: options of `composed`. */
const arms: Readonly<Record<string, unknown>> = {
  plain: { form: { type: "lora" }, policy: { type: "fixed" } },
  svd: { form: { type: "svd" }, policy: { type: "fixed" } },
  bare: { form: { type: "svd", regulariserWeight: 0 }, policy: { type: "fixed" } },
  moves: { form: { type: "svd" }, policy: { type: "moves", score: "importance" } },
  random: { form: { type: "svd" }, policy: { type: "moves", score: "random" } },
};

function studyOf(
  labels: readonly string[],
  scoreOf: (label: string, seed: number, budget: number) => number | null,
): StudyResults {
  const study = scoredStudy({
    labels,
    budgets: [2, 4],
    score: ({ label, seed, budget }) => scoreOf(label, seed, budget!),
  });
  return {
    ...study,
    runs: study.runs.map((run) => {
      const { asked } = run.record;
      const options = arms[asked.label];
      return options === undefined ? run : {
        ...run,
        record: {
          ...run.record,
          asked: { ...asked, method: "composed", options: options as never },
        },
      };
    }),
  };
}

Deno.test("compositionOf names the parts of a composition, and of methods that are one", () => {
  assertEquals(compositionOf({ method: "composed", options: arms["bare"] }), {
    form: "svd, no regulariser",
    policy: "fixed",
    score: "",
  });
  const elalora = { form: "svd", policy: "moves", score: "importance" };
  assertEquals(compositionOf({ method: "elalora", options: {} }), elalora);
  assertEquals(compositionOf({ method: "composed", options: arms["moves"] }), elalora);
  assertEquals(compositionOf({ method: "bitfit", options: {} }), null);
});

Deno.test("factorialRows compares arms that differ in one thing, seed by seed over their common cells", () => {
  const base: Readonly<Record<string, number>> = {
    plain: 0.5,
    svd: 0.6,
    bare: 0.55,
    moves: 0.7,
    random: 0.62,
  };
  // Seeds of `moves` differ by 0, 0.01 and 0.02 at both budgets.
  const study = studyOf(
    Object.keys(arms),
    (label, seed) => base[label]! + (label === "moves" ? 0.01 * (seed - 1) : 0),
  );
  const rows = new Map(factorialRows(analyse(study)).map((row) => [row.label, row]));
  const { policy, score, form } = rows.get("moves")!.effects;
  assertEquals([policy!.versus, score!.versus, form], ["svd", "random", undefined]);
  assertAlmostEquals(policy!.mean!, 0.11, 1e-12);
  assertAlmostEquals(score!.mean!, 0.09, 1e-12);
  // Mean 0.11, deviation 0.01, t quantile with 2 degrees of freedom 4.302653 (SciPy).
  assertAlmostEquals(
    policy!.low!,
    0.11 - 4.302652729911275 * 0.01 / Math.sqrt(3),
    1e-9,
  );
  // p .003 by itself, one of all tests of the report.
  assertEquals([policy!.n, policy!.verdict.kind], [3, "undecided"]);
  assert(policy!.p! < 0.01 && policy!.corrected! > 0.05);
  assertAlmostEquals(rows.get("svd")!.effects.form!.mean!, 0.1, 1e-12);
  assertEquals(rows.get("plain")!.effects.form, undefined);
  assertAlmostEquals(rows.get("bare")!.effects.form!.mean!, 0.05, 1e-12);
});

Deno.test("a seed that lacks a cell takes no part in an effect", () => {
  const study = studyOf(
    ["plain", "svd"],
    (label, seed, budget) =>
      label === "svd" && seed === 2 && budget === 4 ? null : label === "svd" ? 0.6 : 0.5,
  );
  const svd = factorialRows(analyse(study)).find(({ label }) => label === "svd")!;
  assertEquals(svd.effects.form!.n, 2);
});

Deno.test("the table is empty for studies without composed arms, and shows dashes where nothing compares", () => {
  assertEquals(factorialRows(analyse(scoredStudy({ score: () => 0.5 }))), []);
  const table = tableOf(analyse(studyOf(["plain", "moves"], () => 0.5)), "factorial");
  const cells = table.columns.map(({ cell }) => cell(table.rows[0]!));
  assert(cells.includes("-"));
  assertEquals(cells.slice(0, 4), ["lora", "fixed", "-", "50.00"]);
});
