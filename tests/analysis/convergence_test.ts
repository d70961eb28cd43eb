/** What a report says of runs that had not converged, and of the way to a score. */
import { verdictText } from "../../src/analysis/verdict.ts";
import { cellOf } from "../../src/analysis/run_rows.ts";
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { learningChart } from "../../src/report/charts/training.ts";
import { needsMore } from "../../src/analysis/convergence.ts";
import { answerOf } from "../../src/report/findings/answer.ts";
import { findingsOf } from "../../src/report/findings/findings.ts";
import { learningCurves, reachedAt } from "../../src/analysis/learning.ts";
import { stylesOf } from "../../src/report/method_styles.ts";
import { methodsText } from "../../src/report/methods_text.ts";
import { noticesOf } from "../../src/report/sections/summary.ts";
import { targetRows, targetsOf } from "../../src/analysis/targets.ts";
import { isTested } from "../../src/analysis/significance.ts";
import type { Metrics } from "../../src/record/types.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import { boundsIn, panelsOf } from "../report/chart_rows.ts";
import { curves, studyOf } from "./learning_curves.ts";
import type { ScorePlace } from "./scored_study.ts";
import { tableOf } from "../report/table_of.ts";

const answer = (study: StudyResults) => answerOf(analyse(study));

const early = { kind: "void", reason: "more steps needed" } as const;

Deno.test("cells whose runs still climb have no verdict but that more steps are needed", () => {
  const study = studyOf({ labels: ["lora", "slow"], curve: curves });
  const rows = analyse(study).tests.paired;
  assertEquals(rows.map(({ label, verdict }) => [label, verdict]), [["slow", early]]);
  // The difference stands beside it, and is not tested.
  assert(rows[0]!.mean! < -0.09 && rows[0]!.high! < 0);
  assertEquals([rows.filter(isTested), analyse(study).tests.family.tests], [[], 0]);
  assertEquals(analyse(study).tests.rankings[0]!.pairs.map(({ verdict }) => verdict), [early]);
  const { sentence, basis } = answer(study);
  assertEquals(
    sentence,
    "More steps are needed before lora and slow can be compared; so far lora has the best mean accuracy at rank 4.",
  );
  assertEquals(basis, [
    "No verdict: runs of slow were still improving when they ended (see Convergence).",
  ]);
  const texts = findingsOf(analyse(study)).map(({ text }) => text).join("\n");
  assertStringIncludes(texts, "and more steps are needed for a verdict.");
  assertStringIncludes(texts, "No verdict: slow needs more steps (see Convergence).");
  assert(!/is worse than|is better than|significantly/.test(texts), texts);
});

Deno.test("notices, scores and the terminal name the cells that need more steps", () => {
  const study = studyOf({ labels: ["lora", "slow"], curve: curves });
  const [notice] = noticesOf(analyse(study));
  const summary =
    "1 of 2 cells (task, method and budget) needs more steps: training was still improving when it ended, so there is no verdict on it";
  assertEquals(notice!.text, `${summary}.`);
  assertEquals(notice!.lines, [
    "t, slow, rank 4: score still climbs (in the last fifth of 3 runs: score +5.0 ± 0.0 points, held-out loss 0 %)",
  ]);
  assertStringIncludes(methodsText(analyse(study)), `${summary}; the report has their curves.`);
  const scores = tableOf(analyse(study), "scores");
  const training = scores.columns.find(({ title }) => title === "training")!;
  assertEquals(scores.rows.map(training.cell), ["–", early.reason]);
  const table = tableOf(analyse(study), "convergence");
  assertEquals(table.rows.map((row) => table.columns[3]!.cell(row)), [
    "converged",
    "score still climbs",
  ]);
});

Deno.test("methods that have converged are compared beside one that has not", () => {
  const study = studyOf({ labels: ["lora", "other", "slow"], seeds: 8, curve: curves });
  const [ranking] = analyse(study).tests.rankings;
  assertEquals(ranking!.early, ["slow"]);
  assertEquals(
    ranking!.pairs.map(({ label, other, verdict }) => [label, other, verdictText(verdict)]),
    [["other", "lora", "better"], ["other", "slow", early.reason], ["lora", "slow", early.reason]],
  );
  assertEquals(
    answer(study).sentence,
    "At rank 4, other is significantly better than lora.",
  );
  const texts = findingsOf(analyse(study)).map(({ text }) => text).join("\n");
  assertStringIncludes(texts, "No verdict on slow, which needs more steps (see Convergence).");
});

Deno.test("a leader that has not converged is no winner", () => {
  const curve = (place: ScorePlace) =>
    curves(place).map((score) => place.label === "slow" ? score + 0.3 : score);
  const study = studyOf({ labels: ["lora", "other", "slow"], seeds: 8, curve });
  assertEquals(
    answer(study).sentence,
    "At rank 4, slow needs more steps and has the best mean accuracy so far; other is significantly better than lora.",
  );
});

Deno.test("a study may allow a larger gain", () => {
  const study = studyOf({
    labels: ["lora", "slow"],
    curve: curves,
    study: { convergence: { scoreGain: 0.06 } },
  });
  assertEquals(analyse(study).tests.paired.map(({ verdict }) => verdict.kind), ["worse"]);
  assertEquals(analyse(study).cells.map(({ state }) => state), ["converged", "converged"]);
});

Deno.test("a run is told by its cell, so that verdicts on runs agree with the tables", () => {
  const study = studyOf({
    // One of seven runs climbs, which chance may do.
    seeds: 7,
    labels: ["lora", "slow"],
    curve: (place) =>
      place.label === "lora" && place.seed === 1 ? [0.4, 0.5, 0.6, 0.67, 0.7] : curves(place),
  });
  const isEarly = needsMore(analyse(study).cells);
  assertEquals(
    study.runs.map(({ record }) => !isEarly(cellOf(record))),
    study.runs.map(({ record }) => record.asked.label === "lora"),
  );
});

Deno.test("a learning curve is of the same runs at each step, whenever they end", () => {
  const study = studyOf({
    labels: ["lora"],
    seeds: 2,
    // The first is evaluated after 50 and 100 steps, the second after 25, 50, 75 and 100.
    curve: ({ seed }) => seed === 1 ? [0.4, 0.6] : [0.1, 0.2, 0.3, 0.4],
  });
  const short = study.runs.map((run) =>
    run.record.asked.seed === 1
      // It ended at its plateau after 50 steps.
      ? { ...run, evaluations: run.evaluations.slice(0, 1) }
      : run
  );
  const points = (of: StudyResults) =>
    learningCurves(of)[0]!.points.map(({ step, score }) => [step, Number(score.toFixed(6))]);
  assertEquals(points(study), [[50, 0.3], [75, 0.35], [100, 0.5]]);
  assertEquals(points({ ...study, runs: short }), [[50, 0.3], [75, 0.35], [100, 0.4]]);
});

Deno.test("one chart has all methods, those without a budget in every panel", () => {
  const study = studyOf({
    labels: ["head", "lora", "slow"],
    budgets: [2, 4],
    curve: (place) => place.label === "head" ? [0.02, 0.02] : curves(place),
  });
  const grid = analyse(study).grid;
  const chart = learningChart(analyse(study), grid, stylesOf(analyse(study)))!;
  assertEquals([...panelsOf(chart).keys()], ["t, rank 2", "t, rank 4"]);
  for (const rows of panelsOf(chart).values()) {
    const labels = new Set(rows.flatMap(({ series }) => series ?? []));
    assertEquals([...labels].sort(), ["head", "lora", "slow"]);
    // What lies far below the methods with a budget does not set the scale.
    assert(boundsIn(rows)[0]! > 20);
  }
  const once = studyOf({ curve: () => [0.5] });
  assertEquals(learningChart(analyse(once), analyse(once).grid, stylesOf(analyse(once))), null);
});

Deno.test("a run reaches a score with its first evaluation that has it, after the time of its steps", () => {
  const { runs: [run] } = studyOf({
    labels: ["lora"],
    seeds: 1,
    curve: () => [0.5, 0.7, 0.6, 0.7],
  });
  assertEquals(reachedAt(run!, 0.7), { step: 50, seconds: 0.5 });
  assertEquals(reachedAt(run!, 0.71), null);
  assertEquals(reachedAt({ ...run!, steps: [] }, 0.7), { step: 50, seconds: null });
});

Deno.test("targets are the study's, or 95 % of the best mean of a task; seeds that do not reach them are said", () => {
  const curve = ({ label, seed }: ScorePlace) =>
    label === "lora"
      ? [0.6, 0.8, 0.8, 0.8]
      : seed === 1
      ? [0.2, 0.3, 0.4, 0.77]
      : [0.1, 0.1, 0.1, 0.1];
  const study = studyOf({ curve });
  assertEquals(
    [...targetsOf(analyse(study))].map(([task, score]) => [task, Number(score.toFixed(6))]),
    [[
      "t",
      0.76,
    ]],
  );
  const told = targetRows(analyse(study)).map(({ label, reached, runs, steps, seconds }) => ({
    label,
    reached,
    runs,
    steps,
    seconds,
  }));
  assertEquals(told, [
    { label: "lora", reached: 3, runs: 3, steps: 50, seconds: 0.5 },
    { label: "other", reached: 1, runs: 3, steps: 100, seconds: 1 },
  ]);
  const high = studyOf({ curve, study: { targets: { t: 0.79 } } });
  const { rows, columns } = tableOf(analyse(high), "targets");
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  assertEquals(cells, [
    ["t", "accuracy ↑", "79.00", "lora", "rank 4", "3 of 3", "50", "0.5 s", "80.00"],
    ["t", "accuracy ↑", "79.00", "other", "rank 4", "not reached (0 of 3)", "–", "–", "32.33"],
  ]);
});

Deno.test("where lower is better a run reaches a score from above, and the target is the best mean over 0.95", () => {
  const { runs, ...rest } = studyOf({
    labels: ["lora"],
    seeds: 1,
    curve: () => [0.9, 0.5, 0.38, 0.38],
  });
  const named = (metrics: Metrics) => ({ logLoss: metrics["accuracy"]! });
  const study = {
    ...rest,
    runs: runs.map((run) => {
      const { happened } = run.record;
      const last = { ...happened.last!, metrics: named(happened.last!.metrics) };
      return {
        ...run,
        record: {
          ...run.record,
          happened: { ...happened, primaryMetric: "logLoss", best: last, last },
        },
        evaluations: run.evaluations.map((line) => ({ ...line, metrics: named(line.metrics) })),
      };
    }),
  };
  assertEquals(reachedAt(study.runs[0]!, 0.5)?.step, 50);
  assertEquals(reachedAt(study.runs[0]!, 0.3), null);
  assertAlmostEquals(targetsOf(analyse(study)).get("t")!, 0.4, 1e-12);
  assertStringIncludes(tableOf(analyse(study), "targets").note, "the best mean divided by 0.95");
});
