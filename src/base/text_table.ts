/**
 * Tables of plain text that fit a terminal: names are shortened, numbers are not, and what does not fit goes below.
 *
 * @module
 */
import { columnsOf, padded, shortened, shortenedApart } from "./text_width.ts";

interface TextColumn {
  readonly title: string;
  readonly align: "left" | "right";
  /** Whether its cells may be shortened: names may, numbers may not. Columns of names at the start are repeated in each part. */
  readonly isName: boolean;
}

/** A row of cells, one a column, or a line over the rows that follow. */
export type TextRow = readonly string[] | { readonly heading: string };

interface TableLayout {
  /** Columns of the terminal; null sets no limit. */
  readonly width: number | null;
  /** Whether a rule stands below the titles. Default false. */
  readonly hasRule?: boolean;
}

const gap = 2;

/** Columns below which a name is shortened only where nothing else helps. */
const readable = 8;

/** Columns that a name keeps in any case. */
const least = 3;

interface Measured {
  readonly column: TextColumn;
  readonly cells: readonly string[];
  readonly natural: number;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function widthOf(columns: readonly number[]): number {
  return sum(columns) + gap * Math.max(0, columns.length - 1);
}

/**
 * Widths that sum to at most `room` where their floors allow it; the widest are narrowed first.
 *
 * @param floors What each keeps, at most its width.
 */
export function narrowed(
  widths: readonly number[],
  floors: readonly number[],
  room: number,
): readonly number[] {
  const left = [...widths];
  while (sum(left) > room) {
    let widest = -1;
    for (const [i, width] of left.entries()) {
      if (width > floors[i]! && (widest < 0 || width > left[widest]!)) widest = i;
    }
    if (widest < 0) return left;
    left[widest]!--;
  }
  return left;
}

/** A column as it is shown, in a width of its own. */
interface Shown extends Measured {
  readonly width: number;
}

/** The columns that stand side by side, part by part. */
function partsOf(
  columns: readonly Measured[],
  width: number | null,
): readonly (readonly Shown[])[] {
  const asTheyAre = columns.map((column) => ({ ...column, width: column.natural }));
  if (width === null || widthOf(asTheyAre.map(({ width }) => width)) <= width) return [asTheyAre];
  const floorOf = ({ column, natural }: Measured, floor: number) =>
    column.isName ? Math.min(natural, Math.max(floor, columnsOf(column.title))) : natural;
  const fitted = (own: readonly Measured[], floor: number, room: number): readonly Shown[] => {
    const widths = narrowed(
      own.map(({ natural }) => natural),
      own.map((column) => floorOf(column, floor)),
      room - gap * (own.length - 1),
    );
    return own.map((column, i) => ({ ...column, width: widths[i]! }));
  };
  const doesFit = (own: readonly Shown[]) => widthOf(own.map(({ width }) => width)) <= width;
  const whole = fitted(columns, readable, width);
  if (doesFit(whole)) return [whole];

  const firstValue = columns.findIndex(({ column }) => !column.isName);
  const keys = columns.slice(0, Math.max(1, firstValue));
  const others = columns.slice(keys.length);
  if (others.length === 0) return [shrunk(keys, width)];
  // Keys take half of the width at most, and less where the widest of the others needs more.
  const needed = Math.max(...others.map((column) => floorOf(column, readable)));
  const room = Math.min(Math.max(Math.floor(width / 2), 1), width - gap - needed);
  const shownKeys = shrunk(keys, room);
  const keysWidth = widthOf(shownKeys.map(({ width }) => width));
  const parts: Measured[][] = [];
  for (const column of others) {
    const part = parts.at(-1);
    const own = [...part ?? [], column];
    const floors = own.map((each) => floorOf(each, readable));
    if (part !== undefined && keysWidth + gap + widthOf(floors) <= width) part.push(column);
    else parts.push([column]);
  }
  return parts.map((part) => [
    ...shownKeys,
    ...fitted(part, least, width - keysWidth - gap),
  ]);
}

/** Columns of names in so many columns together, as far as they can be narrowed. */
function shrunk(columns: readonly Measured[], room: number): readonly Shown[] {
  const widths = narrowed(
    columns.map(({ natural }) => natural),
    columns.map(({ natural }) => Math.min(natural, least)),
    room - gap * (columns.length - 1),
  );
  return columns.map((column, i) => ({ ...column, width: widths[i]! }));
}

function partText(
  shown: readonly Shown[],
  rows: readonly TextRow[],
  { width, hasRule = false }: TableLayout,
): string {
  const cells = shown.map(({ column, cells, width }) =>
    column.isName ? shortenedApart(cells, width) : cells
  );
  const line = (texts: readonly string[]) =>
    texts.map((text, i) => padded(text, shown[i]!.width, shown[i]!.column.align))
      .join(" ".repeat(gap)).trimEnd();
  let at = 0;
  const body = rows.map((row) => {
    if ("heading" in row) return shortened(row.heading, width ?? Infinity);
    const place = at++;
    return line(cells.map((column) => column[place]!));
  });
  const titles = line(shown.map(({ column, width }) => shortened(column.title, width)));
  const rule = shown.map(({ width }) => "─".repeat(width)).join(" ".repeat(gap));
  return [titles, ...(hasRule ? [rule] : []), ...body].map((text) => `${text}\n`).join("");
}

/**
 * A table that takes at most the width of a terminal, so that no line wraps.
 *
 * Where it is too wide, names are shortened (see {@linkcode shortenedApart}), to eight columns at least. Where that is not
 * enough, the columns that do not fit follow in a part of their own below, after the names again. A single number wider than
 * the terminal would still wrap.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fitTable } from "./text_table.ts";
 * const columns = [
 *   { title: "method", align: "left", isName: true },
 *   { title: "rank 2", align: "right", isName: false },
 *   { title: "rank 4", align: "right", isName: false },
 * ] as const;
 * const rows = [["adalora with masks", "54.56", "56.71"]];
 * assertEquals(
 *   fitTable(columns, rows, { width: 26 }),
 *   "method      rank 2  rank 4\nadalo…asks   54.56   56.71\n",
 * );
 * assertEquals(
 *   fitTable(columns, rows, { width: 20 }),
 *   "method      rank 2\nadalo…asks   54.56\n\nmethod      rank 4\nadalo…asks   56.71\n",
 * );
 * ```
 */
export function fitTable(
  columns: readonly TextColumn[],
  rows: readonly TextRow[],
  layout: TableLayout,
): string {
  const cellRows = rows.filter((row): row is readonly string[] => !("heading" in row));
  const measured = columns.map((column, i): Measured => {
    const cells = cellRows.map((row) => row[i] ?? "");
    return { column, cells, natural: Math.max(...[column.title, ...cells].map(columnsOf)) };
  });
  return partsOf(measured, layout.width).map((part) => partText(part, rows, layout)).join("\n");
}

/**
 * Rows under headings, as {@linkcode fitTable} lays them out: columns of numbers are aligned to the right and never shortened.
 *
 * @param width Columns of the terminal, or null for no limit. Default null.
 */
export function textTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | null = null,
): string {
  const columns = headings.map((title, i) => {
    const isNumeric = rows.every((row) => /^[-\d]/.test(row[i]!));
    return { title, align: isNumeric ? "right" : "left", isName: !isNumeric } as const;
  });
  return fitTable(columns, rows, { width });
}
