import { analyse } from "../../src/analysis/analysis.ts";
import { csvRows } from "../../src/report/table.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { columnsOf } from "../../src/base/text_width.ts";
import { csvOf } from "../../src/report/csv.ts";
import { markdownOf } from "../../src/report/markdown.ts";
import { methodsText } from "../../src/report/methods_text.ts";
import { truncationRows } from "../../src/analysis/ablation.ts";
import { methodsTable } from "../../src/report/sections/scores.ts";
import type { RunResults, StudyResults } from "../../src/analysis/results.ts";
import { fixtureMethods, fixtureStudy, manyFixtureMethods } from "../analysis/fixture.ts";
import { tableOf } from "./table_of.ts";

const lora = fixtureMethods.find((m) => m.method === "lora")!;
const elalora = fixtureMethods.find((m) => m.method === "elalora")!;
const head = fixtureMethods.find((m) => m.method === "head")!;

/** Scores by `label/task`, one a seed; the hand-worked values of these tests rest on them. */
const scores: Readonly<Record<string, readonly number[]>> = {
  "LoRA/a": [0.80, 0.82, 0.84],
  "ElaLoRA/a": [0.83, 0.84, 0.88],
  "LoRA/b": [0.60, 0.50, 0.70],
  "ElaLoRA/b": [0.61, 0.49, 0.70],
  "head only/a": [0.70, 0.70, 0.74],
  "head only/b": [0.30, 0.30, 0.30],
};

function withScore(run: RunResults, score: number): RunResults {
  const { record } = run;
  const evaluation = {
    ...record.happened.last!,
    metrics: { [record.happened.primaryMetric]: score },
  };
  return {
    ...run,
    record: { ...record, happened: { ...record.happened, best: evaluation, last: evaluation } },
  };
}

function handStudy(
  options: { readonly drop?: string; readonly failures?: readonly string[] } = {},
) {
  const study = fixtureStudy({
    tasks: [["a", "accuracy"], ["b", "matthews"]],
    methods: [lora, elalora, head],
    budgets: [4],
    failures: options.failures ?? [],
  });
  const runs = study.runs
    .filter(({ record: { asked } }) =>
      `${asked.label}/${asked.task}/${asked.seed}` !== options.drop
    )
    .map((run) => {
      const { asked, happened } = run.record;
      return happened.outcome.state === "failed"
        ? run
        : withScore(run, scores[`${asked.label}/${asked.task}`]![asked.seed - 1]!);
    });
  return { ...study, runs };
}

// t quantile 0.975 with 2 degrees of freedom (SciPy).
const t2 = 4.302652729911275;

function cellOf<T extends { task: string; label: string; budget: string }>(
  rows: readonly T[],
  task: string,
  label: string,
  budget = "rank 4",
): T {
  const row = rows.find((r) => r.task === task && r.label === label && r.budget === budget);
  assert(row !== undefined, `no cell ${task} ${label} ${budget}`);
  return row;
}

Deno.test("scoreRows gives hand-worked means, deviations and intervals, per task and averaged", () => {
  const rows = analyse(handStudy()).scores;
  const a = cellOf(rows, "a", "LoRA");
  assertAlmostEquals(a.mean!, 0.82, 1e-12);
  assertAlmostEquals(a.sd!, 0.02, 1e-12);
  assertAlmostEquals(a.high!, 0.82 + t2 * 0.02 / Math.sqrt(3), 1e-10);
  // Seeds averaged over tasks: 0.70, 0.66, 0.77.
  const average = cellOf(rows, "all tasks", "LoRA");
  assertAlmostEquals(average.mean!, 0.71, 1e-12);
  assertAlmostEquals(average.sd!, Math.sqrt((0.01 ** 2 + 0.05 ** 2 + 0.06 ** 2) / 2), 1e-12);
  assertEquals(cellOf(rows, "a", "head only", "no budget").n, 3);
  assertEquals(rows.length, 9);
});

Deno.test("scoreRows says what is missing and failed, and averages only seeds that have every task", () => {
  const rows = analyse(handStudy({ drop: "LoRA/a/2", failures: ["LoRA/b/4/3"] })).scores;
  assertEquals([cellOf(rows, "a", "LoRA").n, cellOf(rows, "a", "LoRA").missing], [2, 1]);
  assertEquals([cellOf(rows, "b", "LoRA").n, cellOf(rows, "b", "LoRA").failed], [2, 1]);
  const average = cellOf(rows, "all tasks", "LoRA");
  assertEquals([average.n, average.sd], [1, null]);
  assertAlmostEquals(average.mean!, 0.70, 1e-12);
});

Deno.test("a seed that the study leaves out of a cell is not missing there", () => {
  const study = handStudy({ drop: "LoRA/a/2" });
  const isLeftOut = ({ task, label, seed }: (typeof study.planned)[number]) =>
    task === "a" && label === "LoRA" && seed === 2;
  assert(study.planned.some(isLeftOut));
  const planned = study.planned.filter((run) => !isLeftOut(run));
  assertEquals(cellOf(analyse({ ...study, planned }).scores, "a", "LoRA").missing, 0);
});

Deno.test("scoreRows makes no average over metrics of different scales", () => {
  const study = fixtureStudy({ tasks: [["a", "accuracy"], ["b", "perplexity↓"]], seeds: [1] });
  assert(analyse(study).scores.every((row) => row.task !== "all tasks"));
});

Deno.test("methodsTable shows mean ± deviation, n, direction and gaps as Markdown", () => {
  const text = markdownOf(methodsTable(analyse(handStudy({ failures: ["LoRA/b/4/3"] }))));
  assertStringIncludes(text, "| task | metric | method | rank 4 | no budget |");
  assertStringIncludes(text, "| --- | --- | --- | ---: | ---: |");
  assertStringIncludes(text, "| a | accuracy ↑ | LoRA | 82.00 ± 2.00 (n 3) | – |");
  assertStringIncludes(text, "| b | Matthews ↑ | LoRA | 55.00 ± 7.07 (n 2, 1 failed) | – |");
  assertStringIncludes(text, "| b | Matthews ↑ | head only | – | 30.00 ± 0.00 (n 3) |");
});

Deno.test("methodsText parts tasks by a heading, and says once what ± is and how many seeds a mean has", () => {
  const lines = methodsText(analyse(handStudy())).trimEnd().split("\n");
  assertStringIncludes(lines[0]!, "Mean ± sample standard deviation over seeds (n 3 unless");
  const blocks = lines.slice(4).join("\n").split("\n\n").map((block) => block.split("\n"));
  assertEquals(blocks.map(([heading]) => heading), [
    "a, accuracy ↑",
    "b, Matthews ↑",
    "all tasks, average ↑",
  ]);
  assertEquals(blocks.map((block) => block.length), [4, 4, 4]);
  const [lora] = blocks[0]!.filter((line) => line.startsWith("LoRA"));
  assertStringIncludes(lora!, "82.00 ± 2.00");
  assert(!lines.slice(1).some((line) => line.includes("(n 3)")));
  const end = lines[2]!.indexOf("rank 4") + "rank 4".length;
  assertEquals(end, lora!.indexOf("82.00 ± 2.00") + "82.00 ± 2.00".length);
});

Deno.test("methodsText says in the cell where a mean has other seeds than most", () => {
  const text = methodsText(analyse(handStudy({ failures: ["LoRA/b/4/3"] })));
  assertStringIncludes(text, "(n 3 unless");
  assertStringIncludes(text, "55.00 ± 7.07 (n 2, 1 failed)");
});

Deno.test("methodsText says once what is missing of most means", () => {
  const { runs, ...study } = handStudy();
  const text = methodsText(
    analyse({ ...study, runs: runs.filter(({ record }) => record.asked.seed < 3) }),
  );
  assertStringIncludes(text, "(n 2, 1 missing unless a cell says otherwise)");
  assertEquals(text.match(/missing/g)?.length, 1);
});

Deno.test("methodsText takes no line more than the width, from 40 columns on, and shows every number", () => {
  const study = fixtureStudy({
    methods: manyFixtureMethods,
    tasks: [["RTE", "accuracy"], ["MRPC", "f1"]],
    budgets: [2, 4, 8, 16],
    seeds: [1, 2],
  });
  const numbers = (text: string) => text.match(/[\d.]+ ± [\d.]+/g)!.sort();
  const whole = methodsText(analyse(study));
  for (const width of [40, 55, 80, 110, 200]) {
    const text = methodsText(analyse(study), width);
    for (const line of text.split("\n")) assert(columnsOf(line) <= width, `${width}: ${line}`);
    assertEquals(numbers(text), numbers(whole));
  }
});

Deno.test("pairedRows gives hand-worked differences, intervals and verdicts", () => {
  const rows = analyse(handStudy()).tests.paired;
  // Differences 0.03, 0.02, 0.04.
  const a = cellOf(rows, "a", "ElaLoRA");
  assertAlmostEquals(a.mean!, 0.03, 1e-12);
  assertAlmostEquals(a.low!, 0.03 - t2 * 0.01 / Math.sqrt(3), 1e-10);
  // p .035 by itself, one of many tests of this report.
  assertEquals([a.n, a.verdict.kind, a.p! < 0.05, a.corrected! > 0.05], [
    3,
    "undecided",
    true,
    true,
  ]);
  // Differences 0.01, −0.01, 0.
  assertEquals(cellOf(rows, "b", "ElaLoRA").verdict.kind, "undecided");
  // Averaged within the seed first: 0.02, 0.005, 0.02.
  const all = cellOf(rows, "all tasks", "ElaLoRA");
  assertAlmostEquals(all.mean!, 0.015, 1e-12);
  assertAlmostEquals(all.sd!, 0.005 * Math.sqrt(3), 1e-12);
  assertEquals([all.n, all.cells, all.verdict.kind], [3, 2, "undecided"]);
  assertEquals(a.cells, 1);
  // A method without budget is paired with the baseline at each of its budgets.
  assertAlmostEquals(cellOf(rows, "a", "head only").mean!, (-0.10 - 0.12 - 0.10) / 3, 1e-12);
});

Deno.test("pairedRows leaves out a seed that lacks a cell", () => {
  const rows = analyse(handStudy({ drop: "LoRA/b/2" })).tests.paired;
  assertEquals(cellOf(rows, "a", "ElaLoRA").n, 3);
  assertEquals(cellOf(rows, "b", "ElaLoRA").n, 2);
  assertEquals(cellOf(rows, "all tasks", "ElaLoRA").n, 2);
});

Deno.test("pairedTable says that there is nothing to compare with in a study without baseline", () => {
  const table = tableOf(analyse(fixtureStudy({ methods: [elalora, head] })), "paired");
  assertEquals(table.rows.length, 0);
  assertStringIncludes(table.note, "no baseline");
});

Deno.test("examplesTable gives each metric's difference over other seeds and other examples", () => {
  const study = handStudy();
  const predict = (wrong: Readonly<Record<string, readonly number[]>>): StudyResults => ({
    ...study,
    runs: study.runs.map((run) => ({
      ...run,
      predictions: [0, 1, 2, 3].map((id) => ({
        split: "dev",
        id,
        target: id % 2,
        prediction: (wrong[run.record.asked.label] ?? []).includes(id) ? 1 - id % 2 : id % 2,
      })),
    })),
  });
  const rows = csvRows(
    tableOf(analyse(predict({ LoRA: [0, 1], ElaLoRA: [1] })), "paired_examples"),
  );
  const of = (task: string) => rows.find((r) => r["task"] === task && r["label"] === "ElaLoRA")!;
  const { n, seeds, mean, low, high, seedError, exampleError } = of("a");
  assertEquals([n, seeds, mean, seedError], [4, 3, 0.25, 0]);
  // The same difference in all seeds, on one example of four: 0.5 / √4, and t of 3 degrees of freedom.
  assertAlmostEquals(Number(exampleError), 0.25, 1e-12);
  assertAlmostEquals(Number(low), 0.25 - 3.182446305284263 * 0.25, 1e-9);
  assertAlmostEquals(Number(high), 0.25 + 3.182446305284263 * 0.25, 1e-9);
  // Matthews of [0, 0, 0, 1] against targets [0, 1, 0, 1] is (3·4 − 8) / √(8·6), that of [1, 0, 0, 1] is 0.
  assertAlmostEquals(Number(of("b")["mean"]), 4 / Math.sqrt(48), 1e-12);
  // With every prediction equal, no seed and no example differs.
  const same = csvRows(tableOf(analyse(predict({})), "paired_examples"))[0]!;
  assertEquals([same["mean"], same["low"], same["high"]], [0, 0, 0]);
});

Deno.test("csvOf writes raw values with a header and quotes what needs quotes", () => {
  const lines = csvOf(tableOf(analyse(handStudy()), "runs")).trimEnd().split("\n");
  assertEquals(lines.length, 1 + 18);
  assert(lines[0]!.startsWith("id,task,label,method,budget,seed,state,metric,score,"));
  assertStringIncludes(lines[0]!, "dev_accuracy");
  assertStringIncludes(lines[1]!, "LoRA,lora,rank 4,1,finished,accuracy,0.8,");
  const odd = fixtureStudy({ methods: [{ ...lora, label: 'LoRA, "r 2"' }], seeds: [1] });
  assertStringIncludes(csvOf(tableOf(analyse(odd), "runs")), '"LoRA, ""r 2"""');
});

Deno.test("csvOf gives spreadsheets no formula to run", () => {
  const labels = ["=1+1", "+LoRA", "-LoRA", "@SUM(A1)", "\tLoRA", "-1e3"];
  const texts = ["'=1+1", "'+LoRA", "'-LoRA", "'@SUM(A1)", "'\tLoRA", "-1e3"];
  const methods = labels.map((label) => ({ ...lora, label }));
  const csv = csvOf(tableOf(analyse(fixtureStudy({ methods, seeds: [1] })), "runs"));
  for (const [i, text] of texts.entries()) {
    assertStringIncludes(csv, `,${text},`);
    if (text !== labels[i]) assert(!csv.includes(`,${labels[i]},`));
  }
});

Deno.test("markdownOf escapes what would break a cell", () => {
  const odd = fixtureStudy({ methods: [{ ...lora, label: "a|b*c\n<d>" }], seeds: [1] });
  assertStringIncludes(markdownOf(methodsTable(analyse(odd))), "a\\|b\\*c \\<d\\>");
});

Deno.test("failedTable names cause, step and message, and counts runs without a record", () => {
  const study = handStudy({ drop: "LoRA/a/2", failures: ["LoRA/b/4/3"] });
  const table = tableOf(analyse(study), "failed");
  const [row] = csvRows(table);
  assertEquals([row!["cause"], row!["step"], row!["seed"]], ["diverged", 17, 3]);
  assertEquals(
    table.note,
    "1 run failed and counts in no mean. 1 planned run has not been made yet: run the sweep again.",
  );
});

Deno.test("costRows compares step times with the baseline of the same task and budget", () => {
  const study = handStudy();
  const timed = {
    ...study,
    runs: study.runs.map((run): RunResults => ({
      ...run,
      record: {
        ...run.record,
        happened: {
          ...run.record.happened,
          time: {
            ...run.record.happened.time,
            medianStepMillis: (run.record.asked.label === "LoRA" ? 40 : 50) +
              run.record.asked.seed,
          },
        },
      },
    })),
  };
  const row = cellOf(analyse(timed).costs, "a", "ElaLoRA");
  assertEquals(row.stepMillis, 52);
  assertAlmostEquals(row.stepRatio!, 52 / 42, 1e-12);
  assertEquals(
    cellOf(analyse(timed).costs, "a", "head only", "no budget").stepRatio,
    null,
  );
});

Deno.test("budgetsTable shows requested, initial, peak and final counts side by side", () => {
  const rows = csvRows(tableOf(analyse(fixtureStudy({ budgets: [2], seeds: [1] })), "budgets"));
  const adalora = rows.find((row) => row["label"] === "AdaLoRA")!;
  const expected = 2 * 4 * 6 * 512;
  assertEquals(
    [adalora["requested"], adalora["initial"], adalora["peak"], adalora["final"]],
    [expected, 1.5 * expected, 1.5 * expected, expected],
  );
});

Deno.test("budgetsTable shows stored counts: as recorded, the final count for old records, all that was trained without budget", () => {
  const study = fixtureStudy({
    methods: [{ ...lora, storedShare: 0.5 }, elalora, { ...head, trained: 300 }],
    budgets: [2],
    seeds: [1],
  });
  const rows = csvRows(tableOf(analyse(study), "budgets"));
  const storedOf = (label: string) => {
    const row = rows.find((r) => r["label"] === label)!;
    return [row["stored"], row["storedRecorded"]];
  };
  const budget = 2 * 4 * 6 * 512;
  assertEquals(storedOf("LoRA"), [budget / 2, 1]);
  assertEquals(storedOf("ElaLoRA"), [budget, 0]);
  assertEquals(storedOf("head only"), [300, 1]);
  const text = markdownOf(tableOf(analyse(study), "budgets"));
  assertStringIncludes(text, "| 24,576 | 12,288 | – | – | 25,346 |");
  assertStringIncludes(text, "| 24,576 | ≈ 24,576 | – | – | 25,346 |");
});

Deno.test("a cell whose budget was missed by more than a hundredth is marked, by what the budget counts", () => {
  const off = (type: "rank" | "peak" | "meanTrained", counts: object) => {
    const study = fixtureStudy({ methods: [lora], seeds: [1] });
    const [run] = study.runs;
    const { record } = run!;
    const changed = {
      ...record,
      asked: { ...record.asked, budget: { type, value: 1_000 } },
      happened: {
        ...record.happened,
        budget: { requested: 1_000, initial: 1_000, peak: 1_200, final: 1_000, ...counts },
      },
    };
    const runs = [{ ...run!, record: changed }];
    return csvRows(tableOf(analyse({ ...study, runs }), "budgets"))[0]!["offBy"];
  };
  assertEquals(off("rank", { final: 1_077 }), 0.07699999999999996);
  assertEquals(off("peak", {}), 0.19999999999999996);
  assertEquals(off("meanTrained", {}), null);
  assertEquals(off("meanTrained", { meanTrained: 990 }), -0.010000000000000009);
});

Deno.test("costRows marks the cells that nothing beats, in training time and in numbers kept, per task and averaged", () => {
  const study = handStudy();
  const timed = (
    millis: Readonly<Record<string, number>>,
    events: number | null,
  ): StudyResults => ({
    ...study,
    runs: study.runs.map((run): RunResults => {
      const { time } = run.record.happened;
      const happened = {
        ...run.record.happened,
        time: {
          ...time,
          trainMillis: millis[run.record.asked.label]!,
          ...(events === null ? {} : { eventMillis: events }),
        },
      };
      return { ...run, record: { ...run.record, happened } };
    }),
  });
  // ElaLoRA is best and LoRA second in both tasks; LoRA is slower than ElaLoRA, the head is fastest and smallest.
  const rows = analyse(timed({ LoRA: 900, ElaLoRA: 800, "head only": 500 }, null)).costs;
  const fronts = (task: string) =>
    rows.filter((row) => row.task === task)
      .map((row) => [row.label, row.isOnTimeFront, row.isOnSizeFront]);
  const wanted = [["LoRA", false, false], ["ElaLoRA", true, true], ["head only", true, true]];
  assertEquals(fronts("a"), wanted);
  assertEquals(fronts("all tasks"), wanted);
  // The events of 200 ms count as training: LoRA without them would be faster.
  const [row] = analyse(timed({ LoRA: 700, ElaLoRA: 800, "head only": 500 }, 200)).costs;
  assertEquals([row!.label, row!.trainMillis, row!.eventMillis], ["LoRA", 900, 200]);
  const runs = study.runs.map((run) => {
    const happened = { ...run.record.happened, estimate: { dimensions: [3, 4], millis: 50 } };
    return { ...run, record: { ...run.record, happened } };
  });
  const estimated = analyse({ ...study, runs }).costs[0]!;
  assertEquals(estimated.eventMillis, 50);
  assertEquals(estimated.trainMillis, analyse(study).costs[0]!.trainMillis + 50);
  const table = markdownOf(
    tableOf(analyse(timed({ LoRA: 7, ElaLoRA: 8, "head only": 5 }, 200)), "cost"),
  );
  assertStringIncludes(table, "| outside steps |");
  assert(!markdownOf(tableOf(analyse(study), "cost")).includes("| outside steps |"));
});

Deno.test("costTable shows the time of training, of what is outside steps and of the whole run, each below its title", () => {
  const runs = handStudy().runs.map((run): RunResults => {
    const { happened } = run.record;
    const time = { ...happened.time, trainMillis: 61_000, eventMillis: 5000, wallMillis: 130_000 };
    return { ...run, record: { ...run.record, happened: { ...happened, time } } };
  });
  const study = { ...handStudy(), runs };
  const { columns, rows: [first] } = tableOf(analyse(study), "cost");
  const shown = (title: string) => columns.find((column) => column.title === title)!.cell(first!);
  assertEquals(
    ["training time ↓", "outside steps", "run time ↓"].map(shown),
    ["1 min 6 s", "5 s", "2 min 10 s"],
  );
});

Deno.test("costRows averages only methods that finished every task", () => {
  const rows = analyse(handStudy({ failures: ["LoRA/b/4/1", "LoRA/b/4/2", "LoRA/b/4/3"] })).costs;
  const averaged = rows.filter((row) => row.task === "all tasks").map((row) => row.label);
  assertEquals(averaged, ["ElaLoRA", "head only"]);
});

Deno.test("provenanceTable lists every distinct value with its runs", () => {
  const study = handStudy();
  const first = study.runs[0]!;
  const mixed = {
    ...study,
    runs: [
      { ...first, record: { ...first.record, where: { ...first.record.where, deno: "2.9.7" } } },
      ...study.runs.slice(1),
    ],
  };
  const rows = csvRows(tableOf(analyse(mixed), "provenance")).filter((row) =>
    row["what"] === "deno"
  );
  assertEquals(rows.map((row) => [row["value"], row["runs"]]), [["2.9.7", 1], ["2.9.6", 17]]);
});

Deno.test("truncationRows averages the metric at each rank over runs, and tells what the whole adapter has more", () => {
  const study = handStudy();
  const metrics = [[0.5, 0.75], [0.75, 0.75]];
  const own = study.runs.filter((run) => run.record.asked.label === "ElaLoRA").slice(0, 2);
  const cut: StudyResults = {
    ...study,
    runs: own.map((run, i) => ({
      ...run,
      ablation: {
        schema: 1,
        metric: "accuracy",
        baseline: 0.75,
        removals: [],
        truncations: metrics[i]!.map((metric, at) => ({ rank: at + 1, metric })),
      },
    })),
  };
  const rows = truncationRows(analyse(cut));
  assertEquals(rows.map(({ rank, n, mean, loss }) => [rank, n, mean, loss]), [
    [1, 2, 62.5, 12.5],
    [2, 2, 75, 0],
  ]);
  assertAlmostEquals(rows[0]!.sd!, 25 / Math.SQRT2, 1e-12);
  assertEquals(truncationRows(analyse(study)), []);
});

Deno.test("ablationRows correlates rank with loss: over runs for several, over removals for one, none for equal ranks", () => {
  const study = handStudy();
  const ablated = (runs: number, rankOf: (piece: number) => number): StudyResults => ({
    ...study,
    runs: study.runs.filter((run) => run.record.asked.label === "ElaLoRA").map((run, i) => ({
      ...run,
      ablation: i >= runs ? null : {
        schema: 1,
        metric: "accuracy",
        baseline: 0.8,
        removals: [0.01, 0.03, 0.02, 0.04, 0.05].map((loss, piece) => ({
          kind: "module" as const,
          name: `layer.${piece}.query`,
          rank: rankOf(piece),
          metric: 0.8 - loss,
          loss,
        })),
      },
    })),
  });
  // Ranks 1 2 3 4 5 against losses ranked 1 3 2 4 5: ρ = 1 − 6·2/(5·24) = 0.9, τ = (9 − 1)/10 = 0.8.
  const [one] = analyse(ablated(1, (piece) => piece + 1)).ablation;
  assertAlmostEquals(one!.spearman!, 0.9, 1e-12);
  assertAlmostEquals(one!.kendall!, 0.8, 1e-12);
  assertEquals([one!.n, one!.pieces, one!.interval], [1, 5, "bootstrap over removals"]);
  assert(one!.low !== null && one!.low < 0.9 && one!.high! <= 1);
  // Three equal correlations leave no spread to estimate.
  const [three] = analyse(ablated(3, (piece) => piece + 1)).ablation;
  assertEquals([three!.n, three!.low, three!.interval], [3, null, "none"]);
  const [even] = analyse(ablated(3, () => 4)).ablation;
  assertEquals([even!.n, even!.undefinedRuns, even!.spearman], [0, 3, null]);
});
