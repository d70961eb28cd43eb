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
): Task["splits"] {
  const file = (split: string): SplitFile => ({
    path: `${folder}/${split}.tsv`,
    format: "tsv",
    header: true,
    columns: { text, pair, label },
  });
  return { train: [file("train")], dev: [file("dev")] };
}

/** One acceptability task, two of single texts, one of pairs, and one of pairs with a score. */
export const embeddedTasks: readonly Task[] = [
  {
    name: "Acceptability",
    title: "Sentences as written against disordered ones",
    output: { type: "classification", labels: ["0", "1"] },
    metrics: ["matthews"],
    splits: splits("Acceptability", "sentence", null, "label"),
    source: "embedded",
  },
  {
    name: "Genre",
    title: "Kind of book that a sentence is from",
    output: { type: "classification", labels: ["manners", "mystery", "sea"] },
    metrics: ["accuracy"],
    splits: splits("Genre", "sentence", null, "label"),
    source: "embedded",
  },
  {
    name: "Topic",
    title: "What a definition is about",
    output: {
      type: "classification",
      labels: [
        "act",
        "artifact",
        "attribute",
        "cognition",
        "communication",
        "group",
        "person",
        "state",
      ],
    },
    metrics: ["accuracy"],
    splits: splits("Topic", "definition", null, "label"),
    source: "embedded",
  },
  {
    name: "Later",
    title: "Is the second sentence from a later address",
    output: { type: "classification", labels: ["0", "1"] },
    metrics: ["f1", "accuracy"],
    splits: splits("Later", "sentence1", "sentence2", "label"),
    source: "embedded",
  },
  {
    name: "YearsApart",
    title: "Years from one address to another, 0 to 5",
    output: { type: "regression", min: 0, max: 5 },
    metrics: ["pearson", "spearman"],
    splits: splits("YearsApart", "sentence1", "sentence2", "score"),
    source: "embedded",
  },
];
