import { stillFalling } from "../analysis/learning_curves.ts";
import { analyse } from "../../src/analysis/analysis.ts";
import { csvRows } from "../../src/report/table.ts";
import { assert, assertAlmostEquals, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { buildReport } from "../../src/report/build.ts";
import { claimsChart } from "../../src/report/charts/claims.ts";
import { claimsJson, claimsText } from "../../src/analysis/claims/claims_report.ts";
import { withStatement } from "../../src/analysis/claims/stated.ts";
import { renderChart } from "../../src/report/render.ts";
import type { Chart } from "../../src/report/types.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import type { Claim } from "../../src/study/schema/claims.ts";
import { scoredStudy, withHappened } from "../analysis/scored_study.ts";
import { specOf } from "./chart_rows.ts";
import { assertWellFormed } from "./well_formed.ts";
import { tableOf } from "./table_of.ts";

const claims: readonly Claim[] = [
  { name: "ours <wins>", says: "better", a: { method: "ours" }, b: { method: "lora" } },
  { name: "twin is lora", says: "equivalent", a: { method: "twin" }, b: { method: "lora" } },
  { name: "late", says: "not worse", a: { method: "late" }, b: { method: "lora" } },
];

const gains: Readonly<Record<string, number>> = { ours: 0.05, twin: 0.001, late: 0, lora: 0 };

/** Three claims by a fixed rule of nine seeds; runs of `late` were not all made, and training had converged. */
function results(at: string = "2019-01-01T08:00:00.000Z"): StudyResults {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const scored = scoredStudy({
    tasks: [["s", "matthews"], ["t", "accuracy"]],
    labels: Object.keys(gains),
    seeds,
    score: ({ label, seed, task }) =>
      label === "late" && seed > 4 ? undefined : 0.6 + gains[label]! +
        0.004 * Math.sin(seed * (task === "s" ? 3 : 5) + label.charCodeAt(0)),
  });
  const study = { claims, decide: { rule: "fixed" }, axes: { seeds } } as const;
  return {
    ...withHappened(scored, () => ({ ended: "plateau" as const })),
    claims: {
      study,
      planned: scored.planned.map((run) => ({ ...run, method: run.label, settings: {} })),
      statements: withStatement(study, [], { at }),
    },
  };
}

/** A page is too long for a message. */
const assertHolds = (text: string, part: string) => assert(text.includes(part), part);

const full = results();
const { files } = await buildReport(analyse(full));
const page = files["report.html"]!;

Deno.test("a report of claims opens with one line each and its two charts, and the rest is exploratory", () => {
  assertWellFormed(page.slice(page.indexOf("<html")));
  const main = page.slice(page.indexOf("<main>"));
  const order = [
    'id="verdicts"',
    'class="verdicts"',
    'id="claims"',
    'id="exploratory"',
    'id="summary"',
  ];
  const places = order.map((text) => main.indexOf(text));
  assertEquals(places, places.toSorted((a, b) => a - b));
  assert(places[0]! >= 0, places.join());
  assertEquals(main.match(/<figure/g)!.length > 1, true);
  // What was decided, and how each difference came about.
  assertEquals(main.slice(0, places[3]).match(/<figure/g)!.length, 2);
  const items = main.slice(places[1], places[2]).match(/<li>/g)!;
  assertEquals(items.length, 3);
  for (const answer of ["supported", "undecided"]) {
    assertHolds(main, `<span class="answer ${answer}">${answer}</span>`);
  }
  assertHolds(main, "ours &lt;wins&gt;");
  assertHolds(main, "stated before the first run (2019-01-01 08:00 UTC)");
  assertFalse(main.includes("ours <wins>"));
});

Deno.test("tables and the picture of claims lie beside the page", () => {
  for (
    const path of [
      "charts/claims.svg",
      "tables/claims.md",
      "tables/claims.csv",
      "tables/claim_tasks.csv",
    ]
  ) {
    assert(files[path] !== undefined, path);
  }
  const report = analyse(full);
  const rows = csvRows(tableOf(report, "claims"));
  assertEquals(rows.map((row) => row["answer"]), ["supported", "supported", "undecided"]);
  for (const row of rows) {
    const odds = ["better", "equal", "worse"].map((name) => Number(row[name]));
    assert(Math.abs(odds[0]! + odds[1]! + odds[2]! - 1) < 1e-9);
  }
  assert(Number(rows[0]!["better"]) > 0.99 && Number(rows[1]!["equal"]) > 0.99);
  assertEquals(csvRows(tableOf(report, "claim_tasks")).length, 6);
});

Deno.test("a study without claims has no verdicts, no divider, no further style", async () => {
  const plain = (await buildReport(analyse({ ...full, claims: null }))).files;
  assertFalse(/"verdicts"|exploratory|Exploratory/.test(plain["report.html"]!));
  assertEquals(plain["tables/claims.md"], undefined);
  // What is exploratory in one is the whole of the other, but for the summary.
  const bodyOf = (text: string) => text.slice(text.indexOf('<section id="settings"'));
  assertEquals(bodyOf(page), bodyOf(plain["report.html"]!));
});

Deno.test("where claims stand, the summary names what differs and no best", async () => {
  const summaryOf = (text: string) =>
    text.slice(text.indexOf('<section id="summary"'), text.indexOf('<section id="settings"'));
  const plain = (await buildReport(analyse({ ...full, claims: null }))).files["report.html"]!;
  assertHolds(summaryOf(plain), "<b>Best average over 2 tasks at rank 4:</b>");
  assertHolds(summaryOf(page), "ours is significantly better than twin and lora.");
  assertFalse(/\b[Bb]est\b/.test(summaryOf(page).replace("1 is best", "")));
});

Deno.test("claims that were stated after results are said to be so, in words that stand out", () => {
  const late = results("2099-01-01T08:00:00.000Z");
  assertHolds(
    claimsText(analyse(late).claimsReport)[0]!,
    "stated on 2099-01-01 08:00 UTC, after 62 of 72 runs had begun",
  );
});

Deno.test("the gate for other tests is open once all claims are decided, and where nothing is claimed", () => {
  const isOpen = (results: StudyResults) => analyse(results).tests.family.isOpen;
  const decided = { ...full.claims!.study, claims: claims.slice(0, 2) };
  assertEquals([
    isOpen({ ...full }),
    isOpen({ ...full, claims: { ...full.claims!, study: decided } }),
  ], [
    false,
    true,
  ]);
  assert(isOpen({ ...full, claims: null }));
});

Deno.test("the terminal and programs get the same verdicts, one a claim", () => {
  const lines = claimsText(analyse(full).claimsReport);
  assertEquals(lines.length, 4);
  assertHolds(lines[1]!, "  ours <wins>: supported, +5.0");
  const values = claimsJson(analyse(full).claimsReport) as readonly Record<string, unknown>[];
  assertEquals(values.map(({ kind, answer }) => [kind, answer]), [
    ["verdict", "supported"],
    ["verdict", "supported"],
    ["verdict", "undecided"],
  ]);
  assertEquals(
    values.map(({ notes }) => notes),
    analyse(full).claimsReport!.lines.map(({ notes }) => notes),
  );
  assertEquals([values[2]!["low"], values[2]!["seedsSeen"], values[2]!["seedsWanted"]], [
    null,
    4,
    9,
  ]);
  assertEquals([
    claimsText(analyse({ ...full, claims: null }).claimsReport),
    claimsJson(analyse({ ...full, claims: null }).claimsReport),
  ], [
    [],
    [],
  ]);
  // Differences are in points whatever the margin is.
  const study = { ...full.claims!.study, margin: 0.02 };
  const [wide] = claimsJson(
    analyse({ ...full, claims: { ...full.claims!, study } }).claimsReport,
  ) as typeof values;
  assertEquals([values[0]!["margin"], wide!["margin"]], [1, 2]);
  for (const key of ["mean", "low", "high"]) {
    assertAlmostEquals(wide![key] as number, values[0]![key] as number, 1e-9);
  }
});

Deno.test("the picture of one claim, of claims in several units and of none", async () => {
  const { verdicts } = analyse(full).claimsReport!;
  assertEquals(claimsChart([]), null);
  const one = claimsChart(verdicts.slice(0, 1))!;
  assertHolds((await renderChart(one)).file, "ours &lt;wins&gt;");
  const mixed = claimsChart([verdicts[0]!, {
    ...verdicts[1]!,
    unit: { name: "points", perMargin: 2 },
  }])!;
  assertHolds(mixed.caption, "a − b in margins");
  // The number beside the plot has its interval, unless that says nothing; a small screen has room for the answer alone.
  const wide = { ...verdicts[0]!.state, verdict: "undecided" as const, low: -15000, high: 15000 };
  const notes = (chart: Chart, room: number) =>
    specOf(chart, room).data.values.flatMap(({ note }) => note ?? []).join();
  assertMatch(notes(one, 900), /\[[+−]/);
  assertEquals(notes(one, 330), verdicts[0]!.answer);
  assertFalse(notes(claimsChart([{ ...verdicts[0]!, state: wide }])!, 900).includes("[−"));
  // A claim without a look has a name and no mark.
  const { file } = await renderChart(claimsChart(verdicts.slice(2))!);
  assertHolds(file, "late");
});

Deno.test("settings that were tuned to an edge, and training that goes on, leave no verdict", () => {
  const choice = { name: "elalora", metric: "matthews", values: {}, score: 0.6, trials: [] };
  const tuned: StudyResults["tuned"] = {
    study: "t",
    hash: "",
    search: "random",
    trials: 8,
    seeds: [1],
    heldOut: 0.1,
    seconds: 60,
    runs: 8,
    best: [{ ...choice, method: "ours" }],
    notBracketed: [
      {
        method: "ours",
        name: "elalora",
        budget: 4,
        path: "train.learningRate",
        value: 0.02,
        edge: "high",
      },
    ],
  };
  const answers = (from: StudyResults) =>
    analyse(from).claimsReport!.verdicts.map(({ answer }) => answer);
  assertEquals(answers({ ...full, tuned }), ["not bracketed", "supported", "undecided"]);
  assertHolds(
    claimsText(analyse({ ...full, tuned }).claimsReport)[1]!,
    "the tuned settings of ours lie at the edge of what was tried",
  );
  // At another budget nothing was at an edge.
  const other = { ...tuned, notBracketed: [{ ...tuned.notBracketed[0]!, budget: 8 }] };
  assertEquals(answers({ ...full, tuned: other })[0], "supported");
  const climbing: StudyResults = {
    ...full,
    runs: full.runs.map((run) => {
      const { asked } = run.record;
      return asked.label !== "twin" || asked.task !== "s" ? run : stillFalling(run);
    }),
  };
  assertEquals(answers(climbing), ["supported", "more steps needed", "undecided"]);
  assertHolds(
    claimsText(analyse(climbing).claimsReport)[2]!,
    'training was still improving when it ended: "s, twin, r4"',
  );
});
