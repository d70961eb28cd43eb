/**
 * LoRA trained again with the ranks that others found.
 *
 * @module
 */
import { html } from "../html.ts";
import { charts, command, type Section, titled } from "../section.ts";
import { replayTable } from "./paired_differences.ts";
import { methodsTable } from "./scores.ts";

/** Whether ranks that were found help LoRA too. */
export const replayAblation: Section = {
  title: "Replay ablation",
  empty: (analysis) =>
    html`No replay was run yet: ${
      command("ablate", analysis)
    } trains LoRA again with the final ranks of methods that choose them, with those reversed in depth, and with uniform ranks.`,
  blocks: [
    charts(({ charts }) => charts.replay),
    titled(({ replay }) =>
      replay === null
        ? null
        : { ...methodsTable(replay, "replay_methods"), title: "Scores of the replays" }
    ),
    titled((analysis) => analysis.replay === null ? null : replayTable(analysis)),
  ],
};
