/** What a report says of settings that were tuned. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { buildReport, tablesOf } from "../../src/report/build.ts";
import { expectedBestChart } from "../../src/report/charts/training.ts";
import { noticesOf } from "../../src/report/sections/summary.ts";
import { noVerdictNote, remedyOf } from "../../src/analysis/verdict.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import type { ReportTable } from "../../src/report/table.ts";
import { hasBracketedSettings, untunedLabels } from "../../src/analysis/tuned_runs.ts";
import type { Tuned, TunedChoice } from "../../src/study/schema/tuned.ts";
import { fixtureMethods, fixtureStudy } from "../analysis/fixture.ts";
import { specOf } from "./chart_rows.ts";

const rates = [1e-4, 1e-3, 1e-2, 1e-1];

function choice(method: string, name: string, scores: readonly (number | null)[]): TunedChoice {
  const score = Math.max(...scores.map((score) => score ?? -Infinity));
  return {
    method,
    name,
    task: "CoLA",
    metric: "matthews",
    values: { "train.learningRate": rates[scores.indexOf(score)]! },
    score,
    trials: scores.map((score, i) => ({
      values: { "train.learningRate": rates[i]! },
      score,
      ...(i === 3 ? { added: true } : {}),
    })),
  };
}

const tuned: Tuned = {
  study: "made-up",
  hash: "0",
  search: "random",
  trials: 3,
  seeds: [101, 102],
  heldOut: 0.2,
  seconds: 90,
  runs: 8,
  notBracketed: [{
    method: "ElaLoRA",
    name: "elalora",
    task: "CoLA",
    path: "train.learningRate",
    value: 0.1,
    edge: "high",
  }],
  best: [
    choice("LoRA", "lora", [0.2, 0.5, null, 0.1]),
    choice("ElaLoRA", "elalora", [0.1, 0.2, 0.4, 0.6]),
  ],
};

const fixture = fixtureStudy({
  tasks: [["CoLA", "matthews"]],
  methods: fixtureMethods.filter(({ method }) => method === "lora" || method === "elalora"),
  budgets: [4],
  seeds: [1, 2],
  layers: 1,
  steps: 10,
});
const results = { ...fixture, tuned };

function tableNamed(study: StudyResults, name: string): ReportTable {
  return tablesOf(analyse(study)).find(({ id }) => id === name)!;
}

Deno.test("the table of chosen settings says what was chosen, from how much, and what is at an edge", () => {
  const table = tablesOf(analyse(results)).find(({ id }) => id === "tuning")!;
  assertEquals(
    table.rows.map((row) => table.columns.map(({ cell }) => cell(row))),
    [
      ["CoLA", "LoRA", "all budgets", "0.001", "50.00 Matthews ↑", "4", "1", "yes"],
      [
        "CoLA",
        "ElaLoRA",
        "all budgets",
        "0.1",
        "60.00 Matthews ↑",
        "4",
        "0",
        "no: train.learningRate (high)",
      ],
    ],
  );
  assertStringIncludes(
    table.note,
    "random search: 3 trials for each row below at first, with seeds 101 and 102. Trials were evaluated on 20 % of the training split",
  );
  assertStringIncludes(
    table.note,
    "Tuning took 1 min 30 s of machine time in 8 runs; the runs of the study took",
  );
});

Deno.test("the note on trials says how many a setting has, and what one seed does", () => {
  const noteOf = (own: Partial<Tuned>) =>
    tablesOf(analyse({ ...results, tuned: { ...tuned, ...own } }))
      .find(({ id }) => id === "tuning")!.note;
  assertStringIncludes(
    noteOf({ trials: { perSetting: 4 } }),
    "random search: 4 trials for each setting for each row below at first",
  );
  assertStringIncludes(noteOf({ seeds: [101] }), "37 to 66 % get different settings then");
  assert(!noteOf({}).includes("37 to 66 %"));
  assertStringIncludes(
    expectedBestChart(analyse(results))!.caption,
    "a method of few settings is near its best after few trials, so that the same number for all favours it",
  );
});

Deno.test("a setting at an edge is told before anything else is believed", () => {
  const [notice] = noticesOf(analyse(results)).filter(({ text }) => text.includes("not bracketed"));
  assertStringIncludes(notice!.text, "1 chosen setting is not bracketed");
  assertEquals(notice!.lines, [
    "ElaLoRA on CoLA: train.learningRate 0.1, the highest that was allowed",
  ]);
});

Deno.test("curves of the expected best are of the drawn trials, a failed one as bad as the worst", () => {
  const of = (label: string, from = results) => {
    const { values } = specOf(expectedBestChart(analyse(from))!).data;
    return values.filter(({ series }) => series === label).map(({ value }) => value);
  };
  // Of .2, .5 and .2: mean .3, then .5 (1 - (2/3)^2) + .2 (2/3)^2, ...
  assertEquals(of("LoRA"), [30, 36.667, 41.111]);
  assertEquals(of("ElaLoRA").length, 3);
  assertEquals(expectedBestChart(analyse({ ...results, tuned: null })), null);
  const losses = { ...choice("LoRA", "lora", [0.2, 0.5, null, 0.1]), metric: "logLoss" };
  // Of .2, .5 and .5, the lowest counts: mean .4, then .2 (1 - (2/3)^2) + .5 (2/3)^2, ...
  assertEquals(of("LoRA", { ...results, tuned: { ...tuned, best: [losses] } }), [
    0.4,
    0.33333,
    0.28889,
  ]);
});

Deno.test("the page has a section on tuning where settings were tuned, and none elsewhere", async () => {
  const { files } = await buildReport(analyse(results));
  assertStringIncludes(files["report.html"]!, 'id="tuning"');
  assertStringIncludes(files["report.html"]!, "Expected best score by number of trials");
  assert(files["charts/expected_best.svg"] !== undefined);
  const plain = await buildReport(analyse(fixture));
  assert(!plain.files["report.html"]!.includes('id="tuning"'));
  assertEquals(plain.files["tables/tuning.csv"], undefined);
});

Deno.test("runs with a setting at an edge are told from others, and so are those that were not tuned", () => {
  const isBracketed = hasBracketedSettings(results);
  assertEquals(
    Object.fromEntries(
      results.runs.map((run) => [run.record.asked.label, isBracketed(run)]),
    ),
    { LoRA: true, ElaLoRA: false },
  );
  assertEquals(results.runs.every(hasBracketedSettings({ tuned: null })), true);
  assertEquals(untunedLabels(results), []);
  const half = { ...tuned, best: tuned.best.slice(0, 1) };
  assertEquals(untunedLabels({ ...results, tuned: half }), ["ElaLoRA"]);
  const table = tablesOf(analyse({ ...results, tuned: half })).find(({ id }) => id === "tuning")!;
  assertStringIncludes(table.note, "Runs whose settings were not tuned: ElaLoRA.");
});

Deno.test("a setting at an edge counts for the arm's runs, at its budget if that is named", () => {
  const [{ record }] = results.runs as [StudyResults["runs"][0]];
  const isBracketed = (asked: object, edge: object) =>
    hasBracketedSettings({
      tuned: { ...tuned, notBracketed: [{ ...tuned.notBracketed[0]!, ...edge }] },
    })(
      { record: { ...record, asked: { ...record.asked, label: "ElaLoRA", ...asked } } },
    );
  const at = (value: number) => ({ budget: { type: "rank", value } });
  assertEquals([at(2), at(4)].map((asked) => isBracketed(asked, { budget: 4 })), [true, false]);
  assertEquals(isBracketed({ budget: null }, { budget: 4 }), true);
  assertEquals(isBracketed({ task: "RTE" }, {}), true);
  // A label says what else the study varies, and its arm is what was tuned.
  const varied = { label: "ElaLoRA epochs=2", arm: "ElaLoRA" };
  assertEquals([isBracketed(varied, {}), isBracketed({ label: varied.label }, {})], [false, true]);
});

Deno.test("nothing is called better or worse of a method whose tuning ended at an edge", async () => {
  const study = {
    ...fixtureStudy({
      tasks: [["CoLA", "matthews"], ["RTE", "accuracy"]],
      budgets: [4],
      seeds: [1, 2, 3, 4, 5],
      layers: 1,
      steps: 10,
    }),
    tuned,
  };
  const rows = analyse(study).tests.paired;
  const own = rows.filter(({ label }) => label === "ElaLoRA");
  const isAtEdge = ({ task }: { readonly task: string }) => task === "CoLA" || task === "all tasks";
  assert(own.some(isAtEdge) && !own.every(isAtEdge));
  assertEquals(own.map((row) => row.verdict.reason === "not bracketed"), own.map(isAtEdge));
  assert(
    rows.every(({ label, verdict }) => label === "ElaLoRA" || verdict.reason !== "not bracketed"),
  );
  assertStringIncludes(
    tableNamed(study, "paired").note,
    "“Not bracketed”: a tuned setting of one arm or both",
  );
  const [ranking] = analyse(study).tests.rankings;
  assertEquals([ranking!.early, ranking!.remedy.see], [["ElaLoRA"], "Tuning"]);
  assert(
    ranking!.pairs.every(({ label, other, verdict }) =>
      (verdict.reason === "not bracketed") === [label, other].includes("ElaLoRA")
    ),
  );
  const { files } = await buildReport(analyse(study));
  const page = files["report.html"]!;
  assertStringIncludes(page, "wider tuning ranges");
  assert(!/ElaLoRA is (?:significantly )?(?:better|worse)/.test(page));
});

Deno.test("what is needed for a verdict is named, with where the page says more", () => {
  assertEquals(remedyOf(["more steps needed"]), { needs: "more steps", see: "Convergence" });
  assertEquals(remedyOf(["not bracketed"]), { needs: "wider tuning ranges", see: "Tuning" });
  assertEquals(remedyOf(["not bracketed", "more steps needed"]), {
    needs: "more steps and wider tuning ranges",
    see: "Convergence and Tuning",
  });
  assertEquals(noVerdictNote([{ kind: "better", reason: null }]), "");
});
