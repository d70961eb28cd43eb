/**
 * What the terminal says of runs that collapsed or learned nothing, and of the score that a run has to beat.
 *
 * @module
 */
import type { RunFlag, RunRecord } from "../record/types.ts";
import { runTitle } from "../spec/run_id.ts";
import { counted, fixed, significant } from "./format.ts";
import { metricInfo } from "./metrics.ts";
import type { StudyResults } from "./types.ts";

/** A loss in few characters, as it may be of any size. */
function lossText(loss: number): string {
  return loss >= 1e5 ? loss.toPrecision(2) : significant(loss);
}

/** A sign in words that need no subject. */
export function flagText(flag: RunFlag): string {
  if (flag.kind === "one-class") return "predicts the same for every text";
  if (flag.kind === "loss-above-chance") {
    return `training loss ${lossText(flag.loss)} at the end, chance is ${lossText(flag.chance)}`;
  }
  const { title, scale } = metricInfo(flag.metric);
  const shown = (score: number) => fixed(scale * score, scale === 1 ? 3 : 1);
  return `${title} ${shown(flag.score)}, the majority's is ${shown(flag.majority)}`;
}

/** Whether a run collapsed, or is only no better than the majority; null where nothing is odd. */
type Finding = "collapsed" | "no better than the majority";

function findingOf(flags: readonly RunFlag[]): Finding | null {
  if (flags.some(({ kind }) => kind !== "at-majority")) return "collapsed";
  return flags.length > 0 ? "no better than the majority" : null;
}

/**
 * What a line about a run ends with; empty where nothing is odd.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(
 *   flagsText([{ kind: "loss-above-chance", loss: 1.9e11, chance: Math.LN2 }]),
 *   "; collapsed: training loss 1.9e+11 at the end, chance is 0.693",
 * );
 * ```
 */
export function flagsText(flags: readonly RunFlag[] = []): string {
  const finding = findingOf(flags);
  return finding === null ? "" : `; ${finding}: ${flags.map(flagText).join("; ")}`;
}

/** Runs of each kind that are named; the others are counted. */
const mostNamed = 8;

/** The runs of a study that collapsed and those that are no better than the majority, as lines; none where there are none. */
export function flaggedRunsText(
  runs: readonly { readonly record: Pick<RunRecord, "asked" | "happened"> }[],
): readonly string[] {
  const found = runs.map(({ record: { asked, happened: { flags = [] } } }) => ({
    finding: findingOf(flags),
    line: `  ${runTitle(asked)}: ${flags.map(flagText).join("; ")}`,
  }));
  const linesOf = (kind: Finding, one: string, many: string): readonly string[] => {
    const lines = found.filter(({ finding }) => finding === kind).map(({ line }) => line);
    if (lines.length === 0) return [];
    const rest = lines.length - mostNamed;
    return [
      `${counted(lines.length, one, many)}:`,
      ...lines.slice(0, mostNamed),
      ...(rest > 0 ? [`  and ${rest} more`] : []),
    ];
  };
  return [
    ...linesOf("collapsed", "run collapsed", "runs collapsed"),
    ...linesOf(
      "no better than the majority",
      "run is no better than the majority",
      "runs are no better than the majority",
    ),
  ];
}

/** The majority's score on each task, in the unit of tables; null where no record holds one. */
export function majorityText({ runs }: Pick<StudyResults, "runs">): string | null {
  const scores = new Map<string, Set<string>>();
  for (const { record: { asked, happened: { majority, primaryMetric } } } of runs) {
    const score = majority?.[primaryMetric];
    if (score === undefined) continue;
    const { title, scale } = metricInfo(primaryMetric);
    const text = `${fixed(scale * score, scale === 1 ? 3 : 1)} ${title}`;
    scores.set(asked.task, (scores.get(asked.task) ?? new Set()).add(text));
  }
  if (scores.size === 0) return null;
  const parts = [...scores].map(([task, texts]) => `${task} ${[...texts].join(" or ")}`);
  return `Always giving train's most frequent label (or mean) scores: ${parts.join(", ")}`;
}
