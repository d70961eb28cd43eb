import { assertEquals } from "@std/assert";
import { findTask } from "../../src/tasks/catalog.ts";
import { cutWarning, dataWarnings } from "../../src/tasks/data_warnings.ts";
import type { Example, Task, TaskData } from "../../src/tasks/types.ts";
import { parseUserTask } from "../../src/tasks/user_task.ts";

const tickets: Task = parseUserTask({
  name: "Tickets",
  files: { train: ["a.csv", "b.csv"], dev: "dev.csv" },
  columns: { text: "text", label: "label" },
  labels: ["low", "high", "maybe"],
});

/** Examples of texts, or of pairs, whose targets go round the three labels. */
function rows(texts: readonly (string | readonly [string, string])[]): readonly Example[] {
  return texts.map((given, id) => {
    const [text, pair] = typeof given === "string" ? [given, null] : given;
    return { id, text, pair, target: id % 3 };
  });
}

const distinct = { "a.csv": "11", "b.csv": "22", "dev.csv": "33" };

function read(
  splits: Readonly<Record<string, readonly Example[]>>,
  change: Partial<TaskData> = {},
): TaskData {
  return { task: tickets, splits: new Map(Object.entries(splits)), hashes: distinct, ...change };
}

const three = rows(["x", "y", "z"]);

Deno.test("dataWarnings() finds nothing in data that can be meant", () => {
  assertEquals(dataWarnings(read({ train: three, dev: rows(["p", "q", "X"]) })), []);
  // A sequence has no data of its own.
  assertEquals(dataWarnings(read({})), []);
});

Deno.test("dataWarnings() counts the texts of each evaluated split that train has too", () => {
  const found = dataWarnings(
    read({ train: three, dev: rows(["y", "p", "y"]), other: rows(["z", "q"]) }),
  );
  assertEquals(found, [
    {
      task: "Tickets",
      kind: "shared-texts",
      count: 2,
      of: 3,
      text: "Tickets: 2 of 3 dev texts also occur in train.",
    },
    {
      task: "Tickets",
      kind: "shared-texts",
      count: 1,
      of: 2,
      text: "Tickets: 1 of 2 other texts also occurs in train.",
    },
  ]);
});

Deno.test("dataWarnings() takes both texts of a pair together", () => {
  const train = rows([["a", "b"], ["c", "d"], ["e", "f"]]);
  assertEquals(dataWarnings(read({ train, dev: rows([["a", "d"], ["b", "a"], ["a", ""]]) })), []);
  const [warning] = dataWarnings(read({ train, dev: rows([["a", "b"], ["b", "a"]]) }));
  assertEquals(warning?.text, "Tickets: 1 of 2 dev pairs also occurs in train.");
});

Deno.test("dataWarnings() tells a file that train has from single texts", () => {
  const splits = { train: rows(["x", "y", "z", "w"]), dev: rows(["z", "w"]) };
  const copied = { hashes: { ...distinct, "dev.csv": "22" } };
  assertEquals(dataWarnings(read(splits, copied)), [{
    task: "Tickets",
    kind: "same-file",
    count: 2,
    of: 2,
    text:
      `Tickets: dev's file "dev.csv" is the same as train's "b.csv": 2 of 2 dev texts are trained on.`,
  }]);
  const one = {
    ...tickets,
    splits: { ...tickets.splits, dev: tickets.splits["train"]!.slice(0, 1) },
  };
  assertEquals(
    dataWarnings(read(splits, { task: one })).map(({ text }) => text),
    [`Tickets: dev and train are one file, "a.csv": 2 of 2 dev texts are trained on.`],
  );
});

Deno.test("dataWarnings() names labels that train lacks, and says who needs them", () => {
  const train = three.slice(0, 2);
  const [warning, ...more] = dataWarnings(read({ train, dev: rows(["p", "q", "r", "s"]) }));
  assertEquals(more, []);
  assertEquals(warning, {
    task: "Tickets",
    kind: "unseen-label",
    count: 1,
    of: 3,
    text: 'Tickets: 1 of 3 labels never occurs in train: "maybe" (1 of 4 dev texts).',
  });
  const labels = Array.from({ length: 9 }, (_, i) => `l${i}`);
  const task: Task = { ...tickets, output: { type: "classification", labels } };
  assertEquals(
    dataWarnings(read({ train, dev: rows(["p"]) }, { task })).map(({ text }) => text),
    [
      'Tickets: 7 of 9 labels never occur in train: "l2", "l3", "l4", "l5", "l6" and 2 more (0 of 1 dev text).',
      "Tickets: dev has one example, so that its score cannot tell good models from bad ones.",
    ],
  );
});

Deno.test("dataWarnings() knows no labels of a regression", () => {
  const task = { ...findTask("STS-B"), name: "Tickets" };
  const scored = rows(["x", "y"]).map((example) => ({ ...example, target: 2.5 }));
  assertEquals(dataWarnings(read({ train: scored, dev: rows(["p", "q"]) }, { task })), []);
  const same = rows(["p", "q"]).map((example) => ({ ...example, target: 2.5 }));
  assertEquals(dataWarnings(read({ train: scored, dev: same }, { task })).map(({ text }) => text), [
    "Tickets: all 2 dev examples have the number 2.5, so that its score cannot tell good models from bad ones.",
  ]);
});

Deno.test("cutWarning() warns from 5 % of the texts on, and says what was looked at", () => {
  const cut = { split: "train", maxLength: 16, count: 376, of: 400, isSampled: false };
  assertEquals(cutWarning(tickets, cut), {
    task: "Tickets",
    kind: "cut-texts",
    count: 376,
    of: 400,
    text: "Tickets: 376 of 400 train texts (94 %) are longer than maxLength, 16 tokens, and cut.",
  });
  assertEquals(cutWarning(tickets, { ...cut, count: 19 }), null);
  assertEquals(cutWarning(tickets, { ...cut, count: 0 }), null);
  assertEquals(cutWarning(tickets, { ...cut, count: 20 })?.count, 20);
  assertEquals(
    cutWarning(tickets, { ...cut, count: 1200, of: 4000, isSampled: true })?.text,
    "Tickets: 1,200 of 4,000 sampled train texts (30 %) are longer than maxLength, 16 tokens, and cut.",
  );
  assertEquals(
    cutWarning(tickets, { ...cut, count: 1, of: 1 })?.text,
    "Tickets: 1 of 1 train text (100 %) is longer than maxLength, 16 tokens, and cut.",
  );
});
