/**
 * What rank policies did, and whether rank went where removing it hurts, in sentences.
 *
 * @module
 */
import type { RankMap } from "../../record/types.ts";
import { type Grid } from "../../analysis/run_rows.ts";
import { counted, fixed, joined, significant, whole } from "../../base/format.ts";
import { movedRanks } from "../../analysis/rank_series.ts";
import { summarise } from "../../stats/statistics.ts";
import { type AblationRow } from "../../analysis/ablation.ts";
import type { Analysis } from "../../analysis/analysis.ts";
import { cellWords, type Finding, mostSingled, sentence } from "./finding.ts";

/** One finding a method whose ranks changed; none where there are many. */
export function movements(results: Analysis, grid: Grid): readonly Finding[] {
  const moved = Map.groupBy(
    results.runs.filter((run) =>
      run.record.happened.outcome.state === "finished" && movedRanks(run)
    ),
    (run) => run.record.asked.label,
  );
  if (moved.size >= mostSingled) return [];
  return grid.labels.flatMap((label) => {
    const runs = moved.get(label);
    if (runs === undefined) return [];
    const mean = (values: readonly number[]) => summarise(values).mean ?? 0;
    const ranks = runs.flatMap((run) => Object.values(run.record.happened.finalRanks ?? {}));
    const [low, high] = ranks.reduce(([a, b], rank) => [Math.min(a, rank), Math.max(b, rank)], [
      Infinity,
      -Infinity,
    ]);
    const total = (map: RankMap | null) =>
      Object.values(map ?? {}).reduce((sum, rank) => sum + rank, 0);
    const moves = mean(runs.map((run) => run.record.happened.ranksMoved));
    const added = mean(
      runs.map(({ record: { happened } }) =>
        total(happened.finalRanks) - total(happened.initialRanks)
      ),
    );
    const changes = [
      ...(moves > 0 ? [`moved ${significant(moves)} ranks`] : []),
      ...(moves === 0 && added < 0 ? [`masked ${significant(-added)} ranks by the end`] : []),
      ...(added > 0 ? [`added ${significant(added)} ranks by the end`] : []),
    ];
    const events = significant(mean(runs.map((run) => run.record.happened.rankEvents)));
    const did = changes.length === 0 ? "changed no total rank" : joined(changes);
    const over = runs.length === 1 ? "" : ` (means over ${counted(runs.length, "run")})`;
    return [{
      lead: `Ranks of ${label}`,
      text: `${runs.length === 1 ? "The run" : "A run"} ${did} in ${events} ${
        events === "1" ? "event" : "events"
      }${over}. ${
        low === high
          ? `All modules ended with rank ${low}.`
          : `Modules ended with ranks from ${low} to ${high}.`
      }`,
    }];
  });
}

/** How many 95% intervals of correlations lie above and below zero. */
function intervalsText(rows: readonly AblationRow[]): string {
  const known = rows.filter(({ low, high }) => low !== null && high !== null);
  if (known.length === 0) return "no correlation has a 95% interval";
  const above = known.filter(({ low }) => low! > 0).length;
  const below = known.filter(({ high }) => high! < 0).length;
  if (known.length === 1) {
    return above + below === 0
      ? "the 95% interval includes zero"
      : `the 95% interval lies ${above === 1 ? "above" : "below"} zero`;
  }
  if (above + below === 0) return "each 95% interval includes zero";
  if (above === known.length) return "each 95% interval lies above zero";
  if (below === known.length) return "each 95% interval lies below zero";
  const lie = (count: number) => count === 1 ? "lies" : "lie";
  const parts = [
    ...(above === 0 ? [] : [`${whole(above)} ${lie(above)} above zero`]),
    ...(below === 0 ? [] : [`${whole(below)} ${lie(below)} below zero`]),
  ];
  return `of the ${whole(known.length)} intervals (95%), ${joined(parts)}`;
}

/** Whether the modules that were given rank are those whose removal hurts. */
export function correlations(results: Analysis, grid: Grid): readonly Finding[] {
  const rows = results.ablation.filter((row) => row.kind === "module" && row.spearman !== null);
  const correlated = grid.labels.filter((label) => rows.some((row) => row.label === label));
  const own = (label: string) => rows.filter((row) => row.label === label);
  if (correlated.length >= mostSingled) {
    return [{
      lead: "Rank and metric lost, over modules",
      text: correlated.map((label) => `${label}: ${intervalsText(own(label))}`).join("; ") + ".",
    }];
  }
  return correlated.map((label) => {
    const cells = own(label);
    const values = cells.map((row) => row.spearman!);
    const [low, high] = [fixed(Math.min(...values), 2), fixed(Math.max(...values), 2)];
    const range = low === high ? low : `${low} to ${high}`;
    const { preposition, many } = cellWords(cells);
    const where = cells.length === 1 ? "" : ` ${preposition} ${whole(cells.length)} ${many}`;
    return {
      lead: `Rank and metric lost, ${label}`,
      text:
        `Over modules, the rank and the metric lost without the module correlate with ρ ${range}${where}. ` +
        `${sentence(intervalsText(cells))}.`,
    };
  });
}
