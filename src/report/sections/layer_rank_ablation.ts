/**
 * What the metric loses without a layer, a module or a part.
 *
 * @module
 */
import { html } from "../html.ts";
import { charts, command, folded, type Section, titled } from "../section.ts";
import { ablationTable, removalsTable } from "../tables/ablation.ts";
import { truncationsTable } from "../tables/truncations.ts";

/** Whether rank went where it was needed. */
export const layerRankAblation: Section = {
  title: "Layer-rank ablation",
  id: "ablation",
  empty: (analysis) =>
    html`No run was ablated yet: ${
      command("ablate", analysis)
    } removes the adapters of each layer, module and part in turn and evaluates again.`,
  blocks: [
    charts(({ charts }) => charts.ablation),
    titled(ablationTable),
    titled(truncationsTable),
    folded(removalsTable),
  ],
};
