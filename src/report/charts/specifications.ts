/**
 * The specification curves of a study's claims: each difference at the tuned settings and at those beside them.
 *
 * @module
 */
import type { Specification } from "../../analysis/claims/specifications.ts";
import { fullLine } from "../markers.ts";
import type { Chart } from "../types.ts";
import { intervals } from "./intervals.ts";
import { boundsOf } from "./panels.ts";

/** A row of the curve of a claim. */
type SpecificationRow = Specification & { readonly claim: string };

const names = { chosen: "chosen settings", beside: "beside them" } as const;

/** Farther than this from the others, in margins, an interval is cut off. */
const farthest = 6;

/** The picture, a panel a claim and budget; null where no trial was made beside a chosen one. */
export function specificationsChart(rows: readonly SpecificationRow[]): Chart | null {
  const drawn = rows.filter(({ mean }) => mean !== null);
  if (!drawn.some(({ isChosen }) => !isChosen)) return null;
  const ends = drawn.flatMap(({ mean, low, high }) =>
    [low ?? mean!, high ?? mean!].map((end) =>
      Math.max(mean! - farthest, Math.min(mean! + farthest, end))
    )
  );
  const isSplit = new Set(drawn.map(({ budget }) => budget)).size > 1;
  const hasIntervals = drawn.some(({ low }) => low !== null);
  return {
    id: "specifications",
    title: "The difference of each claim at the settings beside the tuned ones",
    caption:
      "Differences a − b of the trials on held-out text, in margins, sorted: one line for each pair of settings out of those that were chosen and those tried next to " +
      `them. ${
        hasIntervals
          ? "Lines are 95% t intervals over the seeds of the trials, with one spread for all pairs of a panel."
          : "Trials have one seed, so there are no intervals."
      } The chosen pair was chosen for scoring well, so its trials flatter both arms. Shaded: differences within the margin.`,
    draw: intervals(
      drawn.map(({ claim, budget, a, b, isChosen, mean, low, high }) => ({
        panel: isSplit ? [claim, budget] : claim,
        name: `a: ${a.position}, b: ${b.position}`,
        series: isChosen ? names.chosen : names.beside,
        value: mean!,
        low: low ?? mean!,
        high: high ?? mean!,
      })),
      {
        styles: new Map([
          [names.chosen, { colour: "#c08a2b", shape: "circle", dash: fullLine }],
          [names.beside, { colour: "#4b86c2", shape: "circle", dash: fullLine }],
        ]),
        x: {
          title: "difference a − b, margins",
          domain: boundsOf([-1.6, 1.6, ...ends], { margin: 0.04 }),
        },
        hasLegend: true,
        width: 420,
        shaded: [-1, 1],
        references: [0],
      },
    ),
  };
}
