import { assert, assertEquals, assertThrows } from "@std/assert";
import { StudyError } from "../../src/study/check/problems.ts";
import { readSplit } from "../../src/tasks/read_split.ts";
import {
  parseUserTask,
  parseUserTasks,
  type UserTask,
  userTaskJsonSchema,
} from "../../src/tasks/user_task.ts";

const declared: UserTask = {
  name: "Tickets",
  files: { train: "tickets/train.csv", dev: "tickets/dev.tsv" },
  columns: { text: "message", label: "urgent" },
  labels: [false, true],
};

Deno.test("parseUserTask() fills in the defaults", () => {
  const columns = { text: "message", pair: null, label: "urgent" };
  assertEquals(parseUserTask(declared), {
    name: "Tickets",
    title: "Tickets",
    output: { type: "classification", labels: ["false", "true"] },
    metrics: ["accuracy"],
    splits: {
      train: [{ path: "tickets/train.csv", format: "csv", header: true, columns }],
      dev: [{ path: "tickets/dev.tsv", format: "tsv", header: true, columns }],
    },
    source: "user",
  });
});

Deno.test("parseUserTask() takes all that can be given", () => {
  const columns = { text: 1, pair: 2, label: 0 };
  const task = parseUserTask({
    name: "Pairs",
    title: "Alike or not",
    files: {
      train: { path: "pairs/train.txt", format: "tsv", header: true },
      dev: { path: "pairs/dev.txt", format: "tsv" },
      other: "pairs/other.csv",
    },
    columns,
    labels: { min: -1, max: 1 },
    metrics: ["spearman"],
  });
  assertEquals(task, {
    name: "Pairs",
    title: "Alike or not",
    output: { type: "regression", min: -1, max: 1 },
    metrics: ["spearman"],
    splits: {
      train: [{ path: "pairs/train.txt", format: "tsv", header: true, columns }],
      dev: [{ path: "pairs/dev.txt", format: "tsv", header: false, columns }],
      other: [{ path: "pairs/other.csv", format: "csv", header: false, columns }],
    },
    source: "user",
  });
});

Deno.test("parseUserTask() takes a share of train for dev, and several files a split", () => {
  const columns = { text: "message", pair: null, label: "urgent" };
  const task = parseUserTask({
    ...declared,
    files: { train: ["a.csv", { path: "b.txt", format: "tsv" }], other: "other.csv" },
    dev: 0.25,
    metrics: ["macroF1"],
  });
  assertEquals(task.devShare, 0.25);
  assertEquals(task.metrics, ["macroF1"]);
  assertEquals(task.splits, {
    train: [
      { path: "a.csv", format: "csv", header: true, columns },
      { path: "b.txt", format: "tsv", header: true, columns },
    ],
    other: [{ path: "other.csv", format: "csv", header: true, columns }],
  });
});

Deno.test("a declared task reads its file", () => {
  const task = parseUserTask({
    ...declared,
    files: { train: "train.jsonl", dev: "dev.jsonl" },
  });
  const bytes = new TextEncoder().encode('{"message": "Help!", "urgent": true}\n');
  assertEquals(readSplit(task, "dev", [{ bytes }]), [{
    id: 0,
    text: "Help!",
    pair: null,
    target: 1,
  }]);
});

Deno.test("parseUserTask() names the key of what is wrong", () => {
  const cases: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [{ nam: "x" }, 'userTasks[0].nam: Unknown key "nam": known are "name", "title", "files"'],
    [{ name: undefined }, "userTasks[0].name: missing"],
    [{ name: "a/b" }, 'userTasks[0].name: found "a/b", wanted letters, digits'],
    [{ name: "RTE" }, 'userTasks[0].name: found "RTE", which ranklab brings along'],
    [{ files: { train: "a.csv" } }, "userTasks[0].files.dev: missing, wanted a file; without one"],
    [{ dev: 0.2 }, 'userTasks[0].dev: found 0.2, yet "files" has a dev of its own'],
    [{ files: { train: "a.csv" }, dev: 1 }, "userTasks[0].dev: found 1, wanted less than 1"],
    [{ files: { train: "a.csv" }, dev: 0 }, "userTasks[0].dev: found 0, wanted more than 0"],
    [{ files: { train: [], dev: "a.csv" } }, "userTasks[0].files.train: found []"],
    [
      { files: { train: ["a.csv", "b.csv", "a.csv"], dev: "c.csv" } },
      'userTasks[0].files.train[2]: found "a.csv" a second time',
    ],
    [
      { files: { train: ["a.csv", "b.txt"], dev: "c.csv" } },
      'userTasks[0].files.train[1]: found "b.txt", which ends in',
    ],
    [
      { files: { train: ["a.csv", { path: "b.csv", header: false }], dev: "c.csv" } },
      "userTasks[0].files.train[1].header: found false",
    ],
    [
      { files: { train: "a.txt", dev: "a.csv" } },
      'userTasks[0].files.train: found "a.txt", which ends in',
    ],
    [
      { files: { train: { path: "a", format: "tvs" }, dev: "a.csv" } },
      'userTasks[0].files.train.format: Unknown format "tvs": known are "tsv", "csv", "jsonl"',
    ],
    [
      { files: { train: { path: "a.csv", headr: true }, dev: "a.csv" } },
      'userTasks[0].files.train.headr: Unknown key "headr"',
    ],
    [
      { files: { train: { path: "a.csv", header: false }, dev: "a.csv" } },
      "userTasks[0].files.train.header: found false, yet a column is given by name",
    ],
    [
      { files: { train: { path: "a.jsonl", header: true }, dev: "a.csv" } },
      "userTasks[0].files.train.header: found true, yet jsonl has no header",
    ],
    [
      { files: { train: "a.jsonl", dev: "a.csv" }, columns: { text: 0, label: 1 } },
      "userTasks[0].files.train: is jsonl, yet a column is given by index",
    ],
    [{ columns: { text: "a" } }, "userTasks[0].columns.label: "],
    [{ columns: { text: "a", label: -1 } }, "userTasks[0].columns.label: found -1"],
    [{ columns: { text: "a", label: "a" } }, 'userTasks[0].columns.label: found "a"'],
    [{ columns: { text: "a", pair: "a", label: "b" } }, 'userTasks[0].columns.pair: found "a"'],
    [
      { columns: { text: { template: "{a} {" }, label: "b" } },
      'userTasks[0].columns.text.template: found a single "{"; double it where it is a brace',
    ],
    [
      { columns: { text: { template: "no column" }, label: "b" } },
      "userTasks[0].columns.text.template: found no column in braces",
    ],
    [
      { columns: { text: { template: "{a} {b}" }, label: "b" } },
      'userTasks[0].columns.label: found "b", which is a text\'s column too',
    ],
    [
      { columns: { text: "a", choices: ["b", "b"], label: "d" } },
      'userTasks[0].columns.choices[1]: found "b"',
    ],
    [
      { columns: { text: "a", choices: ["b", "c", "e"], label: "d" } },
      "userTasks[0].labels: found 2 labels for 3 choices",
    ],
    [
      { columns: { text: "a", pair: "e", choices: ["b", "c"], label: "d" } },
      'userTasks[0].columns.pair: found beside "choices"',
    ],
    [
      { columns: { text: "a", choices: ["b", "c"], label: "d" }, labels: { min: 0, max: 1 } },
      "userTasks[0].labels: found the bounds of a number",
    ],
    [{ labels: ["a"] }, "userTasks[0].labels: found"],
    [{ labels: ["a", "a"] }, 'userTasks[0].labels[1]: found "a" a second time'],
    [{ labels: ["a", " "] }, "userTasks[0].labels[1]: found a blank label"],
    [{ labels: { min: 1, max: 1 } }, "userTasks[0].labels: found min 1 and max 1"],
    [{ labels: { min: 1, mx: 2 } }, 'userTasks[0].labels.mx: Unknown key "mx"'],
    [{ metrics: ["acuracy"] }, 'Did you mean "accuracy"?'],
    [
      { metrics: ["pearson"] },
      'userTasks[0].metrics[0]: found "pearson", which evaluates regression',
    ],
    [{ metrics: ["f1", "f1"] }, 'userTasks[0].metrics[1]: found "f1" a second time'],
    [
      { labels: ["a", "b", "c"], metrics: ["accuracy", "f1"] },
      'userTasks[0].metrics[1]: found "f1", which wants 2 labels, yet there are 3',
    ],
  ];
  for (const [change, message] of cases) {
    assertThrows(() => parseUserTask({ ...declared, ...change }), StudyError, message);
  }
  for (const value of [null, 3, "Tickets", []]) {
    assertThrows(() => parseUserTask(value), StudyError, "userTasks[0]: found");
  }
});

Deno.test("parseUserTask() tells all problems at once", () => {
  const error = assertThrows(
    () => parseUserTask({ ...declared, labels: ["a", "a"], metrics: ["pearson"] }, ["own"]),
    StudyError,
    "2 problems",
  );
  assertEquals(error.problems.map(({ where }) => where), [
    'task "Tickets", own.labels[1]',
    'task "Tickets", own.metrics[0]',
  ]);
});

Deno.test("parseUserTasks() reads all tasks and refuses two of one name", () => {
  const second = { ...declared, name: "Second" };
  assertEquals(parseUserTasks([declared, second]).map(({ name }) => name), ["Tickets", "Second"]);
  assertThrows(
    () => parseUserTasks([declared, second, declared]),
    StudyError,
    'userTasks[2].name: found "Tickets" a second time',
  );
});

Deno.test("userTaskJsonSchema() describes every key", () => {
  const schema = userTaskJsonSchema() as {
    readonly required: readonly string[];
    readonly properties: Readonly<Record<string, unknown>>;
  };
  assertEquals(schema.required, ["name", "files", "columns", "labels"]);
  const keys = ["name", "title", "files", "dev", "columns", "labels", "metrics"];
  assertEquals(Object.keys(schema.properties), keys);
  assert(JSON.stringify(schema).includes('"enum":["tsv","csv","jsonl"]'));
});
