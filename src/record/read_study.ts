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
import type { RunResults } from "./types.ts";

/** What a run left behind, and where it lies. */
export interface StoredRun extends RunResults {
  readonly folder: string;
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
