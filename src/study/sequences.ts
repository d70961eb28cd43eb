/**
 * Sequences of tasks: the second unit of a study, beside the single task.
 *
 * A sequence is learned task after task and evaluated on all of its classes at once (class-incremental learning), so its
 * tasks are classifications, and each of them is another one.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { type Problem, show } from "./problems.ts";
import { mostOfName } from "./condition_form.ts";
import { folderName, type Study } from "./study.ts";
import { totalSteps } from "./total_steps.ts";
import type { RunSpec } from "./types.ts";

/** The tasks that a run trains on, in order: those of its sequence, or its one task. */
export function tasksOf(run: Pick<RunSpec, "task" | "sequence">): readonly string[] {
  return run.sequence ?? [run.task];
}

/**
 * Optimiser steps of each stage of a run, one stage a task.
 *
 * @param examplesOf Examples of a task's training split.
 * @throws {RangeError} If a task has no example to train on.
 */
export function stageSteps(
  run: Pick<RunSpec, "task" | "sequence" | "settings">,
  examplesOf: (task: string) => number,
): readonly number[] {
  return tasksOf(run).map((task) => totalSteps(run.settings, examplesOf(task)));
}

/** What sequences are checked against. */
export interface SequenceTables {
  /** What a known task asks for. Default: a class. */
  readonly outputOf?: (task: string) => "classification" | "regression";
}

/**
 * The study's sequences by name; what is wrong with them is noted.
 *
 * @param tasks Names of the known tasks, the study's own among them.
 */
export function knownSequences(
  study: Pick<Study, "sequences">,
  tasks: readonly string[],
  { outputOf = () => "classification" }: SequenceTables,
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
