/**
 * Reading back what a study left on disk.
 *
 * @module
 */
import { readJsonl } from "./read_jsonl.ts";
import { readIfThere, readRecord } from "./run_folder.ts";
import {
  parseEvaluationLine,
  parseImportanceLine,
  parsePredictionLine,
  type Parser,
  parseRankLine,
  parseRunAblation,
  parseStepLine,
} from "./schema.ts";
import type {
  EvaluationLine,
  ImportanceLine,
  PredictionLine,
  RankLine,
  RunAblation,
  RunRecord,
  StepLine,
} from "./types.ts";

/** A run's record, its journals, and its ablation where there is one. */
export interface StoredRun {
  readonly folder: string;
  readonly record: RunRecord;
  readonly steps: readonly StepLine[];
  readonly evaluations: readonly EvaluationLine[];
  readonly ranks: readonly RankLine[];
  readonly importance: readonly ImportanceLine[];
  readonly predictions: readonly PredictionLine[];
  readonly ablation: RunAblation | null;
}

/** Folders of a study that hold a record, in order of their names. */
export async function runFolders(study: string): Promise<readonly string[]> {
  const folders: string[] = [];
  try {
    for await (const entry of Deno.readDir(study)) {
      if (entry.isDirectory) folders.push(`${study}/${entry.name}`);
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return folders.sort();
}

async function readLines<T>(path: string, parse: Parser<T>): Promise<readonly T[]> {
  const bytes = await readIfThere(path);
  return bytes === null ? [] : readJsonl(new TextDecoder().decode(bytes), path, parse).lines;
}

/** Reads one run, or gives null where its folder has no record yet. */
export async function readRun(folder: string): Promise<StoredRun | null> {
  const record = await readRecord(folder);
  if (record === null) return null;
  const ablationPath = `${folder}/ablation.json`;
  const ablation = await readIfThere(ablationPath);
  return {
    folder,
    record,
    steps: await readLines(`${folder}/steps.jsonl`, parseStepLine),
    evaluations: await readLines(`${folder}/evaluations.jsonl`, parseEvaluationLine),
    ranks: await readLines(`${folder}/ranks.jsonl`, parseRankLine),
    importance: await readLines(`${folder}/importance.jsonl`, parseImportanceLine),
    predictions: await readLines(`${folder}/predictions.jsonl`, parsePredictionLine),
    ablation: ablation === null
      ? null
      : parseRunAblation(JSON.parse(new TextDecoder().decode(ablation)), ablationPath),
  };
}
