import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  builtInTasks,
  embeddedFolder,
  embeddedTasks,
  findTask,
  glueTasks,
} from "../../src/tasks/catalog.ts";
import { misfits } from "../../src/tasks/metrics.ts";
import { readSplit } from "../../src/tasks/read_split.ts";
import type { Task } from "../../src/tasks/types.ts";

Deno.test("findTask() finds built-in tasks and the study's own", () => {
  assertEquals(findTask("MNLI").splits["dev"]?.map(({ path }) => path), ["MNLI/dev_matched.tsv"]);
  const own: Task = { ...findTask("RTE"), name: "Own", source: "user" };
  assertEquals(findTask("Own", [own]), own);
});

Deno.test("findTask() lists the known tasks and the closest for an unknown name", () => {
  assertThrows(
    () => findTask("RET"),
    Error,
    'Unknown task "RET": known are "CoLA", "SST-2", "MRPC"',
  );
  assertThrows(() => findTask("RET"), Error, 'Did you mean "RTE"?');
  assertThrows(() => findTask("SST2"), Error, 'Did you mean "SST-2"?');
  const own: Task = { ...findTask("RTE"), name: "Tickets" };
  assertThrows(() => findTask("Ticket", [own]), Error, 'Did you mean "Tickets"?');
});

Deno.test("built-in tasks have distinct names, both splits and metrics that fit", () => {
  assertEquals(new Set(builtInTasks.map(({ name }) => name)).size, builtInTasks.length);
  for (const task of builtInTasks) {
    for (const split of ["train", "dev"]) {
      const [file] = task.splits[split]!;
      assertEquals(file?.path.split("/")[0], task.name);
    }
    assert(task.metrics.length > 0);
    assertEquals(misfits(task.metrics, task.output), []);
  }
});

Deno.test("the nine GLUE tasks have their official metrics", () => {
  assertEquals(Object.fromEntries(glueTasks.map(({ name, metrics }) => [name, metrics])), {
    "CoLA": ["matthews"],
    "SST-2": ["accuracy"],
    "MRPC": ["accuracy", "f1"],
    "STS-B": ["pearson", "spearman"],
    "QQP": ["accuracy", "f1"],
    "MNLI": ["accuracy"],
    "QNLI": ["accuracy"],
    "RTE": ["accuracy"],
    "WNLI": ["accuracy"],
  });
});

Deno.test("the embedded tasks cover four kinds", () => {
  const shown = embeddedTasks.flatMap(({ metrics }) => metrics);
  for (const metric of ["matthews", "accuracy", "f1", "pearson"] as const) {
    assert(shown.includes(metric));
  }
});

for (const task of embeddedTasks) {
  Deno.test(`the embedded files of ${task.name} can be read and show every label`, () => {
    for (const split of Object.keys(task.splits)) {
      const [file] = task.splits[split]!;
      const bytes = Deno.readFileSync(new URL(file!.path, embeddedFolder));
      const targets = readSplit(task, split, [{ bytes }]).map(({ target }) => target);
      assert(targets.length >= 100);
      const distinct = new Set(targets).size;
      if (task.output.type === "classification") assertEquals(distinct, task.output.labels.length);
      else assert(distinct > 10);
    }
  });
}
