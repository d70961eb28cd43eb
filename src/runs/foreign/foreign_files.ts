/**
 * Files and folders of results that were made elsewhere, whatever wrote them.
 *
 * @module
 */
import type { ForeignScore } from "../../analysis/foreign/foreign_score.ts";
import { decodeText } from "../../base/read_text.ts";
import { UsageError } from "../../base/input_error.ts";
import { isMissing, mostFileBytes, readBounded } from "../../record/read_bounded.ts";
import { filesBelow } from "../../record/results_reader.ts";
import type { ColumnMap } from "./columns.ts";
import { readTable } from "./table.ts";

/** Scores with what a reader must know of how they were found. */
export interface ForeignFiles {
  readonly scores: readonly ForeignScore[];
  readonly warnings: readonly string[];
}

/** A file with its text. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** Files that a folder's results can be in. */
const isTable = (path: string): boolean => /\.(?:csv|tsv|jsonl|json)$/i.test(path);

/** The files at a path: itself, or those below a folder, by their names. */
async function filesAt(path: string): Promise<readonly string[]> {
  try {
    if (!(await Deno.stat(path)).isDirectory) return [path];
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new UsageError(`Cannot read "${path}": there is no such file or folder`);
  }
  const found = (await filesBelow(path, `${path.replace(/\/$/, "")}/`)).filter(isTable).sort();
  if (found.length > 0) return found;
  throw new UsageError(`Found no CSV, TSV or JSON in "${path}", want tables of results`);
}

async function readText(path: string): Promise<TextFile> {
  return { path, text: decodeText(await readBounded(path, mostFileBytes.text), path) };
}

/**
 * The scores in files and folders.
 *
 * @param columns Which column of tables says what. Default: by their names.
 *
 * @throws {UsageError} If there is none.
 * @throws {InputError} If a file cannot be read as what it is.
 */
export async function readForeignFiles(
  paths: readonly string[],
  columns: ColumnMap = {},
): Promise<ForeignFiles> {
  const files: TextFile[] = [];
  for (const path of paths) {
    for (const file of await filesAt(path)) files.push(await readText(file));
  }
  return {
    scores: files.flatMap(({ path, text }) => readTable(text, path, columns)),
    warnings: [],
  };
}
