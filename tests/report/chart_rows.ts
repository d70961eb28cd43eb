/** Charts read from their specifications, without drawing. */
import type { Chart } from "../../src/report/types.ts";

/** A row of a chart's data. */
export type Row = Readonly<Record<string, unknown>>;

interface Specification {
  readonly columns: number;
  readonly data: { readonly values: readonly Row[] };
  readonly spec: {
    readonly width: number;
    readonly height: number;
    readonly layer: readonly Row[];
  };
}

/** The specification of a chart for a width in pixels. */
export const specOf = (chart: Chart, room = 900): Specification =>
  chart.draw(room) as unknown as Specification;

/** The rows of a chart by the first line of their panel's heading. */
export const panelsOf = (chart: Chart): ReadonlyMap<string, readonly Row[]> =>
  Map.groupBy(specOf(chart).data.values, ({ panel }) => [panel].flat().map(String)[0]!);

/** The bounds that rows hold open in a field. */
export const boundsIn = (rows: readonly Row[] | undefined, field = "bound"): readonly number[] =>
  (rows ?? []).flatMap((row) => field in row ? [Number(row[field])] : []);

/** The series that a chart knows, in the order of its legend. */
export function seriesOf(chart: Chart): readonly unknown[] {
  const text = JSON.stringify(specOf(chart).spec.layer);
  const [, domain = ""] = /"field":"series"[^[]*"domain":(\[[^\]]*\])/.exec(text) ?? [];
  return JSON.parse(domain);
}
