/**
 * What is said of runs that collapsed, and of those that learned nothing which their metric shows.
 *
 * @module
 */
import type { RunFlag, RunRecord } from "../record/types.ts";
import { budgetName, keyOf, noBudget } from "./run_rows.ts";
import { counted, fixed, joined, significant, whole } from "../base/format.ts";
import { metricInfo } from "./metrics.ts";

/** A loss in few characters, as it may be of any size. */
function lossText(loss: number): string {
  return loss >= 1e5 ? loss.toExponential(1).replace("+", "") : significant(loss);
}

/** A sign in words that need no subject. */
function flagText(flag: RunFlag): string {
  if (flag.kind === "one-class") return "predicts the same for every text";
  if (flag.kind === "loss-above-chance") {
    return `training loss ${lossText(flag.loss)} at the end, chance is ${lossText(flag.chance)}`;
  }
  const { title, scale } = metricInfo(flag.metric);
  const shown = (score: number) => fixed(scale * score, 2);
  return `${title} ${shown(flag.score)}, the majority class has ${shown(flag.majority)}`;
}

/** A sign in two or three words, for a cell of a table. */
export function flagName({ kind }: RunFlag): string {
  if (kind === "one-class") return "one prediction";
  return kind === "loss-above-chance" ? "loss above chance" : "at the majority";
}

/** Whether a run collapsed, or is only no better than the majority; null where nothing is odd. */
type Sign = "collapsed" | "no better than the majority class";

function signOf(flags: readonly RunFlag[]): Sign | null {
  if (flags.some(({ kind }) => kind !== "at-majority")) return "collapsed";
  return flags.length > 0 ? "no better than the majority class" : null;
}

/**
 * What a line about a run ends with; empty where nothing is odd.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(
 *   flagsText([{ kind: "loss-above-chance", loss: 1.9e11, chance: Math.LN2 }]),
 *   "; collapsed: training loss 1.9e11 at the end, chance is 0.693",
 * );
 * ```
 */
export function flagsText(flags: readonly RunFlag[] = []): string {
  const sign = signOf(flags);
  return sign === null ? "" : `; ${sign}: ${flags.map(flagText).join("; ")}`;
}

/** Runs with the same kind of sign. */
interface FlaggedRuns {
  /** A sentence without its full stop, for instance `2 of 60 runs collapsed and count in every mean`. */
  readonly summary: string;
  /** A line a task, method and budget: `Topic, lora, rank 8, seeds 1 and 3: one prediction; loss above chance`. */
  readonly lines: readonly string[];
}

interface Flagged {
  readonly asked: RunRecord["asked"];
  readonly flags: readonly RunFlag[];
}

/** A line about the runs of one task, method and budget that show the same signs. */
function lineOf(own: readonly Flagged[]): string {
  const { asked, flags } = own[0]!;
  const budget = budgetName(asked.budget);
  const seeds = own.map(({ asked: { seed } }) => String(seed));
  const place = [
    asked.task,
    asked.label,
    ...(budget === noBudget ? [] : [budget]),
    `${seeds.length === 1 ? "seed" : "seeds"} ${joined(seeds)}`,
  ].join(", ");
  // Figures differ between seeds, so that several are given without.
  return `${place}: ${flags.map(own.length === 1 ? flagText : flagName).join("; ")}`;
}

/** The runs that collapsed, then those that are no better than the majority; none where there are none. */
export function flaggedRuns(
  runs: readonly { readonly record: Pick<RunRecord, "asked" | "happened"> }[],
): readonly FlaggedRuns[] {
  const finished = runs.filter(({ record }) => record.happened.outcome.state === "finished")
    .map(({ record: { asked, happened: { flags = [] } } }): Flagged => ({ asked, flags }));
  return (["collapsed", "no better than the majority class"] as const).flatMap((sign) => {
    const found = finished.filter(({ flags }) => signOf(flags) === sign);
    if (found.length === 0) return [];
    const cells = Map.groupBy(
      found,
      ({ asked, flags }) =>
        keyOf(asked.task, asked.label, budgetName(asked.budget), ...flags.map(({ kind }) => kind)),
    );
    const is = sign === "collapsed" ? "" : found.length === 1 ? "is " : "are ";
    const counts = found.length === 1 ? "counts" : "count";
    return [{
      summary: `${whole(found.length)} of ${
        counted(runs.length, "run")
      } ${is}${sign} and ${counts} in every mean`,
      lines: [...cells.values()].map(lineOf),
    }];
  });
}

/** Lines of each kind that the terminal shows; the others are counted. */
const mostNamed = 8;

/** {@linkcode flaggedRuns} as lines for the terminal. */
export function flaggedRunsText(
  runs: readonly { readonly record: Pick<RunRecord, "asked" | "happened"> }[],
): readonly string[] {
  return flaggedRuns(runs).flatMap(({ summary, lines }) => {
    const rest = lines.length - mostNamed;
    return [
      `${summary}:`,
      ...lines.slice(0, mostNamed).map((line) => `  ${line}`),
      ...(rest > 0 ? [`  and ${whole(rest)} more, which the report names`] : []),
    ];
  });
}
