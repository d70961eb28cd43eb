/**
 * `deno task build-tasks`: writes the files of the embedded tasks, `<folder>/<Task>/{train,dev}.tsv`, from the corpora.
 *
 * @module
 */
import { buildEmbeddedTasks } from "./build_tasks.ts";
import { writeTsv } from "./task_sources/rows.ts";
import { commandOf } from "../../src/cli/command.ts";
import { readCorpora } from "./open_corpora.ts";
import { runCommand, say } from "../../src/cli/terminal.ts";
import { askToWrite } from "../../src/cli/access.ts";

const defaultFolder = "src/tasks/embedded";

/** What was written for one split. */
export interface WrittenSplit {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
}

/** Builds all embedded tasks and writes their files below `folder`. */
export async function writeEmbeddedTasks(folder: string): Promise<WrittenSplit[]> {
  const written: WrittenSplit[] = [];
  for (const task of buildEmbeddedTasks(await readCorpora())) {
    await Deno.mkdir(`${folder}/${task.name}`, { recursive: true });
    for (const split of ["train", "dev"] as const) {
      const path = `${task.name}/${split}.tsv`;
      const text = writeTsv(task[split]);
      await Deno.writeTextFile(`${folder}/${path}`, text);
      const bytes = new TextEncoder().encode(text).length;
      written.push({ path, rows: task[split].rows.length, bytes });
    }
  }
  return written;
}

/** The command. */
export const buildTasks = commandOf({
  name: "build-tasks",
  summary:
    "Writes the files of the embedded tasks, <folder>/<Task>/{train,dev}.tsv, from text that npm packages ship",
  takes: "[FOLDER]",
  explained: [{ name: "FOLDER", text: `where they go (default ${defaultFolder})` }],
  options: [],
  examples: [{ line: "deno task build-tasks", text: "the files of the repository" }],
}, async ({ positional: [folder = defaultFolder] }) => {
  await askToWrite("build-tasks", folder, "FOLDER");
  for (const { path, rows, bytes } of await writeEmbeddedTasks(folder)) {
    await say(`${path}: ${rows} rows, ${bytes} bytes`);
  }
  return 0;
});

if (import.meta.main) await runCommand(buildTasks);
