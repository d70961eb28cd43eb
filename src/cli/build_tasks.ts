/**
 * Writes the files of the embedded tasks, `<folder>/<Task>/{train,dev}.tsv`, from the corpora.
 *
 * ```sh
 * deno task build-tasks
 * ```
 *
 * @module
 */
import { buildEmbeddedTasks } from "../pretrain/build_tasks.ts";
import { writeTsv } from "../pretrain/task_sources/rows.ts";
import { readCorpora } from "./corpora.ts";

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

if (import.meta.main) {
  const [folder, ...rest] = Deno.args;
  const encoder = new TextEncoder();
  if (folder === undefined || rest.length > 0) {
    await Deno.stderr.write(
      encoder.encode("Usage: deno run -P=build-tasks src/cli/build_tasks.ts FOLDER\n"),
    );
    Deno.exit(2);
  }
  for (const { path, rows, bytes } of await writeEmbeddedTasks(folder)) {
    await Deno.stdout.write(encoder.encode(`${path}: ${rows} rows, ${bytes} bytes\n`));
  }
}
