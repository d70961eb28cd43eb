/**
 * Files and folders of results that were made elsewhere, whatever wrote them.
 *
 * @module
 */
import { dirname } from "node:path";
import type { ForeignScore } from "../../analysis/foreign/foreign_score.ts";
import { parseJson } from "../../base/read_json.ts";
import { decodeText } from "../../base/read_text.ts";
import { UsageError } from "../../base/input_error.ts";
import { isMissing, mostFileBytes, readBounded } from "../../record/read_bounded.ts";
import { filesBelow } from "../../record/results_reader.ts";
import type { ColumnMap } from "./columns.ts";
import { isLmEvalResults, isSamplesFile, readLmEval, type TextFile } from "./lm_eval.ts";
import { isPeftResult, readPeftResult } from "./peft.ts";
import { readTable } from "./table.ts";

/** Scores with what a reader must know of how they were found. */
export interface ForeignFiles {
  readonly scores: readonly ForeignScore[];
  readonly warnings: readonly string[];
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
  const scores: ForeignScore[] = [];
  const results: { readonly path: string; readonly value: unknown }[] = [];
  const jsonl: TextFile[] = [];
  for (const path of paths) {
    for (const file of await filesAt(path)) {
      const { text } = await readText(file);
      const value = file.endsWith(".json") ? parseJson(text, file) : null;
      if (isPeftResult(value)) scores.push(...readPeftResult(value, file));
      else if (isLmEvalResults(value)) results.push({ path: file, value });
      else if (isSamplesFile(file)) jsonl.push({ path: file, text });
      else for (const score of readTable(text, file, columns)) scores.push(score);
    }
  }
  const folders = new Set(results.map(({ path }) => dirname(path)));
  const lmEval = readLmEval(results, jsonl.filter(({ path }) => folders.has(dirname(path))));
  for (const score of lmEval.scores) scores.push(score);
  // Without results beside them, samples are lines of JSON like any other.
  for (const { path, text } of jsonl.filter(({ path }) => !folders.has(dirname(path)))) {
    for (const score of readTable(text, path, columns)) scores.push(score);
  }
  return { scores, warnings: lmEval.warnings };
}
