/**
 * The tasks that need no declaration: the nine of GLUE in the layout of their official TSV files, with their official metrics, and
 * the ones that ship with ranklab, small, in the same layout, made from real text of npm packages.
 *
 * Source: A. Wang et al., "GLUE: A Multi-Task Benchmark and Analysis Platform for Natural Language
 * Understanding", ICLR 2019. Class indices follow the order of `labels`. Where a task has two metrics,
 * the one that selects the best evaluation stands first.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import type { Column, SplitFile, Task, TaskOutput } from "./types.ts";

const binary: TaskOutput = { type: "classification", labels: ["0", "1"] };
const entailment: TaskOutput = {
  type: "classification",
  labels: ["entailment", "not_entailment"],
};

/** A TSV file with a header, as all GLUE tasks but CoLA have it. */
function tsv(path: string, text: Column, pair: Column | null, label: Column): SplitFile {
  return { path, format: "tsv", header: true, columns: { text, pair, label } };
}

function bothSplits(
  folder: string,
  text: Column,
  pair: Column | null,
  label: Column,
): Task["splits"] {
  return {
    train: [tsv(`${folder}/train.tsv`, text, pair, label)],
    dev: [tsv(`${folder}/dev.tsv`, text, pair, label)],
  };
}

/** Source, label, original mark and sentence, without a header. */
const colaColumns = { text: 3, pair: null, label: 1 } as const;

/** CoLA, SST-2, MRPC, STS-B, QQP, MNLI, QNLI, RTE and WNLI. */
export const glueTasks: readonly Task[] = [
  {
    name: "CoLA",
    title: "Linguistic acceptability",
    output: binary,
    metrics: ["matthews"],
    splits: {
      train: [{ path: "CoLA/train.tsv", format: "tsv", header: false, columns: colaColumns }],
      dev: [{ path: "CoLA/dev.tsv", format: "tsv", header: false, columns: colaColumns }],
    },
    source: "glue",
  },
  {
    name: "SST-2",
    title: "Sentiment of film reviews",
    output: binary,
    metrics: ["accuracy"],
    splits: bothSplits("SST-2", "sentence", null, "label"),
    source: "glue",
  },
  {
    name: "MRPC",
    title: "Paraphrases in news",
    output: binary,
    metrics: ["accuracy", "f1"],
    splits: bothSplits("MRPC", "#1 String", "#2 String", "Quality"),
    source: "glue",
  },
  {
    name: "STS-B",
    title: "Semantic similarity, 0 to 5",
    output: { type: "regression", min: 0, max: 5 },
    metrics: ["pearson", "spearman"],
    splits: bothSplits("STS-B", "sentence1", "sentence2", "score"),
    source: "glue",
  },
  {
    name: "QQP",
    title: "Duplicate questions",
    output: binary,
    metrics: ["accuracy", "f1"],
    splits: {
      // Line breaks inside questions tore a few of the 363,849 published training rows apart.
      train: [{
        ...tsv("QQP/train.tsv", "question1", "question2", "is_duplicate"),
        tornRowsAllowed: 50,
      }],
      dev: [tsv("QQP/dev.tsv", "question1", "question2", "is_duplicate")],
    },
    source: "glue",
  },
  {
    name: "MNLI",
    title: "Natural language inference over genres",
    output: { type: "classification", labels: ["entailment", "neutral", "contradiction"] },
    metrics: ["accuracy"],
    splits: {
      train: [tsv("MNLI/train.tsv", "sentence1", "sentence2", "gold_label")],
      dev: [tsv("MNLI/dev_matched.tsv", "sentence1", "sentence2", "gold_label")],
      dev_mismatched: [{
        ...tsv("MNLI/dev_mismatched.tsv", "sentence1", "sentence2", "gold_label"),
        optional: true,
      }],
    },
    source: "glue",
  },
  {
    name: "QNLI",
    title: "Does the sentence answer the question",
    output: entailment,
    metrics: ["accuracy"],
    splits: bothSplits("QNLI", "question", "sentence", "label"),
    source: "glue",
  },
  {
    name: "RTE",
    title: "Recognising textual entailment",
    output: entailment,
    metrics: ["accuracy"],
    splits: bothSplits("RTE", "sentence1", "sentence2", "label"),
    source: "glue",
  },
  {
    name: "WNLI",
    title: "Winograd pronouns as inference",
    output: binary,
    metrics: ["accuracy"],
    splits: bothSplits("WNLI", "sentence1", "sentence2", "label"),
    source: "glue",
  },
];

/** Where the files of the embedded tasks are; paths of their splits are relative to it. */
export const embeddedFolder: URL = new URL("./embedded/", import.meta.url);

/** One acceptability task, two of single texts, two of pairs with a score, and one of pairs. */
export const embeddedTasks: readonly Task[] = [
  {
    name: "Acceptability",
    title: "Sentences as written against disordered ones",
    output: { type: "classification", labels: ["0", "1"] },
    metrics: ["matthews"],
    splits: bothSplits("Acceptability", "sentence", null, "label"),
    source: "embedded",
  },
  {
    name: "Genre",
    title: "Kind of book that a sentence is from",
    output: { type: "classification", labels: ["manners", "mystery", "sea"] },
    metrics: ["accuracy"],
    splits: bothSplits("Genre", "sentence", null, "label"),
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
    splits: bothSplits("Topic", "definition", null, "label"),
    source: "embedded",
  },
  {
    name: "YearsApart",
    title: "Years from one address to another, 0 to 5",
    output: { type: "regression", min: 0, max: 5 },
    metrics: ["pearson", "spearman"],
    splits: bothSplits("YearsApart", "sentence1", "sentence2", "score"),
    source: "embedded",
  },
  {
    name: "Related",
    title: "How near two definitions are, 0 to 5",
    output: { type: "regression", min: 0, max: 5 },
    metrics: ["pearson", "spearman"],
    splits: bothSplits("Related", "sentence1", "sentence2", "score"),
    source: "embedded",
  },
  {
    name: "KindOf",
    title: "Is the noun defined a kind of this",
    output: { type: "classification", labels: ["no", "yes"] },
    metrics: ["accuracy", "f1"],
    splits: bothSplits("KindOf", "definition", "word", "label"),
    source: "embedded",
  },
];

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
