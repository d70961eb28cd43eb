/**
 * What `deno task verify` found: which runs were repeated, when, and how they came out.
 *
 * @module
 */
import type { Analysis } from "../analysis/analysis.ts";
import { counted, whole } from "../base/format.ts";
import { type Difference, shownValue } from "../record/compare_numbers.ts";
import { thinText } from "../record/thinned.ts";
import type { RunVerification, Verification, VerificationVerdict } from "../record/verification.ts";
import { escapeMarkdown, markdownRows } from "./markdown.ts";
import { cellsOf, number, type ReportTable, reportTable, text, type Tone } from "./table.ts";

/** The place where two runs differ, for instance `step 9, loss: found 0.61, wanted 0.6`. */
export function differenceText({ quantity, step, found, wanted }: Difference): string {
  const when = step === null ? "at the end" : `step ${step}`;
  return `${when}, ${quantity}: found ${shownValue(found)}, wanted ${shownValue(wanted)}`;
}

/** The first relevant difference of a run, or why there is none to tell; empty for bit-equal runs. */
export function remarkOf({ message, first, firstBeyond }: RunVerification): string {
  if (message !== null) return message;
  const difference = firstBeyond ?? first;
  return difference === null ? "" : differenceText(difference);
}

/** How many of a run's numbers are bit-equal, for instance `1043 of 1043`; empty where none was compared. */
function numbersText({ quantities }: RunVerification): string {
  const sum = (of: (quantity: RunVerification["quantities"][number]) => number) =>
    quantities.reduce((total, quantity) => total + of(quantity), 0);
  return quantities.length === 0
    ? ""
    : `${sum(({ equal }) => equal)} of ${sum(({ compared }) => compared)}`;
}

/** Which of the pinned versions, hashes and settings are the same as in the record. */
function pinnedText({ pinned }: RunVerification): string {
  const changed = pinned.filter(({ isSame }) => !isSame).map(({ item }) => item);
  return changed.length === 0 ? `all ${pinned.length}` : `all but ${changed.join(", ")}`;
}

/** How a number of runs came out, as the end of a sentence. */
function outcomeTexts(
  { runs, tolerance }: Pick<Verification, "runs" | "tolerance">,
): readonly string[] {
  const said: Readonly<Record<VerificationVerdict, readonly [one: string, many: string]>> = {
    "bit-equal": ["is bit-equal", "are bit-equal"],
    "within tolerance": [
      `agrees within a relative tolerance of ${tolerance}`,
      `agree within a relative tolerance of ${tolerance}`,
    ],
    "not reproduced": ["was not reproduced", "were not reproduced"],
    "inputs differ": [
      "was not run because its inputs have changed",
      "were not run because their inputs have changed",
    ],
  };
  return (Object.keys(said) as VerificationVerdict[]).flatMap((verdict) => {
    const count = runs.filter((run) => run.verdict === verdict).length;
    if (count === 0) return [];
    const [one, many] = said[verdict];
    if (count === runs.length) return [count === 1 ? `it ${one}` : `all ${many}`];
    return [`${whole(count)} ${count === 1 ? one : many}`];
  });
}

/** What was checked and how it came out, in one sentence without its full stop. */
export function verificationSentence(verification: Verification): string {
  const { runs, finishedRuns, sampleSeed } = verification;
  const isAll = runs.length === finishedRuns;
  const checked = isAll
    ? finishedRuns === 1
      ? "The one finished run was checked"
      : `All ${whole(finishedRuns)} finished runs were checked`
    : `${whole(runs.length)} of ${counted(finishedRuns, "finished run")} ${
      runs.length === 1 ? "was" : "were"
    } checked`;
  const drawn = sampleSeed === null || isAll ? "" : ` (a sample drawn with seed ${sampleSeed})`;
  const parts = outcomeTexts(verification);
  const outcome = parts.length < 2
    ? parts.join("")
    : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
  const thinned = runs.flatMap((run) => run.thinned ?? []);
  const kept = [...new Set(thinned)].toSorted((a, b) => a - b).map(thinText).join(" or ");
  return `${checked}${drawn}: ${outcome}` +
    (thinned.length === 0
      ? ""
      : `; ${
        counted(thinned.length, "journal of steps was", "journals of steps were")
      } thinned to ${kept}, and what was kept was compared`);
}

/** A point in time as a reader takes it, for instance `2026-11-24 20:25 UTC`. */
function timeText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/** Ids of verified runs whose record is still the one that was verified. */
function currentIds({ runs }: Analysis, { verifiedAt }: Verification): ReadonlySet<string> {
  return new Set(
    runs.filter(({ record }) => record.happened.time.startedAt <= verifiedAt)
      .map(({ record }) => record.id),
  );
}

/** When a study was verified and how that came out; null for a study that was not. */
export function verificationText(results: Analysis): string | null {
  const { verification } = results;
  if (verification === null) return null;
  const current = currentIds(results, verification);
  const stale = verification.runs.filter(({ id }) => !current.has(id)).length;
  return `Verified on ${timeText(verification.verifiedAt)}. ` +
    `${verificationSentence(verification)}.` +
    (stale === 0 ? "" : ` ${counted(stale, "of these runs has", "of these runs have")} been ` +
      `recorded again or removed since; verify the study again.`);
}

function toneOf(verdict: unknown): Tone {
  if (verdict === "bit-equal" || verdict === "within tolerance") return "good";
  return verdict === "not reproduced" ? "bad" : "muted";
}

/** The verified runs of a study, a row each. */
export function verificationTable(results: Analysis): ReportTable {
  const { verification } = results;
  return verification === null
    ? verifiedTable([])
    : verifiedTable(verification.runs, currentIds(results, verification));
}

/**
 * Verified runs, a row each.
 *
 * @param current Ids of those whose record has not changed since, or null for all.
 */
export function verifiedTable(
  runs: readonly RunVerification[],
  current: ReadonlySet<string> | null = null,
): ReportTable {
  const rows = runs.map((run) => ({
    id: run.id,
    title: run.title,
    verdict: run.verdict,
    numbers: numbersText(run),
    pinned: pinnedText(run),
    remark: current === null || current.has(run.id)
      ? remarkOf(run)
      : "the record has changed since",
  }));
  return reportTable(rows, {
    id: "verification",
    title: "Verified runs",
    note: "Each run was repeated from its record alone and compared number by number: losses, " +
      "gradient norms, rank events, evaluations, metrics, ranks and predictions. " +
      "Pinned items are what equal numbers depend on: versions, hashes, seed and machine.",
    columns: [
      text("run", (row) => row.title),
      text("verdict", (row) => row.verdict, (row) => toneOf(row.verdict)),
      number("numbers bit-equal", (row) => String(row.numbers || "–")),
      text("pinned items equal", (row) => row.pinned),
      text("first difference", (row) => String(row.remark || "none")),
    ],
  });
}

const left = (title: string) => ({ title, align: "left" } as const);

const right = (title: string) => ({ title, align: "right" } as const);

function runSection(run: RunVerification): readonly string[] {
  const remark = run.message === null
    ? run.first === null ? "The two runs are the same in every number." : [
      `They first differ at ${differenceText(run.first)}.`,
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
      markdownRows(
        [
          ...["quantity", "agreement"].map(left),
          ...["compared", "bit-equal", "largest relative difference"].map(right),
        ],
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
    markdownRows(
      ["pinned", "", "recorded", "now"].map(left),
      run.pinned.map(({ item, isSame, wanted, found }) => [
        item,
        isSame ? "same" : "different",
        shownValue(wanted),
        shownValue(found),
      ]),
    ),
    "",
  ];
}

/** `verification.md`. */
export function verificationMarkdown(verification: Verification): string {
  const { study, verifiedAt, tolerance, runs } = verification;
  const table = verifiedTable(runs);
  return [
    `# Reproducibility of ${escapeMarkdown(study)}`,
    "",
    `${escapeMarkdown(verificationSentence(verification))}.`,
    "",
    `Verified on ${
      timeText(verifiedAt)
    }. Each run was repeated from its record alone and compared number by number: losses, ` +
    `gradient norms, rank events, evaluations, metrics, ranks and predictions. A number is within tolerance if it ` +
    `differs by at most ${tolerance} of its size (of 1 % of the largest of its kind, if it is smaller than that); ranks and ` +
    `counts must be equal.`,
    "",
    markdownRows(table.columns, cellsOf(table)),
    "",
    ...runs.flatMap(runSection),
  ].join("\n");
}
