/**
 * Rows of the embedded tasks and what all task builders share.
 *
 * @module
 */
import type { RandomStream } from "../../../src/base/random.ts";
import { countWords } from "../corpora/document.ts";

/** One split as a table of texts; the first row of the file is `columns`. */
export interface TaskTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A task's two splits. */
export interface BuiltTask {
  readonly name: string;
  readonly train: TaskTable;
  readonly dev: TaskTable;
}

/** The splits that builders make. */
export type SplitName = "train" | "dev";

/** Rows wanted in each split. */
export interface SplitSizes {
  readonly train: number;
  readonly dev: number;
}

/** The elements in a random order. */
export function shuffle<T>(items: readonly T[], random: RandomStream): T[] {
  return random.permutation(items.length).map((index) => items[index]!);
}

/** Whether a text can be a cell of a file without quoting and has a length within bounds, in words. */
export function isUsableText(text: string, minWords: number, maxWords: number): boolean {
  const words = countWords(text);
  return words >= minWords && words <= maxWords && !/["\t\n\r`_|]/.test(text);
}

/**
 * The file of a split: tab-separated, a header row, no quoting.
 *
 * @throws {TypeError} If a cell holds a tab or a line break, or a row has another number of cells.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeTsv } from "./rows.ts";
 * assertEquals(writeTsv({ columns: ["a", "b"], rows: [["x y", "1"]] }), "a\tb\nx y\t1\n");
 * ```
 */
export function writeTsv(table: TaskTable): string {
  const lines = [table.columns, ...table.rows].map((cells, index) => {
    if (cells.length !== table.columns.length || cells.some((cell) => /[\t\n\r]/.test(cell))) {
      throw new TypeError(
        `Cannot write row ${index}: found ${JSON.stringify(cells)}, ` +
          `wanted ${table.columns.length} cells without tabs and line breaks`,
      );
    }
    return `${cells.join("\t")}\n`;
  });
  return lines.join("");
}
