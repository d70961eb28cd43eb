/**
 * A made-up study of thousands of finished runs on disk: what a sweep reads when it goes on, and a report when it is built.
 *
 * @module
 */
import type { Json } from "../src/base/canonical_json.ts";
import type { PlannedRun, StudyPlan } from "../src/runs/plan/planned_run.ts";
import { readStudyFile, type StudyFile } from "../src/runs/plan/study_file.ts";
import { writeStoredStudy } from "../src/runs/stored_study.ts";
import type { RunResults } from "../src/record/types.ts";
import { fixtureStudy } from "../tests/analysis/fixture.ts";
import { planned } from "./setup.ts";

/** Steps, rank events and predictions of each made-up run. */
export interface JournalSizes {
  readonly steps: number;
  readonly events: number;
  readonly examples: number;
}

/** Name of the large study. */
export const largeStudyName = "bench-large";

/** The quickstart with more budgets and seeds: 2 tasks of 19 kinds of runs with 264 seeds, 10,032 runs. */
export async function largeStudyFile(): Promise<StudyFile> {
  const { study, ...file } = await readStudyFile("quickstart");
  return {
    ...file,
    study: {
      ...study,
      name: largeStudyName,
      axes: {
        ...study.axes,
        budgets: [1, 2, 3, 4, 6, 8],
        seeds: Array.from({ length: 264 }, (_, i) => i + 1),
      },
    },
  };
}

const lines = (values: readonly object[]) =>
  values.map((value) => `${JSON.stringify(value)}\n`).join("");

/** The files of a run that never was, with the identity of one that could be. */
function filesOf({ run, id, hashes }: PlannedRun, made: RunResults): Record<string, string> {
  const { record } = made;
  const { ranks: _ranks, settings: _settings, ...named } = run;
  const whole = {
    ...record,
    id,
    asked: { ...named, run: run as unknown as Json },
    where: { ...record.where, hashes: { ...hashes, lock: null } },
  };
  return {
    "record.json": `${JSON.stringify(whole, null, 2)}\n`,
    "steps.jsonl": lines(made.steps),
    "evaluations.jsonl": lines(made.evaluations),
    "ranks.jsonl": lines(made.ranks),
    "importance.jsonl": lines(made.importance),
    "predictions.jsonl": lines(made.predictions),
  };
}

/** Writes a finished run for each that a study plans, and the stored plan; returns the plan. */
export async function writeFinishedStudy(
  file: StudyFile,
  results: string,
  sizes: JournalSizes,
): Promise<StudyPlan> {
  const plan = await planned(file.study);
  const { axes } = file.study;
  // Made-up runs come in the order of the plan, since both put tasks first, then methods, budgets and seeds.
  const { runs: made } = fixtureStudy({
    ...sizes,
    tasks: axes.tasks.map((task) => [task, "accuracy"]),
    budgets: axes.budgets!.map(Number),
    seeds: axes.seeds,
  });
  const folder = `${results}/${file.study.name}`;
  await writeStoredStudy(folder, {
    study: file.study,
    studyFolder: file.folder,
    data: null,
    model: null,
    device: "auto",
    runs: plan.runs.map(({ folder, id, run }) => ({ folder, id, run })),
  });
  for (const [i, run] of plan.runs.entries()) {
    const own = `${folder}/${run.folder}`;
    await Deno.mkdir(own, { recursive: true });
    for (const [name, text] of Object.entries(filesOf(run, made[i]!))) {
      await Deno.writeTextFile(`${own}/${name}`, text);
    }
  }
  return plan;
}
