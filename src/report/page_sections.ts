/**
 * The sections of the page: what stands where, and what is said where there is nothing yet.
 *
 * @module
 */
import type { ClaimsReport } from "./claims/claims_report.ts";
import { verdictsBasis, verdictsHtml } from "./page_claims.ts";
import type { ReportCharts } from "./charts.ts";
import { groupBy } from "./facts.ts";
import type { Answer } from "./findings/answer.ts";
import type { Finding } from "./findings/finding.ts";
import { counted } from "./format.ts";
import { type Html, html, type HtmlValue } from "./html.ts";
import type { Notice } from "./notices.ts";
import { empty, figure, tableHtml } from "./page_pieces.ts";
import { verificationText } from "./tables/verification.ts";
import type { Chart, ReportTable, StudyResults } from "./types.ts";

/** Everything the page shows. */
export interface PageContent {
  readonly results: StudyResults;
  /** Null for a study that claims nothing. */
  readonly claims: ClaimsReport | null;
  readonly answer: Answer;
  readonly notices: readonly Notice[];
  readonly findings: readonly Finding[];
  readonly charts: ReportCharts;
  /** Keys and plots of each chart as HTML, by id. */
  readonly pictures: ReadonlyMap<string, string>;
  /** Tables by id. */
  readonly tables: ReadonlyMap<string, ReportTable>;
}

/** A section with its anchor. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: readonly Html[];
}

/** The anchor of the section of verdicts. */
export const verdictsId = "verdicts";

/** Rows from which a table is folded under a line that says how long it is. */
const mostOpenRows = 60;

/** Methods whose own charts stand open; those of more are folded by method. */
const mostOpenMethods = 4;

/** Lines of a notice that stand open. */
const mostNoticeLines = 3;

function noticeHtml({ text, lines }: Notice): Html {
  if (lines.length === 0) return html`<p class="notice">${text}</p>`;
  const items = html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
  return lines.length <= mostNoticeLines
    ? html`<div class="notice">${text}${items}</div>`
    : html`<details class="notice"><summary>${text}</summary>${items}</details>`;
}

function openOrFolded(table: ReportTable): readonly Html[] {
  const rows = table.table.numRows();
  return rows <= mostOpenRows
    ? [tableHtml(table)]
    : [html`<details><summary>All ${counted(rows, "row")}</summary>${tableHtml(table)}</details>`];
}

/** The sections of the page, in reading order. */
export function sectionsOf(content: PageContent): readonly Section[] {
  const { results, charts } = content;
  const figures = (list: readonly Chart[]) =>
    list.map((chart) => figure(chart, content.pictures.get(chart.id) ?? ""));
  /** Charts of one method each are folded by method where there are many. */
  const byMethod = (list: readonly Chart[]): readonly Html[] => {
    const methods = groupBy(list.filter(({ label }) => label !== undefined), (c) => c.label!);
    if (methods.size <= mostOpenMethods) return figures(list);
    const common = list.filter(({ label }) => label === undefined);
    return [
      ...figures(common),
      ...[...methods].map(([label, own]) =>
        html`<details><summary>${label} (${counted(own.length, "chart")})</summary>${
          figures(own)
        }</details>`
      ),
    ];
  };
  const tableOf = (id: string): ReportTable | null => {
    const table = content.tables.get(id);
    return table === undefined || table.table.numRows() === 0 ? null : table;
  };
  /** The note and the table, or what to do to get one. */
  const shown = (id: string, without: HtmlValue): readonly Html[] => {
    const table = tableOf(id);
    return table === null
      ? [empty(without)]
      : [html`<p class="note">${table.note}</p>`, ...openOrFolded(table)];
  };
  const titled = (id: string): readonly Html[] => {
    const table = tableOf(id);
    return table === null ? [] : [html`<h3>${table.title}</h3>`, ...shown(id, "")];
  };
  const untitled = (id: string): readonly Html[] => tableOf(id) === null ? [] : shown(id, "");
  const folded = (id: string): readonly Html[] => {
    const table = tableOf(id);
    if (table === null) return [];
    const size = counted(table.table.numRows(), "row");
    const body = [html`<p class="note">${table.note}</p>`, tableHtml(table)];
    return [html`<details><summary>${table.title} (${size})</summary>${body}</details>`];
  };
  const foldedFigures = (title: string, list: readonly Chart[]): readonly Html[] =>
    list.length === 0 ? [] : [html`<details><summary>${title}</summary>${figures(list)}</details>`];
  const or = (list: readonly Html[], without: HtmlValue) =>
    list.length > 0 ? list : [empty(without)];
  const command = (name: string) => html`<code>deno task ${name} ${results.study.name}</code>`;
  const noRuns = html`No run has finished yet. Run or continue the study with ${command("sweep")}.`;
  /** The summary shows one chart, and the section of scores the others. */
  const [first, further] = [charts.metric.slice(0, 1), charts.metric.slice(1)];
  const verified = verificationText(results);
  const noRanks = "No finished run of this study changed its ranks; AdaLoRA and ElaLoRA do.";
  return [
    ...(content.claims === null ? [] : [{
      id: verdictsId,
      title: "Verdicts",
      body: [
        ...verdictsHtml(content.claims),
        ...figures(charts.claims),
        ...verdictsBasis(results),
        ...folded("claims"),
        ...folded("claim_tasks"),
      ],
    }]),
    {
      id: "summary",
      title: "Summary",
      body: [
        html`<p class="answer">${content.answer.sentence}</p>`,
        ...content.notices.map(noticeHtml),
        ...figures(first),
        ...(content.answer.basis.length === 0 ? [] : [
          html`<ul class="basis">${
            content.answer.basis.map((text) => html`<li>${text}</li>`)
          }</ul>`,
        ]),
        html`
          <details>
            <summary>All findings (${content.findings.length})</summary>
            <ul class="findings">${content.findings.map(({ lead, text }) =>
              html`<li><b>${lead}:</b> ${text}</li>`
            )}</ul>
          </details>
        `,
      ],
    },
    { id: "settings", title: "Settings", body: shown("settings", noRuns) },
    // Studies whose settings were not tuned say nothing of it.
    ...(tableOf("tuning") === null ? [] : [{
      id: "tuning",
      title: "Tuning",
      body: [...untitled("tuning"), ...figures(charts.tuning)],
    }]),
    {
      id: "scores",
      title: "Scores",
      body: [...shown("methods", noRuns), ...figures(further), ...folded("scores")],
    },
    {
      id: "convergence",
      title: "Convergence",
      body: [
        ...or(
          figures(charts.learning),
          "Learning curves need evaluations before the end: set train.evaluateEvery or train.evaluateEpochs.",
        ),
        ...untitled("convergence"),
        ...titled("targets"),
      ],
    },
    // Most studies vary no settings by axes, and their page says nothing of them.
    ...(tableOf("varied") === null ? [] : [{
      id: "varied",
      title: "Settings that vary",
      body: [...untitled("varied"), ...figures(charts.varied)],
    }]),
    // Most studies have no composed arms, and their page says nothing of them.
    ...(tableOf("factorial") === null ? [] : [{
      id: "factorial",
      title: "Form, policy and score",
      body: untitled("factorial"),
    }]),
    // Most studies have no sequence, and their page says nothing of them.
    ...(tableOf("sequences") === null ? [] : [{
      id: "sequences",
      title: "Sequences of tasks",
      body: [
        ...shown("sequences", noRuns),
        ...figures(charts.sequences),
        ...folded("sequence_accuracies"),
      ],
    }]),
    // Most studies ask for no comparisons of their own, and their page says nothing of them.
    ...(tableOf("comparisons") === null ? [] : [{
      id: "comparisons",
      title: "Comparisons asked for",
      body: untitled("comparisons"),
    }]),
    {
      id: "differences",
      title: "Paired differences",
      body: [
        ...shown(
          "paired_verdicts",
          "Differences need a method to compare with: add LoRA to the study.",
        ),
        ...folded("over_tasks"),
        ...folded("paired"),
        ...folded("paired_examples"),
        ...folded("stochastic_order"),
      ],
    },
    {
      id: "ranking",
      title: "Ranking",
      body: [
        ...or(
          figures(charts.ranking),
          "A ranking needs two methods that have a score on the same task and seed.",
        ),
        ...untitled("ranking"),
        ...titled("ranking_tests"),
        ...foldedFigures("Chances of improvement and performance profiles", charts.overTasks),
        ...folded("ranking_pairs"),
      ],
    },
    {
      id: "cost",
      title: "Cost",
      body: [...or(figures(charts.cost), noRuns), ...titled("cost"), ...titled("budgets")],
    },
    {
      id: "ranks",
      title: "Ranks",
      body: [
        ...or(byMethod([...charts.ranks, ...charts.trajectories]), noRanks),
        ...titled("allocations"),
        ...figures(charts.rankMetric),
        ...folded("rank_metric"),
      ],
    },
    {
      id: "importance",
      title: "Importance",
      body: or(
        byMethod(charts.importance),
        "No run logged importance scores; AdaLoRA and ElaLoRA do.",
      ),
    },
    {
      id: "spectra",
      title: "Are the ranks used?",
      body: [
        ...or(
          [
            ...figures(charts.spectra.filter(({ label }) => label === undefined)),
            ...untitled("used_ranks"),
            ...byMethod(charts.spectra.filter(({ label }) => label !== undefined)),
          ],
          html`The trained updates were not read yet: ${
            command("spectra")
          } finds their singular values, intruder dimensions and the overlap between seeds.`,
        ),
        ...folded("module_spectra"),
      ],
    },
    {
      id: "ablation",
      title: "Layer-rank ablation",
      body: [
        ...or(
          figures(charts.ablation),
          html`No run was ablated yet: ${
            command("ablate")
          } removes the adapters of each layer, module and part in turn and evaluates again.`,
        ),
        ...titled("ablation"),
        ...titled("truncations"),
        ...folded("removals"),
      ],
    },
    {
      id: "replay-ablation",
      title: "Replay ablation",
      body: [
        ...or(
          figures(charts.replay),
          html`No replay was run yet: ${
            command("ablate")
          } trains LoRA again with the final ranks of methods that choose them, with those reversed in depth, and with uniform ranks.`,
        ),
        ...titled("replay_methods"),
        ...titled("replay_paired"),
      ],
    },
    { id: "loss-curves", title: "Losses", body: or(figures(charts.loss), noRuns) },
    {
      id: "reproducibility",
      title: "Reproducibility",
      body: [
        verified === null
          ? empty(
            html`Not verified yet: ${
              command("verify")
            } repeats a sample of these runs and compares losses, metrics, ranks and predictions.`,
          )
          : html`<p>${verified}</p>`,
        ...untitled("verification"),
        ...titled("provenance"),
      ],
    },
    {
      id: "failed",
      title: "Failed runs",
      body: results.runs.length > 0 && tableOf("failed") === null
        ? [empty(content.tables.get("failed")?.note ?? "")]
        : shown("failed", noRuns),
    },
    { id: "runs", title: "All runs", body: or(folded("runs"), noRuns) },
  ];
}
