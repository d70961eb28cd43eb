/**
 * Reading back what a study left on disk.
 *
 * @module
 */
import { decodeText } from "../base/read_text.ts";
import { checkPrint, parseJsonFile } from "./damage.ts";
import { readJsonl } from "./read_jsonl.ts";
import { readerOf, type ResultsReader } from "./results_reader.ts";
import {
  parseEvaluationLine,
  parseImportanceLine,
  parsePredictionLine,
  parseRankLine,
  parseRunAblation,
  parseRunRecord,
  parseRunState,
  parseSlotScores,
  parseStepLine,
} from "./schema.ts";
import type { Parser } from "./parser.ts";
import type { RunAblation, RunRecord, RunResults, RunState } from "./types.ts";

/** What a run left behind, and where it lies. */
export interface StoredRun extends RunResults {
  /** Its folder, or `<study>.ranklab.zip/<run>`. */
  readonly folder: string;
}

async function readLines<T>(
  reader: ResultsReader,
  name: string,
  parse: Parser<T>,
  { files = {} }: RunRecord,
): Promise<readonly T[]> {
  const bytes = await reader.read(name);
  await checkPrint(`${reader.path}/${name}`, bytes, files[name]);
  if (bytes === null) return [];
  return readJsonl(decodeText(bytes, `${reader.path}/${name}`), `${reader.path}/${name}`, parse)
    .lines;
}

async function readJson<T>(
  reader: ResultsReader,
  name: string,
  parse: Parser<T>,
  files: RunRecord["files"] = {},
): Promise<T | null> {
  const bytes = await reader.read(name);
  const path = `${reader.path}/${name}`;
  await checkPrint(path, bytes, files[name]);
  return bytes === null ? null : parse(parseJsonFile(bytes, path), path);
}

/** A run's folder, by its path or by a reader of it. */
export type RunSource = string | ResultsReader;

/** The record in a run's folder, or null where there is none. */
export async function readRecord(run: RunSource): Promise<RunRecord | null> {
  return await readJson(await readerOf(run), "record.json", parseRunRecord);
}

/**
 * What the record in a run's folder says of its state, or null where there is none; the rest is not checked.
 *
 * @throws {InputError} If it is no JSON.
 * @throws {RecordFormatError} If it is no record.
 */
export async function readRunState(run: RunSource): Promise<RunState | null> {
  return await readJson(await readerOf(run), "record.json", parseRunState);
}

/** The ablation in a run's folder, or null where there is none. */
export async function readAblation(run: RunSource): Promise<RunAblation | null> {
  return await readJson(await readerOf(run), "ablation.json", parseRunAblation);
}

/**
 * Reads one run, or gives null where its folder has no record yet.
 *
 * @param run Its folder, also in a packed study: `<study>.ranklab.zip/<run>`.
 *
 * @throws {DamagedFileError} If a file is not what the record says.
 * @throws {RecordFormatError} If a file holds something else than such a file does.
 * @throws {InputError} If a file is no text, or a line of it no JSON.
 */
export async function readRun(run: RunSource): Promise<StoredRun | null> {
  const reader = await readerOf(run);
  const record = await readRecord(reader);
  if (record === null) return null;
  return {
    folder: reader.path,
    record,
    steps: await readLines(reader, "steps.jsonl", parseStepLine, record),
    evaluations: await readLines(reader, "evaluations.jsonl", parseEvaluationLine, record),
    ranks: await readLines(reader, "ranks.jsonl", parseRankLine, record),
    importance: await readLines(reader, "importance.jsonl", parseImportanceLine, record),
    predictions: await readLines(reader, "predictions.jsonl", parsePredictionLine, record),
    slots: await readJson(reader, "slots.json", parseSlotScores, record.files),
    ablation: await readAblation(reader),
  };
}
