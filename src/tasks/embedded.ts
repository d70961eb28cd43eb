/**
 * The tasks that ship with ranklab: small, in the layout of the GLUE files, made from real text of npm packages.
 *
 * @module
 */
import type { Column, SplitFile, Task } from "./types.ts";

/** Where the files of the embedded tasks are; paths of their splits are relative to it. */
export const embeddedFolder: URL = new URL("./embedded/", import.meta.url);

function splits(
  folder: string,
  text: Column,
  pair: Column | null,
  label: Column,
): Readonly<Record<string, SplitFile>> {
  const file = (split: string): SplitFile => ({
    path: `${folder}/${split}.tsv`,
    format: "tsv",
    header: true,
    columns: { text, pair, label },
  });
  return { train: file("train"), dev: file("dev") };
}

/** One task of each kind: acceptability, single sentence, sentence pair, pair regression. */
export const embeddedTasks: readonly Task[] = [
  {
    name: "Acceptability",
    title: "Real sentences against corrupted ones",
    output: { type: "classification", labels: ["0", "1"] },
    metrics: ["matthews"],
    splits: splits("Acceptability", "sentence", null, "label"),
    source: "embedded",
  },
];
