/**
 * The sections of the page: what stands where, and what is said where there is nothing yet.
 *
 * @module
 */
import { glossaryHtml } from "./glossary.ts";
import { type Html, html } from "./html.ts";
import type { Notice } from "./notices.ts";
import { verdictsBasis, verdictsHtml } from "./page_claims.ts";
import { details, orEmpty, type PageContent, PageParts } from "./page_parts.ts";
import { empty } from "./page_pieces.ts";
import { verificationText } from "./tables/verification.ts";

/** A section with its anchor. */
interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: readonly Html[];
}

/** The sections that paper has unless a reader asks for all. */
export const printedIds: ReadonlySet<string> = new Set([
  "verdicts",
  "summary",
  "settings",
  "scores",
  "reproducibility",
]);

/** The anchor of the section of verdicts. */
export const verdictsId = "verdicts";

/** The sections of the page, in reading order; those that a study has nothing for by its kind are left out. */
export function sectionsOf(content: PageContent): readonly Section[] {
  const parts = new PageParts(content);
  return [
    ...verdicts(content, parts),
    summary(content, parts),
    ...settings(content, parts),
    ...scores(content, parts),
    ...asked(content, parts),
    ...comparisons(content, parts),
    { id: "cost", title: "Cost", body: costs(content, parts) },
    ...ranks(content, parts),
    ...ablations(content, parts),
    ...runs(content, parts),
    { id: "glossary", title: "Glossary", body: [glossaryHtml(content.labels)] },
  ];
}

/** A section that most studies have no table for, whose pages say nothing of it. */
function ifFilled(
  parts: PageParts,
  id: string,
  title: string,
  body: () => readonly Html[] = () => parts.table(id),
): readonly Section[] {
  return parts.has(id) ? [{ id, title, body: body() }] : [];
}

function verdicts({ claims, charts, results }: PageContent, parts: PageParts): readonly Section[] {
  return claims === null ? [] : [{
    id: verdictsId,
    title: "Verdicts",
    body: [
      ...verdictsHtml(claims),
      ...parts.figures(
        charts.claims,
        claims.lines.map(({ name, answer, number }) => `${name} ${answer}, ${number}`).join("; "),
      ),
      ...verdictsBasis(results),
      ...parts.folded("claims"),
      ...parts.folded("claim_tasks"),
    ],
  }];
}

/** Lines of a notice that stand open. */
const mostNoticeLines = 3;

function noticeHtml({ text, lines }: Notice): Html {
  if (lines.length === 0) return html`<p class="notice">${text}</p>`;
  const items = html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
  return lines.length <= mostNoticeLines
    ? html`<div class="notice">${text}${items}</div>`
    : html`<details class="notice"><summary>${text}</summary>${items}</details>`;
}

function summary({ answer, notices, findings, charts }: PageContent, parts: PageParts): Section {
  const basis = answer.basis.map((text) => html`<li>${text}</li>`);
  const lines = findings.map(({ lead, text }) => html`<li><b>${lead}:</b> ${text}</li>`);
  return {
    id: "summary",
    title: "Summary",
    body: [
      html`<p class="answer">${answer.sentence}</p>`,
      ...notices.map(noticeHtml),
      // The others stand in the section of scores.
      ...parts.figures(charts.metric.slice(0, 1), answer.sentence),
      ...(basis.length === 0 ? [] : [html`<ul class="basis">${basis}</ul>`]),
      details(`All findings (${findings.length})`, html`<ul class="findings">${lines}</ul>`),
    ],
  };
}

function settings({ charts }: PageContent, parts: PageParts): readonly Section[] {
  return [
    { id: "settings", title: "Settings", body: orEmpty(parts.table("settings"), parts.noRuns) },
    ...ifFilled(parts, "tuning", "Tuning", () => [
      ...parts.table("tuning"),
      ...parts.figures(charts.tuning),
    ]),
  ];
}

function scores({ charts, answer }: PageContent, parts: PageParts): readonly Section[] {
  return [
    {
      id: "scores",
      title: "Scores",
      body: [
        ...orEmpty(parts.table("methods"), parts.noRuns),
        ...parts.figures(charts.metric.slice(1), answer.sentence),
        ...parts.folded("scores"),
      ],
    },
    {
      id: "convergence",
      title: "Convergence",
      body: [
        ...orEmpty(
          parts.figures(charts.learning),
          "Learning curves need evaluations before the end: set train.evaluateEvery or train.evaluateEpochs.",
        ),
        ...parts.table("convergence"),
        ...parts.titled("targets"),
      ],
    },
  ];
}

/** What only some studies ask for. */
function asked({ charts }: PageContent, parts: PageParts): readonly Section[] {
  return [
    ...ifFilled(parts, "varied", "Settings that vary", () => [
      ...parts.table("varied"),
      ...parts.figures(charts.varied),
    ]),
    ...ifFilled(parts, "factorial", "Form, policy and score"),
    ...ifFilled(parts, "sequences", "Sequences of tasks", () => [
      ...parts.table("sequences"),
      ...parts.figures(charts.sequences),
      ...parts.folded("sequence_accuracies"),
    ]),
    ...ifFilled(parts, "comparisons", "Comparisons asked for"),
  ];
}

function comparisons({ charts }: PageContent, parts: PageParts): readonly Section[] {
  return [
    {
      id: "differences",
      title: "Paired differences",
      body: [
        ...orEmpty(
          parts.table("paired_verdicts"),
          "Differences need a method to compare with: add LoRA to the study.",
        ),
        ...parts.folded("over_tasks"),
        ...parts.folded("paired"),
        ...parts.folded("paired_examples"),
        ...parts.folded("stochastic_order"),
      ],
    },
    {
      id: "ranking",
      title: "Ranking",
      body: [
        ...orEmpty(
          parts.figures(charts.ranking, parts.finding("Mean ranks")),
          "A ranking needs two methods that have a score on the same task and seed.",
        ),
        ...parts.table("ranking"),
        ...parts.titled("ranking_tests"),
        ...parts.foldedFigures(
          "Chances of improvement and performance profiles",
          charts.overTasks,
        ),
        ...parts.folded("ranking_pairs"),
      ],
    },
  ];
}

function costs({ charts }: PageContent, parts: PageParts): readonly Html[] {
  return [
    ...orEmpty(parts.figures(charts.cost, parts.finding("Quality for its cost")), parts.noRuns),
    ...parts.titled("cost"),
    ...parts.titled("budgets"),
  ];
}

function ranks({ charts }: PageContent, parts: PageParts): readonly Section[] {
  return [
    {
      id: "ranks",
      title: "Ranks",
      body: [
        ...orEmpty(
          parts.byMethod([...charts.ranks, ...charts.trajectories]),
          "No finished run of this study changed its ranks; AdaLoRA and ElaLoRA do.",
        ),
        ...parts.titled("allocations"),
        ...parts.figures(charts.rankMetric),
        ...parts.folded("rank_metric"),
      ],
    },
    {
      id: "importance",
      title: "Importance",
      body: orEmpty(
        parts.byMethod(charts.importance),
        "No run logged importance scores; AdaLoRA and ElaLoRA do.",
      ),
    },
    {
      id: "spectra",
      title: "Are the ranks used?",
      body: [
        ...orEmpty(
          [
            ...parts.figures(charts.spectra.filter(({ label }) => label === undefined)),
            ...parts.table("used_ranks"),
            ...parts.byMethod(charts.spectra.filter(({ label }) => label !== undefined)),
          ],
          html`The trained updates were not read yet: ${
            parts.command("spectra")
          } finds their singular values, intruder dimensions and the overlap between seeds.`,
        ),
        ...parts.folded("module_spectra"),
      ],
    },
  ];
}

function ablations({ charts }: PageContent, parts: PageParts): readonly Section[] {
  return [
    {
      id: "ablation",
      title: "Layer-rank ablation",
      body: [
        ...orEmpty(
          parts.figures(charts.ablation),
          html`No run was ablated yet: ${
            parts.command("ablate")
          } removes the adapters of each layer, module and part in turn and evaluates again.`,
        ),
        ...parts.titled("ablation"),
        ...parts.titled("truncations"),
        ...parts.folded("removals"),
      ],
    },
    {
      id: "replay-ablation",
      title: "Replay ablation",
      body: [
        ...orEmpty(
          parts.figures(charts.replay),
          html`No replay was run yet: ${
            parts.command("ablate")
          } trains LoRA again with the final ranks of methods that choose them, with those reversed in depth, and with uniform ranks.`,
        ),
        ...parts.titled("replay_methods"),
        ...parts.titled("replay_paired"),
      ],
    },
  ];
}

function runs({ results, charts, tables }: PageContent, parts: PageParts): readonly Section[] {
  const verified = verificationText(results);
  const isNoneFailed = results.runs.length > 0 && !parts.has("failed");
  return [
    {
      id: "loss-curves",
      title: "Losses",
      body: orEmpty(parts.figures(charts.loss), parts.noRuns),
    },
    {
      id: "reproducibility",
      title: "Reproducibility",
      body: [
        verified === null
          ? empty(
            html`Not verified yet: ${
              parts.command("verify")
            } repeats a sample of these runs and compares losses, metrics, ranks and predictions.`,
          )
          : html`<p>${verified}</p>`,
        ...parts.table("verification"),
        ...parts.titled("provenance"),
      ],
    },
    {
      id: "failed",
      title: "Failed runs",
      body: isNoneFailed
        ? [empty(tables.get("failed")?.note ?? "")]
        : orEmpty(parts.table("failed"), parts.noRuns),
    },
    { id: "runs", title: "All runs", body: orEmpty(parts.folded("runs"), parts.noRuns) },
  ];
}
