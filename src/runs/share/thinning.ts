/**
 * Leaving lines out of a run's journal of steps when its study is packed.
 *
 * @module
 */
import { millisUntil } from "../../analysis/learning.ts";
import { UsageError } from "../../base/input_error.ts";
import { decodeText } from "../../base/read_text.ts";
import { parseJsonFile, printOf } from "../../record/damage.ts";
import type { FileContent } from "../../record/pack.ts";
import type { ResultsReader, StoredRun } from "../../record/results_reader.ts";
import { keptSteps, thinText } from "../../record/thinned.ts";
import type { RunRecord, ThinnedSteps } from "../../record/types.ts";

/**
 * The rule of a pack's thinned journals.
 *
 * @param thin The rule that is asked for; undefined for that of journals that an earlier pack has thinned.
 *
 * @returns null where all journals are whole.
 *
 * @throws {UsageError} If journals were thinned by a rule that does not lead to it.
 */
export function thinRule(
  runs: readonly StoredRun[],
  thin: number | undefined,
  folder: string,
): number | null {
  const found = [...new Set(runs.flatMap(({ record }) => record.thinned?.every ?? []))];
  const every = thin ?? found[0] ?? null;
  const other = found.find((known) => thin === undefined ? known !== every : thin % known !== 0);
  if (every === null || other === undefined) return every;
  throw new UsageError(
    thin === undefined
      ? `Cannot pack "${folder}": found journals of ${thinText(every)} and of ${
        thinText(other)
      }, want one rule; ` +
        "give --thin with a multiple of both"
      : `Cannot thin "${folder}" to ${thinText(thin)}: found a journal of ${
        thinText(other)
      }, from which it cannot be ` +
        `taken, want a multiple of ${other}; give --thin ${other} or ${
          2 * other
        }, or pack the study's own folder`,
  );
}

/**
 * The record and the journal of steps of a run as a pack has them whose journals keep one step in `every`, and how many lines were
 * left out; null where they stay as they are.
 *
 * @throws {UsageError} If the journal breaks off or does not have each step once.
 */
export async function thinnedRun(
  reader: ResultsReader,
  run: StoredRun,
  every: number,
): Promise<{ readonly files: readonly FileContent[]; readonly leftOut: number } | null> {
  const [record, journal] = [await reader.read("record.json"), await reader.read("steps.jsonl")];
  const was = run.record.thinned;
  if (journal === null || was?.every === every) return null;
  const path = `${reader.path}/steps.jsonl`;
  const rows = decodeText(journal, path).split("\n").filter((row) => row.trim() !== "");
  const odd = rows.findIndex((_, i) => {
    const step = run.steps[i]?.step;
    return step === undefined || was === undefined && step !== i + 1;
  });
  if (odd !== -1) {
    const step = run.steps[odd]?.step;
    throw new UsageError(
      `Cannot thin "${path}": found ${
        step === undefined ? "half a line" : `step ${step}`
      } on line ${odd + 1}, want ` +
        "each step once and whole; delete the run's folder and sweep again, or pack without --thin",
    );
  }
  const steps = was?.steps ?? rows.length;
  const kept = keptSteps(run, { every, steps });
  const bytes = new TextEncoder().encode(
    rows.flatMap((row, i) => kept.has(run.steps[i]!.step) ? [`${row}\n`] : []).join(""),
  );
  const thinned: ThinnedSteps = {
    every,
    steps,
    whole: was?.whole ?? await printOf(journal),
    millis: Object.fromEntries(
      run.evaluations.map(({ step }) => [step, millisUntil(run, step)] as const)
        .filter((entry): entry is readonly [number, number] => entry[1] !== null),
    ),
  };
  // As it was written, with keys that this ranklab may not know.
  const { files, thinned: _was, ...rest } = parseJsonFile(
    record!,
    `${reader.path}/record.json`,
  ) as RunRecord;
  const whole = {
    ...rest,
    ...(files === undefined ? {} : { files: { ...files, "steps.jsonl": await printOf(bytes) } }),
    thinned,
  };
  return {
    files: [
      {
        path: "record.json",
        bytes: new TextEncoder().encode(`${JSON.stringify(whole, null, 2)}\n`),
      },
      { path: "steps.jsonl", bytes },
    ],
    leftOut: rows.length - kept.count,
  };
}
