/**
 * Scatter: two numbers of each point, with the names of those that stand out.
 *
 * @module
 */
import type { SeriesStyles } from "../method_styles.ts";
import {
  type Drawing,
  type Layer,
  panelled,
  type PanelRow,
  smallWidth,
  spreadOut,
} from "./panels.ts";
import { channelsOf, chartColours, textWidth } from "./theme.ts";

/** A point. */
interface ScatterRow extends PanelRow {
  readonly series: string;
  readonly x: number;
  /** One beyond the range of its panel is drawn at the edge. */
  readonly y: number;
  /** Area of the point in square pixels. */
  readonly size?: number;
  /** Where along the line of its series it is; default no line joins them. */
  readonly order?: number;
  /** What stands beside it. */
  readonly name?: string;
}

/** A point of a dashed line that says where others would be. */
interface GuideRow extends PanelRow {
  readonly guideX: number;
  readonly guideY: number;
}

/** An axis. */
interface ScatterAxis {
  readonly title: string | null;
  readonly scale?: "log" | "linear";
  readonly axis?: object;
}

/** What a panel shows: both ends of each axis. */
interface ScatterRange {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

/** How a scatter is drawn. */
interface ScatterOptions {
  readonly styles: SeriesStyles;
  readonly x: ScatterAxis;
  readonly y: ScatterAxis;
  readonly rangeOf: (panel: readonly ScatterRow[]) => ScatterRange;
  readonly guides?: readonly GuideRow[];
  /** Whether the dashed line has steps. */
  readonly hasSteps?: boolean;
  /** Where better points are: 1 up, −1 down; names stand on that side. */
  readonly sign?: 1 | -1;
  readonly height: number;
  /** Width of a plot; default that of any panel. */
  readonly width?: number;
  readonly columns?: number;
}

/** Pixels between the baselines of two names. */
const nameHeight = 13;

/** A scatter as a specification. */
export function scatter(rows: readonly ScatterRow[], options: ScatterOptions): Drawing {
  const { styles, guides = [], height, sign = 1 } = options;
  const panels = [...Map.groupBy(rows, ({ panel }) => String(panel)).values()].map((own) => {
    const range = options.rangeOf(own);
    const [bottom, top] = range.y;
    const pixel = (top - bottom) / height;
    const drawn = own.map((row) => ({
      ...row,
      at: row.y < bottom ? bottom + 7 * pixel : row.y > top ? top - 7 * pixel : row.y,
    }));
    return { ...range, pixel, drawn };
  });
  const names = panels.flatMap(({ x, y, pixel, drawn }) => {
    const [low, high] = options.x.scale === "log" ? x.map(Math.log) as [number, number] : x;
    const along = (value: number) =>
      ((options.x.scale === "log" ? Math.log(value) : value) - low) / (high - low);
    const named = drawn.flatMap(({ panel, name, x, at, y }) =>
      name === undefined ? [] : [{
        panel,
        name,
        nameX: x,
        // Up and left of a point that stands out nothing is.
        isLeft: along(x) * (options.width ?? smallWidth) > textWidth(name) + 9,
        at: at === y ? at + sign * 6 * pixel : at,
      }]
    );
    return spreadOut(named, nameHeight * pixel, y);
  });
  const corners = panels.flatMap(({ x, y, drawn }) =>
    [0, 1].map((end) => ({ panel: drawn[0]!.panel, cornerX: x[end], cornerY: y[end] }))
  );
  const { color, shape } = channelsOf(styles, "point");
  const number = ({ title, scale, axis }: ScatterAxis, field: string) => ({
    field,
    type: "quantitative",
    title,
    scale: scale === "log" ? { type: "log", nice: false } : { zero: false, nice: false },
    axis: { tickCount: 5, ...axis },
  });
  const x = (field: string) =>
    number({ ...options.x, axis: { grid: false, ...options.x.axis } }, field);
  const y = (field: string) => number(options.y, field);
  const at = { x: x("x"), y: y("at") };
  const layer = (): readonly Layer[] => [
    {
      has: ["cornerX"],
      mark: { type: "point", opacity: 0 },
      encoding: { x: x("cornerX"), y: y("cornerY") },
    },
    {
      has: ["guideX"],
      mark: {
        type: "line",
        strokeDash: [5, 4],
        strokeWidth: 1.2,
        color: chartColours.muted,
        ...(options.hasSteps === true ? { interpolate: "step-after" } : {}),
      },
      encoding: { x: x("guideX"), y: y("guideY") },
    },
    {
      has: ["order"],
      mark: { type: "line", strokeWidth: 1.2, opacity: 0.5 },
      encoding: { ...at, color, order: { field: "order", type: "quantitative" } },
    },
    {
      has: ["x"],
      mark: { type: "point", filled: true, size: 40, opacity: 0.85 },
      encoding: {
        ...at,
        color,
        shape,
        ...(rows.some((row) => "size" in row)
          ? { size: { field: "size", type: "quantitative", scale: null, legend: null } }
          : {}),
      },
    },
    // Behind a name stands its outline in the colour of the page, so that lines do not cross it.
    ...[{ stroke: chartColours.background, strokeWidth: 3 }, {}].map((paint) => ({
      has: ["name", "nameX"],
      mark: {
        type: "text",
        fontSize: 10.5,
        baseline: "middle",
        align: { expr: "datum.isLeft ? 'right' : 'left'" },
        dx: { expr: "datum.isLeft ? -9 : 9" },
        ...paint,
      },
      encoding: { x: x("nameX"), y: y("at"), text: { field: "name" } },
    })),
  ];
  return (room) =>
    panelled([...panels.flatMap(({ drawn }) => drawn), ...guides, ...corners, ...names], room, {
      names: styles.keys(),
      height,
      ...(options.width === undefined ? {} : { width: Math.min(options.width, room - 60) }),
      columns: options.columns ?? 3,
      independent: ["x", "y"],
      layer,
    });
}
