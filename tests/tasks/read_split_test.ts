import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { builtInTasks, findTask } from "../../src/tasks/catalog.ts";
import { drawDev, readingHashes, readSplit as readSplitFiles } from "../../src/tasks/read_split.ts";
import { parseUserTask } from "../../src/tasks/user_task.ts";
import type { Example, SplitFile, Task, TaskOutput } from "../../src/tasks/types.ts";

const rte = findTask("RTE");
const stsb = findTask("STS-B");
const cola = findTask("CoLA");

function bytes(...lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.map((line) => line + "\n").join(""));
}

/** The examples of a split of one file. */
function readSplit(task: Task, split: string, bytes: Uint8Array, fileName?: string) {
  return readSplitFiles(task, split, [{ bytes, ...(fileName === undefined ? {} : { fileName }) }]);
}

/** A task of the user's own with one file layout for both splits. */
function userTask(file: Omit<SplitFile, "path">, output: Task["output"]): Task {
  const ending = file.format;
  return {
    name: "Own",
    title: "Own",
    output,
    metrics: ["accuracy"],
    splits: {
      train: [{ ...file, path: `own/train.${ending}` }],
      dev: [{ ...file, path: `own/dev.${ending}` }],
    },
    source: "user",
  };
}

const yesNo = { type: "classification", labels: ["no", "yes"] } as const;
const byName = { text: "text", pair: null, label: "label" };
const tsv = userTask({ format: "tsv", header: true, columns: byName }, yesNo);
const csv = userTask({ format: "csv", header: true, columns: byName }, yesNo);
const jsonl = userTask({ format: "jsonl", header: false, columns: byName }, yesNo);
const jsonlPair = userTask(
  { format: "jsonl", header: false, columns: { text: "a", pair: "b", label: "score" } },
  { type: "regression", min: -1, max: 1 },
);

const rteHeader = "index\tsentence1\tsentence2\tlabel";

Deno.test("readSplit() reads a GLUE file with a header", () => {
  const found = readSplit(
    rte,
    "dev",
    bytes(rteHeader, '0\tA "quoted" word\tB\tnot_entailment', "1\tC\tD \tentailment"),
  );
  const wanted: readonly Example[] = [
    { id: 0, text: 'A "quoted" word', pair: "B", target: 1 },
    { id: 1, text: "C", pair: "D ", target: 0 },
  ];
  assertEquals(found, wanted);
});

Deno.test("readSplit() reads CoLA, which has no header", () => {
  const found = readSplit(cola, "train", bytes("gj04\t1\t\tOne.", "gj04\t0\t*\tTwo the."));
  assertEquals(found, [
    { id: 0, text: "One.", pair: null, target: 1 },
    { id: 1, text: "Two the.", pair: null, target: 0 },
  ]);
});

Deno.test("readSplit() reads scores", () => {
  const header =
    "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore";
  const row = (score: string) => `0\tg\tf\ty\to\ts\ts\tA\tB\t${score}`;
  const found = readSplit(stsb, "train", bytes(header, row("5.000"), row("0"), row("2.5e0")));
  assertEquals(found.map(({ target }) => target), [5, 0, 2.5]);
});

Deno.test("readSplit() tolerates Windows line ends, a byte-order mark and blank lines at the end", () => {
  const text = `\uFEFF${rteHeader}\r\n0\tA\tB\tentailment\r\n\r\n\n`;
  const found = readSplit(rte, "dev", new TextEncoder().encode(text));
  assertEquals(found, [{ id: 0, text: "A", pair: "B", target: 0 }]);
  const noLastEnd = new TextEncoder().encode(`${rteHeader}\n0\tA\tB\tentailment`);
  assertEquals(readSplit(rte, "dev", noLastEnd).length, 1);
});

Deno.test("readSplit() reads CSV with quotes, commas and line breaks inside texts", () => {
  const found = readSplit(
    csv,
    "train",
    bytes("label,text", 'yes,"a ""b"", c"', 'no,"two\nlines"', 'yes,5" tall'),
  );
  assertEquals(found.map(({ text, target }) => [text, target]), [
    ['a "b", c', 1],
    ["two\nlines", 0],
    ['5" tall', 1],
  ]);
});

Deno.test("readSplit() reads JSONL with labels as texts, numbers or booleans", () => {
  const mixed = userTask(
    { format: "jsonl", header: false, columns: byName },
    { type: "classification", labels: ["1", "true", "x"] },
  );
  const found = readSplit(
    mixed,
    "dev",
    bytes(
      '{"text": "a", "label": "x"}',
      '{"label": 1, "text": "b"}',
      '{"text": "c\\td", "label": true}',
    ),
  );
  assertEquals(found.map(({ text, target }) => [text, target]), [["a", 2], ["b", 0], ["c\td", 1]]);
  const pairs = readSplit(
    jsonlPair,
    "dev",
    bytes('{"a": "x", "b": "y", "score": -0.5}', '{"a": "x", "b": "y", "score": "1"}'),
  );
  assertEquals(pairs.map(({ pair, target }) => [pair, target]), [["y", -0.5], ["y", 1]]);
});

Deno.test("readSplit() reads columns by index below a header", () => {
  const task = userTask(
    { format: "tsv", header: true, columns: { text: 1, pair: 2, label: 0 } },
    yesNo,
  );
  const found = readSplit(task, "dev", bytes("l\ta\tb", "yes\tA\tB"));
  assertEquals(found, [{ id: 0, text: "A", pair: "B", target: 1 }]);
});

Deno.test("readSplit() leaves out the torn rows that a published file is known for, and no more", () => {
  const qqp = findTask("QQP");
  const header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate";
  const fine = "1\t2\t3\tWhy?\tHow?\t1";
  const found = readSplit(qqp, "train", bytes(header, fine, "4\t5\t6\tTorn", "apart?\t0", fine));
  assertEquals(found.map(({ id }) => id), [0, 3]);
  const many = new Array<string>(51).fill("torn");
  assertThrows(
    () => readSplit(qqp, "train", bytes(header, fine, ...many)),
    Error,
    'Cannot read "QQP/train.tsv", line 53: found 1 column, wanted 6',
  );
  assertThrows(
    () => readSplit(qqp, "dev", bytes(header, fine, "torn")),
    Error,
    'Cannot read "QQP/dev.tsv", line 3: found 1 column, wanted 6',
  );
});

Deno.test("readSplit() takes GLUE texts as they are, empty ones too", () => {
  assertEquals(readSplit(rte, "dev", bytes(rteHeader, "0\t\tB\tentailment"))[0]!.text, "");
});

Deno.test("readSplit() names file and line of what is wrong in TSV", () => {
  const sts = bytes("sentence1\tsentence2\tscore", "A\tB\t1.0", "A\tB\tn/a");
  const outOfBounds = bytes("sentence1\tsentence2\tscore", "A\tB\t5.01");
  const empty = bytes("sentence1\tsentence2\tscore", "A\tB\t");
  const cases: readonly (readonly [Task, Uint8Array, string])[] = [
    [
      rte,
      bytes(rteHeader, "0\tA\tB\tentailment", "1\tA\tB\tC\tentailment"),
      'Cannot read "RTE/dev.tsv", line 3: found 5 columns, wanted 4 ' +
      '("index", "sentence1", "sentence2", "label" as in the header); separate columns with one tab each',
    ],
    [
      rte,
      bytes(rteHeader, "", "1\tA\tB\tentailment"),
      'Cannot read "RTE/dev.tsv", line 2: found 1 column, wanted 4',
    ],
    [
      rte,
      bytes(rteHeader, "0\tA\tB\tentailment", "1\tA\tB\tentailmnet"),
      'Cannot read "RTE/dev.tsv", line 3: Unknown label "entailmnet": known are "entailment", ' +
      '"not_entailment". Did you mean "entailment"?',
    ],
    [
      rte,
      bytes("index\tsentence\tsentence2\tlabel", "0\tA\tB\tentailment"),
      'Cannot read "RTE/dev.tsv", line 1: Unknown column "sentence1": known are "index", "sentence", ' +
      '"sentence2", "label". Did you mean',
    ],
    [
      cola,
      bytes("sentence\tlabel", "A\t1"),
      'Cannot read "CoLA/dev.tsv", line 1: found 2 columns, wanted at least 4',
    ],
    [
      cola,
      bytes("gj04\t1\t\tA", "gj04\t1\tA"),
      'Cannot read "CoLA/dev.tsv", line 2: found 3 columns, wanted 4 (as in line 1)',
    ],
    [
      stsb,
      sts,
      'Cannot read "STS-B/dev.tsv", line 3: the label "n/a" is not a number, wanted a number from 0 to 5',
    ],
    [
      stsb,
      outOfBounds,
      'Cannot read "STS-B/dev.tsv", line 2: the label 5.01 is out of bounds, wanted a number from 0 to 5',
    ],
    [stsb, empty, 'line 2: the label "" is not a number'],
    [
      tsv,
      bytes("text\tlabel", "A\tyes", " \tno"),
      'Cannot read "own/dev.tsv", line 3: the text in column "text" is empty',
    ],
  ];
  for (const [task, content, message] of cases) {
    assertThrows(() => readSplit(task, "dev", content), Error, message);
  }
});

Deno.test("readSplit() refuses numbers that only look like some", () => {
  const header = "sentence1\tsentence2\tscore";
  for (const label of ["NaN", "Infinity", "0x1", "1,5", "1_0", "one", "--1", "."]) {
    assertThrows(
      () => readSplit(stsb, "dev", bytes(header, `A\tB\t${label}`)),
      Error,
      `the label "${label}" is not a number`,
    );
  }
});

Deno.test("readSplit() names the line a CSV row starts on", () => {
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [bytes("text,label", '"two\nlines",yes', "a,b,no"), "line 4: found 3 columns, wanted 2"],
    [bytes("text,label", '"two\r\nlines",yes', "a,maybe"), 'line 4: Unknown label "maybe"'],
    [bytes("text,label", "a,yes", 'no,"open', "b,no"), "line 3: a quote opens and never closes"],
    [bytes("text,label", "a,yes", "", "b,no"), "line 3: found 1 column, wanted 2"],
  ];
  for (const [content, message] of cases) {
    assertThrows(
      () => readSplit(csv, "dev", content),
      Error,
      `Cannot read "own/dev.csv", ${message}`,
    );
  }
});

Deno.test("readSplit() names the line of what is wrong in JSONL", () => {
  const fine = '{"text": "a", "label": "yes"}';
  const cases: readonly (readonly [string, string])[] = [
    ['{"text": "a", "label": "yes"', "found no JSON ("],
    ["", "found no JSON ("],
    ['["a", "yes"]', 'found ["a", "yes"], wanted a JSON object'],
    [
      '{"txt": "a", "label": "yes"}',
      'Unknown key "text": known are "txt", "label". Did you mean "txt"?',
    ],
    ['{"text": null, "label": "yes"}', '"text" is null, wanted a text, a number or a boolean'],
    ['{"text": "a", "label": ["yes"]}', '"label" is ["yes"], wanted a text'],
    [
      '{"text": "a", "label": "Yes"}',
      'Unknown label "Yes": known are "no", "yes". Did you mean "yes"?',
    ],
    ['{"text": "", "label": "yes"}', 'the text in column "text" is empty'],
  ];
  for (const [line, message] of cases) {
    assertThrows(
      () => readSplit(jsonl, "dev", bytes(fine, line, fine)),
      Error,
      `Cannot read "own/dev.jsonl", line 2: ${message}`,
    );
  }
});

Deno.test("readSplit() refuses an empty split", () => {
  const cases: readonly (readonly [Task, Uint8Array, string])[] = [
    [rte, bytes(rteHeader), 'Cannot use "RTE/dev.tsv": the split "dev" of task "RTE" is empty'],
    [rte, bytes(), "wanted at least one row below the header"],
    [cola, bytes("", ""), 'the split "dev" of task "CoLA" is empty, wanted at least one row'],
    [csv, bytes("text,label"), 'the split "dev" of task "Own" is empty'],
    [csv, bytes(), 'the split "dev" of task "Own" is empty'],
    [jsonl, bytes(), 'Cannot use "own/dev.jsonl": the split "dev" of task "Own" is empty'],
  ];
  for (const [task, content, message] of cases) {
    assertThrows(() => readSplit(task, "dev", content), Error, message);
  }
});

Deno.test("readSplit() names the line of bytes that are not UTF-8", () => {
  const latin1 = Uint8Array.from([...bytes(rteHeader, "0\tA\tB\tentailment"), 0x63, 0xe9, 0x0a]);
  assertThrows(
    () => readSplit(rte, "dev", latin1, "data/RTE/dev.tsv"),
    Error,
    'Cannot read "data/RTE/dev.tsv", line 3: the bytes are not valid UTF-8; convert the file to UTF-8',
  );
});

Deno.test("readSplit() refuses an unknown split and a name without a header", () => {
  assertThrows(
    () => readSplit(findTask("MNLI"), "dev_mismatch", bytes()),
    Error,
    'Unknown split of task "MNLI" "dev_mismatch": known are "train", "dev", "dev_mismatched". ' +
      'Did you mean "dev_mismatched"?',
  );
  const headless = userTask({ format: "tsv", header: false, columns: byName }, yesNo);
  assertThrows(
    () => readSplit(headless, "dev", bytes("a\tyes")),
    Error,
    'the column "text" is given by name, yet the file has no header',
  );
});

const several: Task = {
  ...csv,
  splits: {
    ...csv.splits,
    train: [
      { path: "own/a.csv", format: "csv", header: true, columns: byName },
      { path: "own/b.jsonl", format: "jsonl", header: false, columns: byName },
      { path: "own/c.csv", format: "csv", header: true, columns: byName },
    ],
  },
};

Deno.test("readSplit() reads several files one after the other, each with its layout", () => {
  const found = readSplitFiles(several, "train", [
    { bytes: bytes("text,label", "A,yes", "B,no") },
    { bytes: bytes('{"text": "C", "label": "yes"}') },
    { bytes: bytes("label,text", "no,D") },
  ]);
  const wanted: readonly Example[] = [
    { id: 0, text: "A", pair: null, target: 1 },
    { id: 1, text: "B", pair: null, target: 0 },
    { id: 2, text: "C", pair: null, target: 1 },
    { id: 3, text: "D", pair: null, target: 0 },
  ];
  assertEquals(found, wanted);
});

Deno.test("readSplit() names the file, of several, and the line in it", () => {
  const fine = { bytes: bytes("text,label", "A,yes") };
  const line = { bytes: bytes('{"text": "C", "label": "yes"}') };
  assertThrows(
    () => readSplitFiles(several, "train", [fine, line, { bytes: bytes("text,label", "A,maybe") }]),
    Error,
    'Cannot read "own/c.csv", line 2: Unknown label "maybe"',
  );
  assertThrows(
    () => readSplitFiles(several, "train", [fine, { bytes: bytes("") }, fine]),
    Error,
    'Cannot use "own/b.jsonl": the split "train" of task "Own" is empty',
  );
  assertThrows(
    () => readSplitFiles(several, "train", [fine]),
    RangeError,
    "found 1 files, wanted 3",
  );
});

Deno.test("readSplit() refuses a column that the header has twice, and bytes that are no text", () => {
  const cases: readonly (readonly [Task, Uint8Array, string])[] = [
    [
      csv,
      bytes("text,label,text", "a,yes,b"),
      'line 1: found the column "text" twice (columns 1 and 3)',
    ],
    [tsv, bytes("label\ttext\tlabel", "yes\ta\tno"), 'line 1: found the column "label" twice'],
    [csv, bytes("text,label", "a\0,yes"), "line 2: found a NUL at byte 12"],
    [
      jsonl,
      bytes('{"text": "a", "label": "yes", "text": "b"}'),
      'line 1: found the key "text" twice',
    ],
  ];
  for (const [task, content, message] of cases) {
    assertThrows(() => readSplit(task, "dev", content, "f"), InputError, message);
  }
  // One that is not read may be there as often as it likes.
  const found = readSplit(csv, "dev", bytes("text,x,x,label", "a,1,2,yes"));
  assertEquals(found.map(({ text }) => text), ["a"]);
});

Deno.test("readSplit() takes a long run of line ends in its stride", () => {
  // Looked for with a pattern, the end of such a run is looked for from each of its places.
  const text = `text\tlabel\na${"\n".repeat(300_000)}b\tyes\n`;
  assertThrows(() => readSplit(tsv, "dev", new TextEncoder().encode(text)), InputError, "line 2");
});

Deno.test("readSplit() joins columns by templates, and reads what an example lets choose from", () => {
  // A row of COPA (Roemmele et al. 2011) and one of WiC (Pilehvar and Camacho-Collados 2019).
  const copa = parseUserTask({
    name: "COPA",
    files: { train: "copa.jsonl", dev: "copa.jsonl" },
    columns: {
      text: { template: "{premise} What is the {question}?" },
      choices: ["choice1", "choice2"],
      label: "label",
    },
    labels: [0, 1],
  });
  assertEquals(copa.output, { type: "classification", labels: ["0", "1"], perChoice: true });
  const row = {
    premise: "My body cast a shadow over the grass.",
    choice1: "The sun was rising.",
    choice2: "The grass was cut.",
    question: "cause",
    label: 0,
  };
  const content = (text: string) => [{ bytes: bytes(text) }];
  assertEquals(readSplitFiles(copa, "dev", content(JSON.stringify(row))), [{
    id: 0,
    text: "My body cast a shadow over the grass. What is the cause?",
    pair: null,
    choices: ["The sun was rising.", "The grass was cut."],
    target: 0,
  }]);
  const blank = JSON.stringify({ ...row, choice2: " " });
  assertThrows(
    () => readSplitFiles(copa, "dev", content(blank)),
    InputError,
    '"copa.jsonl", line 1: the text in column "choice2" is empty',
  );

  const wic = parseUserTask({
    name: "WiC",
    files: { train: "wic.tsv", dev: { path: "wic.tsv", header: false } },
    columns: { text: { template: "{{{0}}}: {3}" }, pair: 4, label: 1 },
    labels: ["F", "T"],
  });
  const line = "place\tF\t2-3\tDo you want to come over to my place?\tA political system.";
  assertEquals(readSplitFiles(wic, "dev", content(line)), [{
    id: 0,
    text: "{place}: Do you want to come over to my place?",
    pair: "A political system.",
    target: 0,
  }]);
});

Deno.test("the encoding's version is hashed once it is not the first, for tasks of every source", () => {
  for (const task of builtInTasks) {
    assertEquals(readingHashes(task), {});
    assertEquals(readingHashes(task, 2), { "encoding of texts": "version 2" });
  }
  const [task] = builtInTasks;
  const own = readingHashes({ ...task!, source: "user" }, 2);
  assertEquals(Object.keys(own), [`${task!.name}: columns and labels`, "encoding of texts"]);
});

const labels = { type: "classification", labels: ["a", "b", "c"] } as const;
const bounds: TaskOutput = { type: "regression", min: 0, max: 100 };

/** Rows of the given targets. */
function rows(targets: readonly number[]): readonly Example[] {
  return targets.map((target, id) => ({ id, text: `text ${id}`, pair: null, target }));
}

function idsOf(examples: readonly Example[]): readonly number[] {
  return examples.map(({ id }) => id);
}

/** 50 rows of class 0, 20 of 1, 5 of 2, mixed. */
const mixed = rows(Array.from({ length: 75 }, (_, i) => i % 15 === 0 ? 2 : i % 15 < 5 ? 1 : 0));

Deno.test("drawDev() draws the share of each label, in file order, and leaves the rest", () => {
  const { train, dev } = drawDev({ name: "T", output: labels, devShare: 0.2 }, mixed);
  const count = (examples: readonly Example[], label: number) =>
    examples.filter(({ target }) => target === label).length;
  assertEquals([0, 1, 2].map((label) => count(dev, label)), [10, 4, 1]);
  assertEquals([0, 1, 2].map((label) => count(train, label)), [40, 16, 4]);
  assertEquals([...idsOf(train), ...idsOf(dev)].toSorted((a, b) => a - b), idsOf(mixed));
  assertEquals(idsOf(dev), idsOf(dev).toSorted((a, b) => a - b));
  // Not simply the first ones.
  assertNotEquals(idsOf(dev).slice(0, 4), [0, 1, 2, 3]);
});

Deno.test("drawDev() draws the same rows again, and others for another name", () => {
  const draw = (name: string) => idsOf(drawDev({ name, output: labels, devShare: 0.2 }, mixed).dev);
  assertEquals(draw("T"), draw("T"));
  assertNotEquals(draw("T"), draw("U"));
});

Deno.test("drawDev() leaves a row of each label in train", () => {
  const few = rows([0, 0, 0, 1, 1, 2]);
  const { train, dev } = drawDev({ name: "T", output: labels, devShare: 0.9 }, few);
  assertEquals(train.map(({ target }) => target), [0, 1, 2]);
  assertEquals(dev.map(({ target }) => target), [0, 0, 1]);
});

Deno.test("drawDev() draws the share of all rows of a regression", () => {
  const scored = rows(Array.from({ length: 40 }, (_, i) => i));
  const { train, dev } = drawDev({ name: "S", output: bounds, devShare: 0.25 }, scored);
  assertEquals([train.length, dev.length], [30, 10]);
  assert(new Set(dev).isDisjointFrom(new Set(train)));
});

Deno.test("drawDev() refuses a share that draws nothing", () => {
  for (const [output, targets] of [[labels, [0, 0, 1, 1]], [bounds, [3]], [labels, [2]]] as const) {
    assertThrows(
      () => drawDev({ name: "Tickets", output, devShare: 0.2 }, rows(targets)),
      RangeError,
      'Cannot draw the dev split of "Tickets": 0.2 of',
    );
  }
});
