/**
 * A user's own task, declared in a study as data.
 *
 * @module
 */
import { z } from "zod";
import type { Json } from "../base/canonical_json.ts";
import {
  keyPath,
  placeOf,
  type Problem,
  problemsOf,
  show,
  StudyError,
} from "../study/check/problems.ts";
import { closed } from "../study/schema/shapes.ts";
import { mostOfName } from "../study/schema/conditions.ts";
import { builtInTasks } from "./catalog.ts";
import { columnsOf } from "./file_rows.ts";
import { metrics, misfits } from "./metrics.ts";
import type { Metric, MetricName, SplitFile, Task, TaskOutput, TextSource } from "./types.ts";

/** Entries of a declaration's lists at most. */
const mostOf = { files: 1_000, labels: 10_000, metrics: 20, choices: 100 } as const;

const format = z.enum(["tsv", "csv", "jsonl"]);

const column = z.union([z.string().min(1), z.int().min(0)]);

const fileObject = closed({
  path: z.string().min(1).describe("Path, absolute or relative to the study"),
  format: format.optional().describe("Default: by the path's ending"),
  header: z.boolean().optional().describe(
    "Whether the first line names the columns; default: whether the task gives a column by name",
  ),
});

const file = z.union([z.string().min(1), fileObject]);

/** A split's file, or several that are read one after the other. */
const files = z.union([...file.options, z.array(file).min(1).max(mostOf.files)]);

const label = z.union([z.string().min(1), z.number(), z.boolean()]);

const bounds = closed({ min: z.number(), max: z.number() });

/** Editors offer ranklab's own; which others there are is known where the study's module is. */
const metricName = z.string().meta({ enum: Object.keys(metrics) });

const source = z.union([
  column,
  closed({
    template: z.string().min(1).describe(
      'Columns by name or index in braces, such as "{word}: {sentence}"; doubled braces are braces',
    ),
  }),
]);

const columns = closed({
  text: source,
  pair: source.nullable().optional().describe("The second text of a pair task"),
  choices: z.array(source).min(2).max(mostOf.choices).optional().describe(
    "The texts to choose from, one for each label: each is scored as the second text of a pair",
  ),
  label: column,
});

const userTaskSchema = closed({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
    error: (issue) =>
      `found ${
        JSON.stringify(issue.input)
      }, wanted letters, digits, ".", "_" and "-", since it names folders`,
  }).max(mostOfName.task).describe("The task's name on the axes, in results and in reports"),
  title: z.string().min(1).optional().describe("Default: the name"),
  files: z.object({ train: files, dev: files.optional() }).catchall(files).describe(
    "The file of each split, or a list of files; further splits are evaluated at the end",
  ),
  dev: z.number().gt(0).lt(1).optional().describe(
    "The share of train that becomes dev, where files has none; the same share of each label, and the same rows for all runs",
  ),
  columns: columns.describe(
    "Where texts and label stand: a header name or key, or an index from 0",
  ),
  labels: z.union([z.array(label).min(2).max(mostOf.labels), bounds]).describe(
    "The labels in the order of their class indices, or the bounds of a number to predict",
  ),
  metrics: z.array(metricName).min(1).max(mostOf.metrics).optional().describe(
    "The first selects the best evaluation; default: accuracy, or pearson and spearman for a number",
  ),
});

/** A file of a split: its path, or the path with how the file is read where that does not follow from it. */
export type UserTaskFile = string | {
  /** Relative to the study's folder. */
  readonly path: string;
  /** Default: by the path's ending. */
  readonly format?: "tsv" | "csv" | "jsonl";
  /** Whether the first line names the columns. Default: whether the task gives a column by name. */
  readonly header?: boolean;
};

/** A split's file, or several that are read one after the other. */
export type UserTaskFiles = UserTaskFile | readonly UserTaskFile[];

/** The declaration of a user's own task, before defaults are filled in. */
export interface UserTask {
  /** How the study's axes, results and reports call the task. */
  readonly name: string;
  /** Default: the name. */
  readonly title?: string;
  /** The files of each split; splits beyond `train` and `dev` are evaluated at the end. */
  readonly files: { readonly train: UserTaskFiles } & Readonly<Record<string, UserTaskFiles>>;
  /** The share of train that becomes dev, where `files` has none. */
  readonly dev?: number;
  /** Where texts and label stand: a header name or key, an index from 0, or for a text a template of several. */
  readonly columns: {
    readonly text: TextSource;
    readonly pair?: TextSource | null;
    /** The texts to choose from, one for each label in its order; each is scored as the second text of a pair. */
    readonly choices?: readonly TextSource[];
    readonly label: string | number;
  };
  /** The labels in the order of their class indices, or the bounds of a number to predict. */
  readonly labels: readonly (string | number | boolean)[] | {
    readonly min: number;
    readonly max: number;
  };
  /**
   * Names of ranklab's metrics and of those that the study's module exports; the first selects the best evaluation. Default:
   * accuracy, or Pearson and Spearman for a number.
   */
  readonly metrics?: readonly (MetricName | (string & Record<never, never>))[];
}

/** JSON Schema of the declaration, for editors. */
export function userTaskJsonSchema(): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(userTaskSchema, { io: "input" });
  return schema as unknown as Json;
}

/**
 * Checks a user's declaration and makes the task of it.
 *
 * @param value The declaration, as parsed from JSON.
 * @param path Where it stands in the study, for errors. Default: `userTasks[0]`.
 * @param own The metrics that it may name beside ranklab's. Default: none.
 * @throws {StudyError} If a key is unknown, missing or wrong; the message names all such keys.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const task = parseUserTask({
 *   name: "Tickets",
 *   files: { train: "tickets/train.csv", dev: "tickets/dev.csv" },
 *   columns: { text: "message", label: "urgent" },
 *   labels: ["no", "yes"],
 *   metrics: ["f1", "accuracy"],
 * });
 * assertEquals(task.splits.train?.map(({ format }) => format), ["csv"]);
 * ```
 */
export function parseUserTask(
  value: unknown,
  path: readonly PropertyKey[] = ["userTasks", 0],
  own: readonly Metric[] = [],
): Task {
  const result = checkUserTask(value, path, own, true);
  if ("task" in result) return result.task;
  throw new StudyError("Cannot use this task", result.problems);
}

/**
 * The tasks that a study declares.
 *
 * @param values The study's `userTasks`.
 * @param own The metrics that they may name beside ranklab's. Default: none.
 * @param isWhole Whether these are all; else a task may name others, which were checked before and are not computed. Default true.
 * @throws {StudyError} With the problems of all of them; two tasks of one name are a problem too.
 */
export function parseUserTasks(
  values: readonly unknown[],
  own: readonly Metric[] = [],
  isWhole = true,
): readonly Task[] {
  const tasks: Task[] = [];
  const problems: Problem[] = [];
  for (const [index, value] of values.entries()) {
    const result = checkUserTask(value, ["userTasks", index], own, isWhole);
    if ("problems" in result) {
      problems.push(...result.problems);
      continue;
    }
    const { name } = result.task;
    if (tasks.some((task) => task.name === name)) {
      problems.push({
        where: placeOf("task", name, keyPath(["userTasks", index, "name"])),
        message: `found "${name}" a second time; choose another name`,
      });
    }
    tasks.push(result.task);
  }
  if (problems.length > 0) throw new StudyError("Cannot use the study's own tasks", problems);
  return tasks;
}

type KeyPath = readonly PropertyKey[];

/** Notes a problem at a key of the declaration. */
type Note = (key: KeyPath, message: string) => void;

type Declared = z.output<typeof userTaskSchema>;

function checkUserTask(
  value: unknown,
  path: KeyPath,
  own: readonly Metric[],
  isWhole: boolean,
): { readonly task: Task } | { readonly problems: readonly Problem[] } {
  const named = typeof value === "object" && value !== null ? Reflect.get(value, "name") : null;
  const result = userTaskSchema.safeParse(value);
  if (!result.success) {
    const problems = problemsOf(result.error.issues, value, path);
    return {
      problems: problems.map(({ where, message }) => ({
        where: placeOf("task", named, where),
        message,
      })),
    };
  }
  const declared = result.data;
  const problems: Problem[] = [];
  const note: Note = (key, message) => {
    problems.push({ where: placeOf("task", named, keyPath([...path, ...key])), message });
  };
  if (builtInTasks.some((task) => task.name === declared.name)) {
    note(["name"], `found "${declared.name}", which ranklab brings along; choose another name`);
  }
  const hasColumns = checkColumns(declared.columns, note);
  const output = outputOf(declared, note);
  const metrics = declared.metrics ??
    (output.type === "classification" ? ["accuracy"] : ["pearson", "spearman"]);
  for (const [index, problem] of misfits(metrics, output, own, isWhole)) {
    note(["metrics", index], problem);
  }
  const ownMetrics = own.filter(({ name }) => metrics.includes(name));
  const splits = Object.entries(declared.files).flatMap(([split, given]) =>
    given === undefined || !hasColumns ? [] : [
      [
        split,
        resolveFiles(given, declared.columns, (key, message) => {
          note(["files", split, ...key], message);
        }),
      ] as const,
    ]
  );
  checkDev(declared, note);
  if (problems.length > 0) return { problems };
  return {
    task: {
      name: declared.name,
      title: declared.title ?? declared.name,
      output,
      metrics,
      ...(ownMetrics.length === 0 ? {} : { ownMetrics }),
      splits: Object.fromEntries(splits),
      ...(declared.dev === undefined ? {} : { devShare: declared.dev }),
      source: "user",
    },
  };
}

/** Notes a development split that comes from nowhere, or from two places. */
function checkDev({ files, dev }: Declared, note: Note): void {
  if (files.dev === undefined && dev === undefined) {
    note(
      ["files", "dev"],
      'missing, wanted a file; without one, give a share of train as "dev" beside "files", 0.2 for instance',
    );
  }
  if (files.dev !== undefined && dev !== undefined) {
    note(["dev"], `found ${dev}, yet "files" has a dev of its own; leave one of them out`);
  }
}

/** The texts of a declaration with the key of each. */
function textsOf(
  { text, pair = null, choices = [] }: Declared["columns"],
): readonly (readonly [KeyPath, TextSource])[] {
  return [
    [["columns", "text"], text],
    ...pair === null ? [] : [[["columns", "pair"], pair] as const],
    ...choices.map((choice, i) => [["columns", "choices", i], choice] as const),
  ];
}

/** Notes templates that cannot be read, and columns that stand for two things; whether all can be read. */
function checkColumns(columns: Declared["columns"], note: Note): boolean {
  const seen: (string | number)[] = [];
  let canRead = true;
  for (const [key, source] of textsOf(columns)) {
    try {
      if (columnsOf(source).includes(columns.label)) {
        note(
          ["columns", "label"],
          `found ${JSON.stringify(columns.label)}, which is a text's column too`,
        );
      }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      note([...key, "template"], `${error.message}, wanted columns such as {sentence}`);
      canRead = false;
    }
    if (typeof source === "object") continue;
    if (seen.includes(source)) {
      note(key, `found ${JSON.stringify(source)}, which is another text's column too`);
    }
    seen.push(source);
  }
  if (columns.choices !== undefined && (columns.pair ?? null) !== null) {
    note(["columns", "pair"], 'found beside "choices", each of which is the second text of a pair');
  }
  return canRead;
}

function outputOf({ labels, columns: { choices } }: Declared, note: Note): TaskOutput {
  if (!Array.isArray(labels)) {
    const { min, max } = labels;
    if (min >= max) note(["labels"], `found min ${min} and max ${max}, wanted min below max`);
    if (choices !== undefined) {
      note(["labels"], 'found the bounds of a number beside "choices", wanted a label a choice');
    }
    return { type: "regression", min, max };
  }
  const texts = labels.map((label) => String(label).trim());
  const seen = new Set<string>();
  for (const [index, text] of texts.entries()) {
    if (text === "") note(["labels", index], "found a blank label, wanted a text");
    if (seen.has(text)) {
      note(["labels", index], `found ${show(text)} a second time, wanted distinct labels`);
    }
    seen.add(text);
  }
  if (choices === undefined) return { type: "classification", labels: texts };
  if (choices.length !== texts.length) {
    note(
      ["labels"],
      `found ${texts.length} labels for ${choices.length} choices, wanted one for each in its order`,
    );
  }
  return { type: "classification", labels: texts, perChoice: true };
}

/** A split's files with their defaults filled in; those that a problem was noted of are left out. */
function resolveFiles(
  given: Declared["files"]["train"],
  columns: Declared["columns"],
  note: Note,
): readonly SplitFile[] {
  if (!Array.isArray(given)) {
    const resolved = resolveFile(given, columns, note);
    return resolved === null ? [] : [resolved];
  }
  const paths = given.map((file) => typeof file === "string" ? file : file.path);
  return given.flatMap((file, i) => {
    const path = paths[i]!;
    if (paths.indexOf(path) < i) note([i], `found "${path}" a second time, wanted each file once`);
    const resolved = resolveFile(file, columns, (key, message) => note([i, ...key], message));
    return resolved === null ? [] : [resolved];
  });
}

/** The file with its defaults filled in, or null where a problem was noted. */
function resolveFile(
  given: z.output<typeof file>,
  declared: Declared["columns"],
  note: Note,
): SplitFile | null {
  const asked = typeof given === "string" ? { path: given } : given;
  const format = asked.format ?? formatOf(asked.path);
  if (format === null) {
    note(
      [],
      `found "${asked.path}", which ends in none of .tsv, .csv and .jsonl; give its "format"`,
    );
    return null;
  }
  const { text, pair = null, choices, label } = declared;
  const columns = { text, pair, ...(choices === undefined ? {} : { choices }), label };
  const named = [...textsOf(declared).flatMap(([, source]) => columnsOf(source)), label];
  const hasName = named.some((column) => typeof column === "string");
  if (format === "jsonl") {
    if (named.some((column) => typeof column === "number")) {
      note([], "is jsonl, yet a column is given by index; give all columns by name");
    }
    if (asked.header === true) {
      note(["header"], "found true, yet jsonl has no header; leave it out");
    }
    return { path: asked.path, format, header: false, columns };
  }
  const header = asked.header ?? hasName;
  if (!header && hasName) {
    note(["header"], "found false, yet a column is given by name; give indices from 0");
  }
  return { path: asked.path, format, header, columns };
}

function formatOf(path: string): SplitFile["format"] | null {
  const ending = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
  return ending === "tsv" || ending === "csv" || ending === "jsonl" ? ending : null;
}
