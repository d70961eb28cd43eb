/** Studies with axes of settings: which values are compared over which runs, and scores by groups. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/input_error.ts";
import type { Json } from "../../src/base/canonical_json.ts";
import { buildReport } from "../../src/report/build.ts";
import { scaleOf, variedCharts } from "../../src/report/charts/varied.ts";
import { tableText } from "../../src/report/table.ts";
import { settingRows } from "../report/table_of.ts";
import { groupedTable } from "../../src/report/grouped.ts";
import { variedRows } from "../../src/analysis/varied.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import { summarise } from "../../src/stats/statistics.ts";
import { panelsOf, seriesOf, specOf } from "../report/chart_rows.ts";
import { scoredStudy } from "./scored_study.ts";

/** Arms and what they vary, by label. */
type Varied = Readonly<
  Record<string, readonly [arm: string, varied: Readonly<Record<string, Json>>]>
>;

const rates: Varied = {
  "lora learningRate=0.02": ["lora", { "train.learningRate": 0.02 }],
  "lora learningRate=0.001": ["lora", { "train.learningRate": 0.001 }],
  "other learningRate=0.02": ["other", { "train.learningRate": 0.02 }],
  "other learningRate=0.001": ["other", { "train.learningRate": 0.001 }],
};

/** A study by the scores of its arms. */
function variedStudy(
  varied: Varied,
  scoreOf: (
    place: {
      readonly arm: string;
      readonly values: Readonly<Record<string, Json>>;
      readonly seed: number;
      readonly task: string;
      readonly budget: number;
    },
  ) => number | null | undefined,
  tasks: readonly (readonly [string, string])[] = [["t", "accuracy"]],
): StudyResults {
  const study = scoredStudy({
    tasks,
    labels: Object.keys(varied),
    budgets: [2, 4],
    seeds: [1, 2],
    score: ({ label, seed, task, budget }) => {
      const [arm, values] = varied[label]!;
      return scoreOf({ arm, values, seed, task, budget: budget! });
    },
  });
  return {
    ...study,
    runs: study.runs.map((run) => {
      const { asked } = run.record;
      const [arm, values] = varied[asked.label]!;
      const options = Object.fromEntries(
        Object.entries(values).filter(([key]) => key.startsWith("options."))
          .map(([key, value]) => [key.slice("options.".length), value]),
      );
      const settings = { train: { learningRate: values["train.learningRate"] ?? 0.5 } };
      return {
        ...run,
        record: {
          ...run.record,
          asked: { ...asked, arm, varied: values, options, run: { settings } },
        },
      };
    }),
  };
}

Deno.test("values of a setting are compared over the same runs but for the value", () => {
  const study = variedStudy(rates, ({ arm, values, seed, budget }) => {
    const isHigh = values["train.learningRate"] === 0.02;
    // One run of the pair failed, so that the other one counts for nothing either.
    if (arm === "other" && budget === 4 && seed === 2) return isHigh ? null : 0;
    return 0.5 + 0.1 * seed + (arm === "lora" ? (isHigh ? 0.04 : 0) : (isHigh ? 0 : 0.01));
  });
  const [low, high, ...rest] = variedRows(analyse(study));
  assertEquals(rest, []);
  assertEquals([low!.setting, low!.value, high!.value], ["train.learningRate", "0.001", "0.02"]);
  assertEquals([low!.n, high!.n], [7, 7]);
  // lora: 0.6, 0.7 twice; other: 0.61 twice and 0.71 once; at the high rate lora gains 0.04, other loses 0.01.
  assertAlmostEquals(low!.mean!, (2 * (0.6 + 0.7) + 2 * 0.61 + 0.71) / 7, 1e-12);
  assertAlmostEquals(high!.mean!, (2 * (0.64 + 0.74) + 2 * 0.6 + 0.7) / 7, 1e-12);
  const seeds = summarise([-(0.04 * 2 - 0.01 * 2) / 4, -(0.04 * 2 - 0.01) / 3]);
  assertAlmostEquals(low!.difference!, seeds.mean!, 1e-12);
  assertAlmostEquals(low!.low!, seeds.low!, 1e-12);
  assertEquals([high!.difference, high!.low, high!.high], [0, null, null]);
  assertEquals([low!.bestIn, low!.of, high!.bestIn, high!.of], [2, 4, 2, 4]);
  assertEquals([low!.bestFor, high!.bestFor], [["other"], ["lora"]]);
});

Deno.test("values without any pair, and of metrics without a common scale, have no mean", () => {
  const alone = variedStudy(
    rates,
    ({ values, seed }) =>
      (values["train.learningRate"] === 0.02) === (seed === 1) ? 0.5 : undefined,
  );
  assertEquals(
    variedRows(analyse(alone)).map((
      { n, mean, difference, bestIn, of, bestFor },
    ) => [n, mean, difference, bestIn, of, bestFor]),
    [[0, null, null, 0, 0, []], [0, null, null, 0, 0, []]],
  );
  assertEquals(variedCharts(analyse(alone)), []);
  const mixed = variedStudy(
    rates,
    ({ values, task }) => (values["train.learningRate"] === 0.02) === (task === "a") ? 0.75 : 0.5,
    [["a", "accuracy"], ["b", "perplexity↓"]],
  );
  // Higher is better on one, lower on the other: the high rate is better on both, and no mean says it.
  assertEquals(
    variedRows(analyse(mixed)).map((
      { n, metric, mean, bestIn, of },
    ) => [n, metric, mean, bestIn, of]),
    [[16, null, null, 0, 8], [16, null, null, 8, 8]],
  );
});

Deno.test("equal values are best together, and each axis is paired over the others", () => {
  const both: Varied = Object.fromEntries(
    [8, 16].flatMap((alpha) =>
      [null, 1].map((clip) => [
        `lora alpha=${alpha} clipNorm=${clip}`,
        ["lora", { "options.alpha": alpha, "train.clipNorm": clip }] as const,
      ])
    ),
  );
  const study = variedStudy(
    both,
    ({ values, seed }) => 0.5 + 0.01 * seed + (values["options.alpha"] === 16 ? 0.125 : 0),
  );
  assertEquals(
    variedRows(analyse(study)).map((
      { setting, value, n, bestIn, of },
    ) => [setting, value, n, bestIn, of]),
    [
      ["options.alpha", "8", 8, 0, 4],
      ["options.alpha", "16", 8, 4, 4],
      ["train.clipNorm", "null", 8, 4, 4],
      ["train.clipNorm", "1", 8, 4, 4],
    ],
  );
});

Deno.test("scores are charted against numbers by their spread, and against anything else by name", () => {
  assertEquals(scaleOf([1e-3, 5e-3, 0.02]), "log");
  assertEquals(scaleOf([8, 16]), "linear");
  assertEquals(scaleOf([0, 0.1]), "linear");
  assertEquals(scaleOf([null, 1]), "ordinal");
  assertEquals(scaleOf([["query"], ["value"]]), "ordinal");
  const study = variedStudy(rates, () => 0.5);
  const [chart] = variedCharts(analyse(study));
  assertEquals(seriesOf(chart!), ["lora", "other"]);
  assertEquals(panelsOf(chart!).size, 1);
  const text = JSON.stringify(specOf(chart!));
  assertStringIncludes(text, '"type":"log"');
  assertStringIncludes(text, '"values":[0.001,0.02]');
});

Deno.test("scores are grouped by settings, methods without what varies, and tasks", () => {
  const study = variedStudy(
    rates,
    ({ arm, values, seed, task, budget }) =>
      // A mean over tasks needs all of them.
      arm === "other" && seed === 2 && task === "b" && budget === 2
        ? null
        : (values["train.learningRate"] === 0.02 ? 0.5 : 0.25) + (task === "a" ? 0.125 : 0),
    [["a", "accuracy"], ["b", "matthews"]],
  );
  const cellsOf = (...by: readonly string[]) => {
    const { columns, rows } = groupedTable(analyse(study), by);
    return [
      columns.map(({ title }) => title),
      ...rows.map((row) => columns.map(({ cell }) => cell(row))),
    ];
  };
  assertEquals(cellsOf("method", "train.learningRate"), [
    ["method", "train.learningRate", "average of tasks ↑", "a, accuracy ↑", "b, Matthews ↑"],
    ["lora", "0.001", "31.25 ± 0.00 (n 4)", "37.50 ± 0.00 (n 4)", "25.00 ± 0.00 (n 4)"],
    ["lora", "0.02", "56.25 ± 0.00 (n 4)", "62.50 ± 0.00 (n 4)", "50.00 ± 0.00 (n 4)"],
    ["other", "0.001", "31.25 ± 0.00 (n 3)", "37.50 ± 0.00 (n 4)", "25.00 ± 0.00 (n 3)"],
    ["other", "0.02", "56.25 ± 0.00 (n 3)", "62.50 ± 0.00 (n 4)", "50.00 ± 0.00 (n 3)"],
  ]);
  assertEquals(cellsOf("task", "budget", "seed").slice(0, 3), [
    ["task", "budget", "seed", "metric", "score"],
    ["a", "rank 2", "1", "accuracy ↑", "50.00 ± 14.43 (n 4)"],
    ["a", "rank 2", "2", "accuracy ↑", "50.00 ± 14.43 (n 4)"],
  ]);
  assertStringIncludes(tableText(groupedTable(analyse(study), ["method"]), null), "lora");
});

Deno.test("a group takes options that some methods lack, and keys that are not there are told", () => {
  const study = variedStudy({
    head: ["head", {}],
    "lora alpha=16": ["lora", { "options.alpha": 16 }],
    "lora alpha=8": ["lora", { "options.alpha": 8 }],
  }, () => 0.5);
  const { rows, columns } = groupedTable(analyse(study), ["options.alpha"]);
  assertEquals(rows.map((row) => columns[0]!.cell(row)), ["8", "16", "–"]);
  const refused = (by: readonly string[], message: string) =>
    assertThrows(() => groupedTable(analyse(study), by), UsageError, message);
  refused(["options.aplha"], 'Did you mean "options.alpha"?');
  refused(["train.rate"], 'Unknown setting "train.rate"');
  refused(["train.dropout"], 'the group of settings "train.dropout"');
  refused(["tasks"], 'Did you mean "task"?');
  refused(["foo"], "want method, task, budget, seed, options.alpha, or another setting");
  refused(["task", "task"], 'Option "--by" is "task" twice');
});

Deno.test("settings name methods without what varies, and each setting that varies", () => {
  const study = variedStudy(rates, () => 0.5);
  const rows = settingRows(analyse(study)).map((
    { differsBy, setting, value, runs },
  ) => [differsBy, setting, value, runs]);
  assertEquals(rows.filter(([scope]) => scope === "varied").map(([, ...row]) => row), [
    ["tasks", "t", ""],
    ["methods", "lora, other", ""],
    ["budgets", "rank 2, rank 4", ""],
    ["seeds", "1, 2", ""],
    ["train.learningRate", "0.001, 0.02", ""],
  ]);
  assertEquals(rows.filter(([, setting]) => setting === "learning rate (peak)"), [
    ["by learningRate", "learning rate (peak)", "0.02", "with learningRate 0.02"],
    ["by learningRate", "learning rate (peak)", "0.001", "with learningRate 0.001"],
  ]);
});

Deno.test("a report has a section of settings that vary where there are such, and the table that is asked for", async () => {
  const { files } = await buildReport(analyse(variedStudy(rates, ({ seed }) => 0.5 + 0.1 * seed)), {
    by: ["train.learningRate", "method"],
  });
  const page = files["report.html"]!;
  assertStringIncludes(page, "Settings that vary");
  assertStringIncludes(page, "Score by train.learningRate");
  assertEquals(
    Object.keys(files).filter((name) => /varied|setting_|by_/.test(name)).toSorted(),
    [
      "charts/setting_train_learningrate.svg",
      "charts/setting_train_learningrate.vl.json",
      "tables/by_train_learningrate_method.csv",
      "tables/by_train_learningrate_method.md",
      "tables/varied.csv",
      "tables/varied.md",
    ],
  );
  assertEquals(variedRows(analyse(scoredStudy({ score: () => 0.5 }))), []);
});
