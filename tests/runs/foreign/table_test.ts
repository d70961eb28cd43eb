/** Tables of results as people, MLflow and Weights & Biases write them. */
import { assertEquals, assertThrows } from "@std/assert";
import { InputError, UsageError } from "../../../src/base/input_error.ts";
import { parseColumns } from "../../../src/runs/foreign/columns.ts";
import { readTable } from "../../../src/runs/foreign/table.ts";

const read = (text: string, file = "a.csv", columns = "") =>
  readTable(text, file, parseColumns(columns === "" ? [] : [columns]));

Deno.test("columns are found by their names, and lines are those of the file", () => {
  const [, second] = read(
    'Method,Task,seed,Score,note\nlora,RTE,1,.8,"two\nlines"\n\nours,RTE,2,.9,\n',
  );
  assertEquals(second, {
    ...{ method: "ours", task: "RTE", seed: 2, score: 0.9, metric: "Score" },
    ...{ file: "a.csv", line: 5 },
  });
});

Deno.test("a table of MLflow's runs is read by what it calls columns; a run that failed has no score", () => {
  // As mlflow.search_runs() and the export of its page name columns.
  const text = [
    "run_id,experiment_id,status,start_time,metrics.eval_accuracy,params.lr,params.peft_type,params.seed,tags.mlflow.runName",
    "8f1,0,FINISHED,2026-05-01 10:00:00,0.81,0.001,LORA,1,bright-fox-1",
    "8f2,0,FAILED,2026-05-01 11:00:00,0.42,0.001,LORA,2,calm-owl-2",
  ].join("\n");
  const rows = read(text, "runs.csv", "score=metrics.eval_accuracy");
  assertEquals(
    rows.map(({ method, seed, score, metric }) => ({ method, seed, score, metric })),
    [
      { method: "LORA", seed: 1, score: 0.81, metric: "accuracy" },
      { method: "LORA", seed: 2, score: null, metric: "accuracy" },
    ],
  );
});

Deno.test("a table of Weights & Biases' runs gives a task a column of scores", () => {
  const text = [
    '"Name","State","Notes","User","Tags","Created","Runtime","Sweep","method","seed","eval/rte","eval/cola"',
    '"run-1","finished","-","me","","2026-05-01T10:00:00.000Z","812","","lora","1","0.7","0.5"',
    '"run-2","crashed","-","me","","2026-05-01T10:00:00.000Z","12","","dora","1","",""',
  ].join("\n");
  const rows = read(text, "wandb.csv", "score=eval/rte,score=eval/cola");
  assertEquals(
    rows.map(({ method, task, score }) => [method, task, score]),
    [["lora", "rte", 0.7], ["lora", "cola", 0.5], ["dora", "rte", null], ["dora", "cola", null]],
  );
});

Deno.test("lines of JSON may nest, and their rows need not have the same keys", () => {
  const rows = read(
    '{"method":"lora","seed":1,"metrics":{"score":0.5}}\n{"seed":2,"method":"lora","rank":8,"metrics":{"score":0.6}}\n',
    "a.jsonl",
    "budget=rank",
  );
  assertEquals(rows.map(({ score, budget }) => [score, budget]), [[0.5, undefined], [0.6, 8]]);
});

Deno.test("wrong cells and columns are refused in one line with file, line and column", () => {
  const refused = (text: string, message: string, columns = "") =>
    assertThrows(() => read(text, "a.csv", columns), InputError, message);
  refused(
    "method,seed,score\nlora,1,.8\nlora,2,eighty\n",
    'Cannot read "a.csv", line 3, column "score": found "eighty", want a number',
  );
  refused(
    "method,seed,score\nlora,one,.8\n",
    'line 2, column "seed": found "one", want a whole number from 0',
  );
  refused(
    "method,seed,score\nlora,1.5,.8\n",
    'line 2, column "seed": found 1.5, want a whole number',
  );
  refused(
    "method,seed,score\n,1,.8\n",
    'line 2, column "method": found nothing, want the name of a method',
  );
  refused("method,seed,score\nlora,1\n", 'Cannot read "a.csv", line 2: found 2 columns, want 3');
  refused(
    "name,seed,eval_accuracy\nlora,1,.8\n",
    'Cannot read "a.csv", line 1: no column "method" among "name", "seed", "eval_accuracy"; say which it is by --columns method=name',
  );
  refused(
    "method,seed,eval_accuracy\nlora,1,.8\n",
    'Unknown column "eval_acuracy": known are "method", "seed", "eval_accuracy". Did you mean "eval_accuracy"?',
    "score=eval_acuracy",
  );
  refused("", "found an empty file, want a header and rows");
  refused("method,score\n", "found no row below the header");
});

Deno.test("columns are mapped by words that are known, each once but the score", () => {
  assertEquals(parseColumns(["score=a,score=b", "method=m"]), { score: ["a", "b"], method: ["m"] });
  assertThrows(() => parseColumns(["metod=a"]), UsageError, 'Did you mean "method"?');
  assertThrows(() => parseColumns(["method=a,method=b"]), UsageError, "method twice");
  assertThrows(() => parseColumns(["method"]), UsageError, "want what=column");
});
