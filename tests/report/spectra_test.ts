/** Ranks given and used, spectra of modules, and agreement of allocations, from spectra written by hand. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { buildReport } from "../../src/report/build.ts";
import {
  histogram,
  scoredRuns,
  slotScoreCharts,
  spectraCharts,
} from "../../src/report/charts/modules.ts";
import { stylesOf } from "../../src/report/method_styles.ts";
import { renderChart } from "../../src/report/render.ts";
import { allocationRows } from "../../src/analysis/allocations.ts";
import { usedRanksRows } from "../../src/analysis/spectra.ts";
import type { RunResults, StudyResults } from "../../src/analysis/results.ts";
import { csvRows, type ReportTable } from "../../src/report/table.ts";
import type { ModuleSpectrum } from "../../src/record/spectra.ts";
import { fixtureMethods, fixtureStudy, manyFixtureMethods } from "../analysis/fixture.ts";
import { panelsOf } from "./chart_rows.ts";
import { tableOf } from "./table_of.ts";

const base = fixtureStudy({
  tasks: [["RTE", "accuracy"]],
  methods: [fixtureMethods[1]!, fixtureMethods[3]!],
  budgets: [2],
  seeds: [1, 2],
  layers: 1,
  steps: 10,
  events: 2,
  examples: 0,
});

/** A module whose update has these singular values. */
function measured(
  module: string,
  values: readonly number[],
  intruders: number | null,
): ModuleSpectrum {
  return {
    module,
    rank: 2,
    values,
    effectiveRank: values.length,
    stableRank: values.length / 2,
    norm: 3,
    relativeNorm: 0.5,
    intruders,
  };
}

/** The study with two modules a run; the second seed's have one value less and one intruder more. */
function withSpectra(study: StudyResults, hasIntruders = true): StudyResults {
  const runs = study.runs.map(({ record: { id, asked: { seed } } }) => ({
    id,
    weights: "",
    modules: ["layer.0.query", "layer.0.output"].map((module) =>
      measured(module, seed === 1 ? [4, 2] : [2], hasIntruders ? seed : null)
    ),
  }));
  const [first, second] = study.runs.filter(({ record }) => record.asked.label === "LoRA");
  return {
    ...study,
    spectra: {
      schema: 1,
      study: study.study.name,
      top: 10,
      threshold: 0.5,
      runs: [...runs, { id: "gone", weights: "", modules: [measured("layer.0.query", [9], 9)] }],
      overlaps: [{
        first: first!.record.id,
        second: second!.record.id,
        modules: [
          { module: "layer.0.query", left: 0.5, right: 0.25, leftChance: 0.1, rightChance: 0.2 },
          { module: "layer.0.output", left: 0.7, right: 0.75, leftChance: 0.1, rightChance: 0.4 },
        ],
      }],
      leftOut: [{ id: "x", title: "RTE, full, seed 1", reason: "found no weights" }],
    },
  };
}

function cellsOf(table: ReportTable, row = 0): readonly string[] {
  return table.columns.map(({ cell }) => cell(table.rows[row]!));
}

Deno.test("ranks are summed over modules and averaged over runs, overlaps over modules and pairs", () => {
  const study = withSpectra(base);
  const [lora, elalora] = usedRanksRows(analyse(study));
  assertEquals(usedRanksRows(analyse(study)).length, 2);
  assertEquals([lora!.label, lora!.n, lora!.rank, lora!.pairs], ["LoRA", 2, 4, 1]);
  // Two modules of two values, and two of one.
  assertEquals([lora!.effectiveRank, lora!.used, lora!.stableRank], [3, 0.75, 1.5]);
  assertAlmostEquals(lora!.effectiveRankSd!, Math.SQRT2, 1e-12);
  assertEquals(lora!.intruders, (2 * 1 + 2 * 2) / 2);
  assertAlmostEquals(lora!.left!, 0.6, 1e-12);
  assertAlmostEquals(lora!.rightChance!, 0.3, 1e-12);
  assertEquals([elalora!.label, elalora!.pairs, elalora!.left], ["ElaLoRA", 0, null]);
  const table = tableOf(analyse(study), "used_ranks");
  assertEquals(cellsOf(table).slice(3), [
    "2",
    "4.0",
    "3.0 ± 1.4",
    "75",
    "1.5",
    "50",
    "3.0",
    "0.60 (0.10)",
    "0.50 (0.30)",
  ]);
  assertStringIncludes(table.note, "Left out: RTE, full, seed 1 (found no weights).");
  const without = tableOf(analyse(withSpectra(base, false)), "used_ranks");
  assertEquals(cellsOf(without)[9], "–");
});

Deno.test("a module's singular values are means over runs, zero where one has fewer", () => {
  const rows = analyse(withSpectra(base)).moduleSpectra;
  assertEquals(rows.length, 4);
  assertEquals([rows[0]!.module, rows[0]!.n, rows[0]!.values], ["layer.0.query", 2, [3, 1]]);
  const [first] = csvRows(tableOf(analyse(withSpectra(base)), "module_spectra"));
  assertEquals(first!["values"], "3.00000 1.00000");
  assertEquals([usedRanksRows(analyse(base)), analyse(base).moduleSpectra], [[], []]);
});

Deno.test("the page has the section with its charts, or the command that makes it", async () => {
  const { files } = await buildReport(analyse(withSpectra(base)));
  for (
    const name of ["charts/used_ranks.svg", "charts/spectra_lora.svg", "tables/used_ranks.csv"]
  ) {
    assert(files[name] !== undefined, name);
  }
  const page = files["report.html"]!;
  assertStringIncludes(page, "Effective rank against rank given");
  const empty = (await buildReport(analyse(base))).files["report.html"]!;
  assertStringIncludes(empty, "<code>deno task spectra fixture</code> finds");
});

Deno.test("many methods get a panel each", async () => {
  const study = withSpectra(fixtureStudy({
    tasks: [["RTE", "accuracy"]],
    methods: manyFixtureMethods,
    budgets: [2],
    seeds: [1, 2],
    layers: 1,
    examples: 0,
    steps: 10,
  }));
  const grid = analyse(study).grid;
  const [used, ...spectra] = spectraCharts(analyse(study), grid, stylesOf(analyse(study)));
  assertEquals([...panelsOf(used!).keys()], grid.labels);
  assertEquals(spectra.length, grid.labels.length);
  await renderChart(used!);
});

/** Runs whose final ranks are given by label and seed. */
function allocated(ranks: Readonly<Record<string, readonly (readonly number[])[]>>): StudyResults {
  const template = base.runs[0]!;
  const runs = Object.entries(ranks).flatMap(([label, seeds]) =>
    seeds.map((own, i): RunResults => {
      const { asked, happened } = template.record;
      const finalRanks = Object.fromEntries(own.map((rank, m) => [`layer.${m}.query`, rank]));
      const options = {
        form: { type: label.startsWith("lora") ? "lora" : "svd" },
        policy: { type: "moves", score: label.endsWith("random") ? "random" : "importance" },
      };
      return {
        ...template,
        record: {
          ...template.record,
          id: `${label} ${i}`,
          asked: { ...asked, method: "composed", label, options, seed: i },
          happened: { ...happened, finalRanks },
        },
      };
    })
  );
  return { ...base, runs };
}

Deno.test("allocations are compared with the random moves of the same form, and modules at rank 1 counted", () => {
  const study = allocated({
    "svd": [[1, 2, 3, 4], [1, 2, 4, 3], [1, 1, 3, 5]],
    "svd random": [[1, 2, 3, 4], [4, 3, 2, 1]],
    "lora": [[2, 2, 2, 2], [2, 2, 2, 2]],
    "lora random": [[1, 2, 3, 4], [1, 2, 3, 4]],
  });
  const rows = allocationRows(analyse(study));
  const [svd, random, lora] = rows;
  assertAlmostEquals(svd!.atFloor!, 4 / 3, 1e-12);
  assertEquals([svd!.pairs, svd!.random, svd!.randomRho], [3, "svd random", -1]);
  assertEquals([random!.rho, random!.random, random!.modules], [-1, null, 4]);
  assertEquals([lora!.rho, lora!.pairs, lora!.random, lora!.randomRho], [
    null,
    0,
    "lora random",
    1,
  ]);
  const table = tableOf(analyse(study), "allocations");
  assertEquals(cellsOf(table, 2), [
    "lora",
    "rank 2",
    "2",
    "0.0 of 4",
    "0",
    "–",
    "1.00 [1.00, 1.00]",
  ]);
  // Without an arm that moves at random there is no such column.
  const alone = tableOf(analyse(allocated({ "svd": [[1, 2, 3], [1, 2, 3]] })), "allocations");
  assertEquals(alone.columns.length, table.columns.length - 1);
});

Deno.test("a record that says how many modules are at rank 1 is believed", () => {
  const study = allocated({ "svd": [[1, 2], [1, 2]] });
  const runs = study.runs.map((run) => ({
    ...run,
    record: { ...run.record, happened: { ...run.record.happened, atFloor: 7 } },
  }));
  assertEquals(allocationRows(analyse({ ...study, runs }))[0]!.atFloor, 7);
});

Deno.test("scores of slots become shares of bins, on a logarithmic scale where all are positive", async () => {
  const scores = [1, 10, 100, 100];
  const log = histogram(scores, { isLog: true, low: 1, high: 100 });
  const share = (from: number, to: number) =>
    log.filter((bin) => bin.from >= from && bin.to <= to + 1e-9)
      .reduce((sum, bin) => sum + bin.share, 0);
  assertAlmostEquals(log.reduce((sum, bin) => sum + bin.share, 0), 1, 1e-12);
  assertAlmostEquals(share(0.99, 9), 0.25, 1e-12);
  assertAlmostEquals(share(50, 100), 0.5, 1e-12);
  assertEquals(histogram([0, 1], { isLog: false, low: 0, high: 1 }).at(-1)!.share, 0.5);
  assertEquals(histogram([2, 2], { isLog: false, low: 2, high: 2 }), [
    { from: 1.5, to: 2.5, share: 1 },
  ]);
  const kept = (values: readonly number[]): StudyResults => ({
    ...base,
    runs: base.runs.map((run, i) => ({
      ...run,
      slots: i > 0 ? null : { schema: 1, step: 5, threshold: 1.5, scores: { a: values, b: [3] } },
    })),
  });
  assertEquals(scoredRuns(analyse(kept([1, 2]))).map(({ scores }) => scores), [[1, 2, 3]]);
  assertEquals(scoredRuns(analyse(base)), []);
  for (const values of [[1, 2], [-1, 0], [3, 3]]) {
    const study = kept(values);
    const [chart] = slotScoreCharts(analyse(study), analyse(study).grid);
    assertEquals(panelsOf(chart!).size, 1);
    await renderChart(chart!);
  }
});
