/**
 * Finding a task by its name.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { embeddedTasks } from "./embedded.ts";
import { glueTasks } from "./glue.ts";
import type { Task } from "./types.ts";

/** The tasks that need no declaration: GLUE's and the embedded ones. */
export const builtInTasks: readonly Task[] = [...glueTasks, ...embeddedTasks];

/**
 * The task of that name, the study's own tasks included.
 *
 * @throws {Error} If there is none; the message lists the known ones and the closest.
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * assertThrows(() => findTask("RET"), Error, 'Did you mean "RTE"?');
 * ```
 */
export function findTask(name: string, userTasks: readonly Task[] = []): Task {
  const tasks = [...builtInTasks, ...userTasks];
  const task = tasks.find((task) => task.name === name);
  if (task !== undefined) return task;
  throw new Error(unknownName("task", name, tasks.map((task) => task.name)));
}
