/**
 * The tasks that a study may name: those that are built in, its own, and its sequences.
 *
 * A sequence is learned task after task and evaluated on all of its classes at once (class-incremental learning), so its
 * tasks are classifications, and each of them is another one.
 *
 * @module
 */
import { type Json } from "../../base/canonical_json.ts";
import { errorMessage } from "../../base/input_error.ts";
import { isObject } from "../schema/setting_paths.ts";
import type { ScoreRange } from "../check/study.ts";
import { placeOf, type Problem, show, StudyError } from "../check/problems.ts";
import { folderName, type Study } from "../schema/study.ts";
import type { MethodEntry } from "../types.ts";
import { unknownName } from "../../base/suggest.ts";
import { mostOfName } from "../schema/conditions.ts";

/** What other rooms know of tasks and methods. */
export interface StudyTables {
  /** Names of the tasks that are built in. */
  readonly tasks: readonly string[];
  /** What it may name; further ones are reported as unknown. */
  readonly methods: readonly MethodEntry[];
  /**
   * Checks one of the study's own tasks, which stands at an index of `userTasks`, and gives its name; throws an error that says
   * what is wrong, a {@linkcode StudyError} where it knows the keys.
   */
  readonly declareTask?: (declared: Json, index: number) => string;
  /** What a known task asks for. Default: a class. */
  readonly outputOf?: (task: string) => "classification" | "regression";
  /** Names of the metrics that a task's runs are evaluated by. Default: metrics of claims are not checked. */
  readonly metricsOf?: (task: string) => readonly string[];
  /** What the scores can be by which a task's runs are evaluated. Default: targets are not checked. */
  readonly scoresOf?: (task: string) => ScoreRange;
  /** Runs at most, counted before exceptions. Default 10,000. */
  readonly mostRuns?: number;
}

/** The tasks that a study may name; those of its own that are wrong otherwise are known by their names. */
export function knownTasks(
  study: Study,
  tables: StudyTables,
  problems: Problem[],
): { readonly tasks: readonly string[]; readonly unsound: ReadonlySet<string> } {
  const tasks = [...tables.tasks];
  const unsound = new Set<string>();
  for (const [i, declared] of (study.userTasks ?? []).entries()) {
    const named = isObject(declared) ? declared["name"] : undefined;
    const where = placeOf("task", named, `userTasks[${i}]`);
    if (tables.declareTask === undefined) {
      problems.push({ where, message: "found a task, wanted none: own tasks cannot be read here" });
      continue;
    }
    try {
      const name = tables.declareTask(declared, i);
      if (tasks.includes(name)) {
        problems.push({
          where,
          message: `found the name "${name}", wanted one that no other task has`,
        });
      } else tasks.push(name);
    } catch (error) {
      if (typeof named === "string" && !tasks.includes(named)) {
        tasks.push(named);
        unsound.add(named);
      }
      if (error instanceof StudyError) problems.push(...error.problems);
      else problems.push({ where, message: errorMessage(error) });
    }
  }
  return { tasks, unsound };
}

/**
 * The study's sequences by name; what is wrong with them is noted.
 *
 * @param tasks Names of the known tasks, the study's own among them.
 * @param outputOf What a known task asks for.
 */
export function knownSequences(
  study: Pick<Study, "sequences">,
  tasks: readonly string[],
  outputOf: NonNullable<StudyTables["outputOf"]>,
  problems: Problem[],
): ReadonlyMap<string, readonly string[]> {
  const sequences = Object.entries(study.sequences ?? {});
  for (const [name, members] of sequences) {
    const where = `sequences.${name}`;
    if (!folderName.test(name)) {
      problems.push({
        where,
        message: `found the name ${show(name)}, wanted letters, digits, ".", "_" and "-" with a ` +
          `letter or digit first, since it names folders`,
      });
    }
    if (name.length > mostOfName.task) {
      problems.push({
        where,
        message: `found a name of ${name.length} characters, wanted at most ${mostOfName.task}`,
      });
    }
    if (tasks.includes(name)) {
      problems.push({ where, message: `found the name of a task, wanted a name of its own` });
    }
    for (const [i, member] of members.entries()) {
      const message = problemOf(member, members.indexOf(member), i);
      if (message !== null) problems.push({ where: `${where}[${i}]`, message });
    }
  }
  return new Map(sequences);

  function problemOf(member: string, first: number, i: number): string | null {
    if (!tasks.includes(member)) return unknownName("task", member, tasks);
    if (first < i) return `found "${member}" as in [${first}], wanted each task once`;
    return outputOf(member) === "regression"
      ? `found the regression "${member}", wanted classifications: the classes of all tasks are told apart`
      : null;
  }
}
