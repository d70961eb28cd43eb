/**
 * A verification as a Markdown page.
 *
 * @module
 */
import type { RunVerification, Verification } from "../record/verification.ts";
import { escapeMarkdown, markdownRows } from "./markdown.ts";
import { cellsOf } from "./table.ts";
import {
  differenceText,
  shownValue,
  timeText,
  verificationSentence,
  verifiedTable,
} from "./tables/verification.ts";

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
