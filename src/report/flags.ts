/**
 * Runs that show signs of collapse, in words.
 *
 * @module
 */
import type { RunFlag } from "../record/types.ts";
import { budgetName, groupBy, keyOf, noBudget } from "./facts.ts";
import { counted, fixed, joined, significant, whole } from "./format.ts";
import { metricInfo } from "./metrics.ts";
import type { StudyResults } from "./types.ts";

/** A sign of collapse with its numbers, for instance `accuracy 50.00, no better than the majority class (50.00)`. */
export function flagText(flag: RunFlag): string {
  switch (flag.kind) {
    case "one-class":
      return `the same prediction (${significant(flag.prediction)}) for every text`;
    case "loss-above-chance":
      return `training loss ${lossText(flag.loss)} at the end, above chance (${
        significant(flag.chance)
      })`;
    case "at-majority": {
      const { title, scale } = metricInfo(flag.metric);
      return `${title} ${fixed(flag.score * scale, 2)}, no better than the majority class (${
        fixed(flag.majority * scale, 2)
      })`;
    }
  }
}

/** A loss, of which the size is what matters where it is very large. */
function lossText(loss: number): string {
  return loss >= 1e6 ? loss.toExponential(1).replace("+", "") : significant(loss);
}

/** The same without numbers, for a cell of a table. */
export function flagName(flag: RunFlag): string {
  switch (flag.kind) {
    case "one-class":
      return "one prediction";
    case "loss-above-chance":
      return "loss above chance";
    case "at-majority":
      return "at the majority";
  }
}

/** What is known of the runs that show signs of collapse. */
export interface Collapsed {
  /** One sentence without its full stop, for instance `2 of 60 runs show signs of collapse and count in every mean`. */
  readonly summary: string;
  /** A line a cell of the grid, for instance `Topic, lora, rank 8, seed 3: the same prediction (1) for every text`. */
  readonly lines: readonly string[];
}

/** The runs that show signs of collapse, by cell of the grid; null where there are none. */
export function collapsedRuns({ runs }: StudyResults): Collapsed | null {
  const flagged = runs.flatMap(({ record: { asked, happened } }) =>
    happened.outcome.state === "finished" && (happened.flags ?? []).length > 0
      ? [{ asked, flags: happened.flags! }]
      : []
  );
  if (flagged.length === 0) return null;
  const cells = groupBy(
    flagged,
    ({ asked, flags }) =>
      keyOf(
        asked.task,
        asked.label,
        budgetName(asked.budget),
        joined(flags.map(({ kind }) => kind)),
      ),
  );
  const [is, counts] = flagged.length === 1 ? ["shows", "counts"] : ["show", "count"];
  return {
    summary:
      `${whole(flagged.length)} of ${counted(runs.length, "run")} ${is} signs of collapse and ` +
      `${counts} in every mean`,
    lines: [...cells.values()].map((own) => {
      const { asked, flags } = own[0]!;
      const seeds = own.map(({ asked: { seed } }) => String(seed));
      const budget = budgetName(asked.budget);
      const place = [
        asked.task,
        asked.label,
        ...(budget === noBudget ? [] : [budget]),
        `${seeds.length === 1 ? "seed" : "seeds"} ${joined(seeds)}`,
      ].join(", ");
      // Numbers differ between seeds, so that those of several are named without.
      const texts = flags.map(own.length === 1 ? flagText : flagName);
      return `${place}: ${texts.join("; ")}`;
    }),
  };
}
