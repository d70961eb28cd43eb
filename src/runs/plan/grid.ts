/**
 * The grid of a study with the tasks that it declares, and with further seeds; no data is read.
 *
 * @module
 */
import type { Json } from "../../base/canonical_json.ts";
import { readingInput, shown } from "../../base/input_error.ts";
import type { MethodTable } from "../../methods/table.ts";
import { expandStudy } from "../../study/grid/expand.ts";
import { defaultMostRuns } from "../../study/grid/points.ts";
import { runTitle } from "../../study/grid/run_id.ts";
import type { Study } from "../../study/schema/study.ts";
import type { GridRun } from "../../study/types.ts";
import { builtInTasks, findTask } from "../../tasks/catalog.ts";
import {
  averageAccuracyName,
  averageTaskAwareName,
  isHigherBetter,
  rangeOf,
} from "../../tasks/metrics.ts";
import { sequenceTask } from "../../tasks/sequence.ts";
import { parseUserTask, parseUserTasks } from "../../tasks/user_task.ts";
import type { Metric, Task } from "../../tasks/types.ts";
import type { StudyCode } from "../method_modules.ts";

/**
 * The tasks that a study declares: the user's own, and its sequences.
 *
 * @param metrics The metrics that they may name beside ranklab's. Default: none.
 * @param isWhole Whether these are all, as {@linkcode parseUserTasks} takes it. Default true.
 */
export function ownTasksOf(
  study: Study,
  metrics: readonly Metric[] = [],
  isWhole = true,
): readonly Task[] {
  const own = parseUserTasks(study.userTasks ?? [], metrics, isWhole);
  const sequences = Object.entries(study.sequences ?? {}).map(([name, members]) =>
    readingInput(
      {
        file: `study "${shown(study.name)}"`,
        place: `sequence "${shown(name)}"`,
        found: "tasks that make none",
        wanted: "two or more tasks of one kind",
      },
      () => sequenceTask(name, members.map((member) => findTask(member, own))),
    )
  );
  return [...own, ...sequences];
}

/**
 * The grid of a study, without reading any data.
 *
 * @param mostRuns Runs at most. Default 10,000.
 * @param metrics Metrics that its tasks may name beside ranklab's. Default: none.
 *
 * @throws {StudyError} If the study cannot be planned, or has more runs; see {@linkcode expandStudy}.
 */
export function expand(
  study: Study,
  methods: MethodTable,
  mostRuns: number = defaultMostRuns,
  metrics: readonly Metric[] = [],
): readonly GridRun[] {
  const own: Task[] = [];
  const metricsOf = (name: string): readonly string[] =>
    Object.hasOwn(study.sequences ?? {}, name)
      ? [averageAccuracyName, averageTaskAwareName]
      : findTask(name, own).metrics;
  return expandStudy(study, {
    mostRuns,
    tasks: builtInTasks.map(({ name }) => name),
    methods,
    declareTask: (declared: Json, index: number) => {
      const task = parseUserTask(declared, ["userTasks", index], metrics);
      own.push(task);
      return task.name;
    },
    outputOf: (name) => findTask(name, own).output.type,
    metricsOf,
    scoresOf: (name) => {
      const metric = metricsOf(name)[0]!;
      return { metric, range: rangeOf(metric), isHigherBetter: isHigherBetter(metric) };
    },
  });
}

/** A study with further seeds and without what it asks of its runs, so that its grid can be made. */
export function withFurtherSeeds(study: Study, seeds: readonly number[]): Study {
  const { claims: _claims, decide: _decide, comparisons: _comparisons, ...asked } = study;
  const all = new Set([...study.axes.seeds, ...seeds]);
  return { ...asked, axes: { ...study.axes, seeds: [...all] } };
}

/** Every combination of a study, with its seeds and further ones. */
export function furtherGrid(
  study: Study,
  seeds: readonly number[],
  { methods, metrics }: StudyCode,
): readonly GridRun[] {
  // Only a part of it is made; the study's own grid has been counted.
  return expand(withFurtherSeeds(study, seeds), methods, Infinity, metrics);
}

/**
 * All runs that a study asks for, and the chosen ones with further seeds.
 *
 * @param chosen Titles of runs.
 */
export function withFurther(
  all: readonly GridRun[],
  further: readonly GridRun[],
  chosen: Pick<ReadonlySet<string>, "has">,
): readonly GridRun[] {
  const own = new Set(all.map(runTitle));
  const isAdded = (title: string) => !own.has(title) && chosen.has(title);
  return [...all, ...further.filter((run) => isAdded(runTitle(run)))];
}
