/** Claims at the settings beside the tuned ones: the specification curve, and the gate of robust claims. */
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import {
  type SpecificationCurve,
  specificationCurve,
} from "../../../src/analysis/claims/specifications.ts";
import { verdictsOf } from "../../../src/analysis/claims/verdict.ts";
import { analyse } from "../../../src/analysis/analysis.ts";
import { specificationsChart } from "../../../src/report/charts/specifications.ts";
import { tablesOf } from "../../../src/report/build.ts";
import type { ArmRun } from "../../../src/study/compare/arms.ts";
import type { Claim } from "../../../src/study/schema/claims.ts";
import type { Tuned, TunedChoice } from "../../../src/study/schema/tuned.ts";
import { withStatement } from "../../../src/analysis/claims/stated.ts";
import { specOf } from "../../report/chart_rows.ts";
import { scoredStudy } from "../scored_study.ts";

const tasks = ["s", "t"];
const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const claim: Claim = {
  name: "ours wins",
  says: "better",
  a: { method: "ours" },
  b: { method: "lora" },
};
const planned = tasks.flatMap((task) =>
  ["ours", "lora"].flatMap((label) =>
    seeds.map((seed): ArmRun => ({ task, label, method: label, seed, budget: null, settings: {} }))
  )
);

/** Scores by task and seed around a mean: seeds differ by a tenth of a point. */
function runsAt(mean: number | null) {
  return tasks.flatMap((task) =>
    [101, 102].map((seed) => ({
      task,
      seed,
      score: mean === null ? null : mean + (seed === 101 ? 0.0005 : -0.0005),
    }))
  );
}

/** The choice of a method whose trials have these means at rates 1, 2, 3, ...; the best is chosen. */
function choice(method: string, means: readonly (number | null)[]): TunedChoice {
  const score = Math.max(...means.map((mean) => mean ?? -1));
  return {
    ...{ method, name: method, metric: "accuracy", score },
    values: { "train.learningRate": means.indexOf(score) + 1 },
    trials: means.map((mean, i) => ({
      values: { "train.learningRate": i + 1 },
      score: mean,
      runs: runsAt(mean),
    })),
  };
}

function tunedOf(...best: readonly TunedChoice[]): Tuned {
  return {
    ...{ study: "s", hash: "0", search: "grid", trials: 4, seeds: [101, 102], heldOut: 0.2 },
    ...{ seconds: 1, runs: 16, notBracketed: [], best },
  };
}

const ours = choice("ours", [0.5, 0.6, 0.62, 0.61]);
const claims = { study: { axes: { seeds } }, planned };
const curveOf = (tuned: Tuned | null, own: Claim = claim): SpecificationCurve =>
  specificationCurve(tuned, claims, own);

Deno.test("a specification curve has the chosen settings of both arms and the nearest on either side, sorted", () => {
  const { rows, missing } = curveOf(tunedOf(ours, choice("lora", [0.58, 0.59, 0.57, 0.3])));
  assertEquals(missing, "");
  const found: readonly unknown[] = rows.map(({ a, b, mean, isChosen }) => [
    a.values,
    b.values,
    Number(mean!.toFixed(6)),
    isChosen,
  ]);
  // In margins of one point. Rate 1 of ours and rate 4 of lora are no neighbours.
  assertEquals(found, [
    ["learningRate 2", "learningRate 2", 1, false],
    ["learningRate 2", "learningRate 1", 2, false],
    ["learningRate 4", "learningRate 2", 2, false],
    ["learningRate 3", "learningRate 2", 3, true],
    ["learningRate 2", "learningRate 3", 3, false],
    ["learningRate 4", "learningRate 1", 3, false],
    ["learningRate 3", "learningRate 1", 4, false],
    ["learningRate 4", "learningRate 3", 4, false],
    ["learningRate 3", "learningRate 3", 5, false],
  ]);
  assertEquals(rows[0]!.a.position, "learningRate lower");
  assert(rows.every(({ n, low, high, mean }) => n === 2 && low! <= mean! && high! >= mean!));
});

Deno.test("the nearest of random trials counts all settings, and halved trials are none", () => {
  const at = (rate: number, alpha: number, score: number, rest: object = {}) => ({
    values: { "train.learningRate": rate, "options.alpha": alpha },
    ...{ score, runs: runsAt(score), ...rest },
  });
  const trials = [
    at(3, 16, 0.6),
    at(2.9, 16, 0.1, { share: 0.3 }),
    at(2, 64, 0.5),
    at(1, 16, 0.4),
    at(4, 8, 0.3),
  ];
  const lora = { ...choice("lora", [0.5]), values: trials[0]!.values, score: 0.6, trials };
  const { rows } = curveOf(tunedOf(choice("ours", [0.6]), lora));
  const positions = new Map(rows.map(({ b }) => [b.position, b.values]));
  assertEquals([...positions.keys()].sort(), [
    "alpha higher",
    "alpha lower",
    "chosen",
    "learningRate higher",
    "learningRate lower",
  ]);
  // Two rates away with the same α is as near as one rate and one α away: the first that was tried.
  assertEquals(positions.get("learningRate lower"), "learningRate 2, alpha 64");
  assertEquals(positions.get("learningRate higher"), "learningRate 4, alpha 8");
});

Deno.test("a curve that trials cannot give says why", () => {
  const lora = choice("lora", [0.5, 0.6]);
  const old = { ...lora, trials: lora.trials.map(({ runs: _runs, ...rest }) => rest) };
  const few = { ...lora, trials: lora.trials.map((own) => ({ ...own, runs: own.runs!.slice(2) })) };
  const cases: readonly [SpecificationCurve, RegExp][] = [
    [curveOf(null), /^nothing was tuned$/],
    [curveOf(tunedOf(ours)), /^the settings of lora were not tuned$/],
    [curveOf(tunedOf(ours, old)), /no scores by seed: tune again/],
    [curveOf(tunedOf(ours, few)), /not made on all tasks and budgets of the claim: s$/],
    [curveOf(tunedOf(ours, lora), { ...claim, metric: "f1" }), /other metrics than f1/],
  ];
  for (const [{ missing, rows }, wanted] of cases) {
    assertMatch(missing, wanted);
    assertEquals(rows, []);
  }
});

/** Verdicts of a study in which ours is three points better, by nine seeds. */
function verdictBy(tuned: Tuned | null, own: Claim) {
  const study = scoredStudy({
    tasks: tasks.map((task) => [task, "accuracy"] as const),
    labels: ["ours", "lora"],
    seeds,
    score: ({ label, seed, task }) =>
      (label === "ours" ? 0.63 : 0.6) +
      0.001 * Math.sin(seed * 3 + task.charCodeAt(0) + label.charCodeAt(0)),
  });
  const stated = {
    study: { claims: [own], decide: { rule: "fixed" }, axes: { seeds } } as const,
    planned: study.planned.map((run) => ({ ...run, method: run.label, settings: {} })),
  };
  const [verdict] = verdictsOf(stated.study, stated.planned, study.runs, {
    curveOf: (claim, level) => specificationCurve(tuned, stated, claim, level),
  });
  return { verdict: verdict!, study, stated };
}

Deno.test("a robust claim is decided only where trials beside the chosen settings say the same, and the worst is named", () => {
  const robust: Claim = { ...claim, robust: true };
  const far = tunedOf(ours, choice("lora", [0.54, 0.55, 0.53]));
  assertEquals(verdictBy(far, robust).verdict.answer, "supported");
  const near = tunedOf(ours, choice("lora", [0.58, 0.605, 0.57]));
  assertEquals(verdictBy(near, claim).verdict.answer, "supported");
  const { answer, closed } = verdictBy(near, robust).verdict;
  assertEquals(answer, "not robust");
  assertMatch(
    closed[0]!.note,
    /not that of \d pairs of settings out of 8 .* a at learningRate 2 and b at learningRate 2, trials have −0\.50 margins/,
  );
  // A neighbour that diverged says nothing in favour of the claim.
  const failed = tunedOf(
    choice("ours", [0.5, null, 0.62, 0.61]),
    choice("lora", [0.54, 0.55, 0.53]),
  );
  assertMatch(verdictBy(failed, robust).verdict.closed[0]!.note, /a trial failed/);
  assertMatch(verdictBy(null, robust).verdict.closed[0]!.note, /nothing was tuned/);
});

Deno.test("the report has the curve as a table and a chart, the chosen pair marked", () => {
  const tuned = tunedOf(ours, choice("lora", [0.58, 0.59, 0.57]));
  const { study, stated } = verdictBy(tuned, claim);
  const results = {
    ...study,
    tuned,
    claims: {
      ...stated,
      statements: withStatement(stated.study, [], { at: "2019-01-01T08:00:00.000Z" }),
    },
  };
  const table = tablesOf(analyse(results)).find(({ id }) => id === "specifications")!;
  assertEquals(table.rows.length, 9);
  const marks = table.rows.map((row) => table.columns.at(-1)!.cell(row));
  assertEquals(marks.filter((mark) => mark === "yes").length, 1);
  const rows = curveOf(tuned).rows.map((row) => ({ claim: claim.name, ...row }));
  const { values } = specOf(specificationsChart(rows)!).data;
  const drawn = values.filter(({ series }) => series !== undefined);
  assertEquals(drawn.map(({ series }) => series === "chosen settings").filter(Boolean).length, 1);
  assertAlmostEquals(drawn[0]!["value"] as number, 1, 1e-6);
  assertEquals(specificationsChart([]), null);
  const single = rows.map((row) => ({ ...row, n: 1, low: null, high: null }));
  assertMatch(
    specificationsChart(single)!.caption,
    /Trials have one seed, so there are no intervals/,
  );
});
