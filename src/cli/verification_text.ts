/**
 * A verification as people read it: a table for the terminal, and a Markdown page.
 *
 * @module
 */
import type { Difference, RunVerification, Value, Verification } from "../record/verification.ts";
import { escapeMarkdown } from "../report/markdown.ts";
import { textTable } from "./text_table.ts";

function shown(value: Value): string {
  if (value === null) return "nothing";
  // Hashes are told apart by their first digits.
  return typeof value === "string" && /^[0-9a-f]{40,}$/.test(value)
    ? `${value.slice(0, 12)}…`
    : String(value);
}

/** A place where runs part, in words. */
export function differenceText({ quantity, step, found, wanted }: Difference): string {
  const when = step === null ? "at the end" : `step ${step}`;
  return `${when}, ${quantity}: found ${shown(found)}, wanted ${shown(wanted)}`;
}

/** What a reader is told about one run in a line: the first relevant difference, or why there is none to tell. */
function remarkOf({ message, first, firstBeyond }: RunVerification): string {
  if (message !== null) return message;
  const difference = firstBeyond ?? first;
  return difference === null ? "" : differenceText(difference);
}

function sizes({ quantities }: RunVerification): string {
  const sum = (of: (quantity: RunVerification["quantities"][number]) => number) =>
    quantities.reduce((total, quantity) => total + of(quantity), 0);
  return quantities.length === 0
    ? ""
    : `${sum(({ equal }) => equal)} of ${sum(({ compared }) => compared)}`;
}

function changedText({ pinned }: RunVerification): string {
  const changed = pinned.filter(({ isSame }) => !isSame).map(({ item }) => item);
  return changed.length === 0 ? `all ${pinned.length}` : `all but ${changed.join(", ")}`;
}

/** How many runs had each verdict, in a sentence. */
export function summaryText({ runs, tolerance, finishedRuns, sampleSeed }: Verification): string {
  const count = (verdict: RunVerification["verdict"]) =>
    runs.filter((run) => run.verdict === verdict).length;
  const parts = [
    `${count("bit-equal")} bit-equal`,
    `${count("within tolerance")} within ${tolerance}`,
    `${count("not reproduced")} not reproduced`,
    `${count("inputs differ")} not run since inputs differ`,
  ];
  const drawn = sampleSeed === null ? "" : ` (drawn with seed ${sampleSeed})`;
  return `${runs.length} of ${finishedRuns} finished runs checked${drawn}: ${parts.join(", ")}`;
}

/**
 * The table for the terminal.
 *
 * @param width Its columns, or null for no limit.
 */
export function verificationTable(verification: Verification, width: number | null): string {
  const rows = verification.runs.map((run) => [
    run.title,
    run.verdict,
    sizes(run),
    changedText(run),
    remarkOf(run),
  ]);
  return textTable(
    ["run", "verdict", "numbers equal", "pinned items equal", "first difference"],
    rows,
    width,
  );
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(" | ")} |`;
  return [line(headings), `|${" --- |".repeat(headings.length)}`, ...rows.map(line)].join("\n");
}

function runSection(run: RunVerification): readonly string[] {
  const remark = run.message === null
    ? run.first === null ? "The two runs are the same in every number." : [
      `They part first at ${differenceText(run.first)}.`,
      ...(run.firstBeyond === null
        ? []
        : [`Beyond the tolerance: ${differenceText(run.firstBeyond)}.`]),
    ].join(" ")
    : `${run.message}.`;
  return [
    `## ${escapeMarkdown(run.title)}: ${run.verdict}`,
    "",
    escapeMarkdown(remark),
    "",
    ...(run.quantities.length === 0 ? [] : [
      table(
        ["quantity", "agreement", "compared", "bit-equal", "largest relative difference"],
        run.quantities.map(({ quantity, agreement, compared, equal, largestRelative }) => [
          quantity,
          agreement,
          String(compared),
          String(equal),
          largestRelative === 0 ? "0" : largestRelative.toExponential(1),
        ]),
      ),
      "",
    ]),
    table(
      ["pinned", "", "recorded", "now"],
      run.pinned.map(({ item, isSame, wanted, found }) => [
        item,
        isSame ? "same" : "different",
        shown(wanted),
        shown(found),
      ]),
    ),
    "",
  ];
}

/** `verification.md`. */
export function verificationMarkdown(verification: Verification): string {
  const { study, verifiedAt, tolerance, runs } = verification;
  return [
    `# Reproducibility of ${escapeMarkdown(study)}`,
    "",
    `${escapeMarkdown(summaryText(verification))}.`,
    "",
    `Made on ${verifiedAt}. Each run was made again from its record alone and compared number by number: losses, ` +
    `gradient norms, rank events, evaluations, metrics, ranks and predictions. A number is within tolerance if it ` +
    `differs by at most ${tolerance} of its size (of 1 % of the largest of its kind, if it is smaller than that); ranks and ` +
    `counts must be equal.`,
    "",
    table(
      ["run", "verdict", "numbers equal", "pinned items equal", "first difference"],
      runs.map((run) => [run.title, run.verdict, sizes(run), changedText(run), remarkOf(run)]),
    ),
    "",
    ...runs.flatMap(runSection),
  ].join("\n");
}
