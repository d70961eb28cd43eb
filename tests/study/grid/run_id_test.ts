import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import { budgetKey } from "../../../src/study/budget/budget.ts";
import { isFolderOf, runFolder, runId, runTitle } from "../../../src/study/grid/run_id.ts";
import type { MethodOrigin, RunSpec } from "../../../src/study/types.ts";
import { methods, runsOf, smallStudy, tasks } from "../tables.ts";

const hashes = {
  data: { "RTE/train.tsv": "aa", "RTE/dev.tsv": "bb" },
  weights: "cc",
  tokenizer: "dd",
};

function firstRun(): RunSpec {
  const [run] = runsOf();
  assert(run !== undefined);
  return run;
}

Deno.test("runId() ignores names and the order of keys", () => {
  const run = firstRun();
  const id = runId(run, hashes);
  assertMatch(id, /^[0-9a-f]{16}$/);
  assertEquals(runId({ ...run, study: "other", label: "other" }, hashes), id);
  const reordered = Object.fromEntries(Object.entries(run).reverse()) as unknown as RunSpec;
  const data = { "RTE/dev.tsv": "bb", "RTE/train.tsv": "aa" };
  assertEquals(runId(reordered, { tokenizer: "dd", weights: "cc", data }), id);
});

Deno.test("runId() differs as soon as anything that is computed differs", () => {
  const run = firstRun();
  const train = { ...run.settings.train, learningRate: 2e-3 };
  const ids = [
    runId(run, hashes),
    runId({ ...run, task: "MRPC" }, hashes),
    runId({ ...run, method: "elalora" }, hashes),
    runId({ ...run, methodVersion: 2 }, hashes),
    runId({ ...run, options: { alpha: 8 } }, hashes),
    runId({ ...run, budget: { type: "parameters", value: 4 } }, hashes),
    runId({ ...run, budget: null }, hashes),
    runId({ ...run, seed: 2 }, hashes),
    runId({ ...run, settings: { ...run.settings, train } }, hashes),
    runId({ ...run, ranks: { "layer.0.query": 1 } }, hashes),
    runId(run, { ...hashes, data: { ...hashes.data, "RTE/dev.tsv": "b2" } }),
    runId(run, { ...hashes, weights: "c2" }),
    runId(run, { ...hashes, tokenizer: "d2" }),
  ];
  assertEquals(new Set(ids).size, ids.length);
});

Deno.test("runId() is the SHA-256 of the canonical JSON", () => {
  // By Python: sha256(json.dumps({"run": …, "hashes": …}, sort_keys=True, separators=(",", ":")).encode()),
  // the run written out by hand and 1e-08 replaced by 1e-8.
  assertEquals(runId(firstRun(), hashes), "fff46361e815d82d");
});

Deno.test("runId() tells the sources of a method that is not built in apart, and not where they lie", () => {
  const idOf = (origin: MethodOrigin) => {
    const own = methods.map((entry) => entry.name === "lora" ? { ...entry, origin } : entry);
    const [run] = expandStudy(smallStudy(), { tasks, methods: own });
    assertEquals(run!.methodHash, origin.hash);
    return runId(run!, hashes);
  };
  const id = idOf({ study: "study.ts", module: "study.ts", hash: "ee" });
  assertEquals(idOf({ study: "other.ts", module: "own.ts", hash: "ee" }), id);
  assertNotEquals(idOf({ study: "study.ts", module: "study.ts", hash: "ff" }), id);
  assertNotEquals(runId(firstRun(), hashes), id);
  assert(!Object.hasOwn(firstRun(), "methodHash"));
});

Deno.test("runFolder() is readable and safe", () => {
  const run = firstRun();
  const id = "0f3a9c2177777777";
  const of = (method: string) => ({ ...run, method, label: method });
  assertEquals(runFolder(of("elalora"), id), "RTE-elalora-r4-seed1-0f3a9c21");
  assertEquals(runFolder({ ...of("head"), budget: null }, id), "RTE-head-seed1-0f3a9c21");
  assertEquals(
    runFolder({ ...run, task: "../my task", budget: { type: "parameters", value: 20000 } }, id),
    ".._my_task-lora-p20000-seed1-0f3a9c21",
  );
  assertEquals(budgetKey({ type: "rank", value: 2.5 }), "r2.5");
  assertNotEquals(runFolder(run, id), runFolder(run, `1${id}`));
});

Deno.test("runFolder() has the label where it says more than the method", () => {
  const id = "0f3a9c2177777777";
  const cases: readonly (readonly [string, string])[] = [
    ["lora", "RTE-lora-r4"],
    ["lora alpha=32", "RTE-lora-alpha-32-r4"],
    ["lora dropout=0.1 alpha=8", "RTE-lora-dropout-0.1-alpha-8-r4"],
    ["lora2", "RTE-lora-lora2-r4"],
    ["LoRA, all modules", "RTE-lora-LoRA-all-modules-r4"],
    ["rsLoRA (ours)", "RTE-lora-rsLoRA-ours-r4"],
    ["méthode", "RTE-lora-methode-r4"],
    ["../..", "RTE-lora-r4"],
    ["lora ..", "RTE-lora-r4"],
    ["秩", "RTE-lora-r4"],
    [`lora ${"x".repeat(39)} y`, `RTE-lora-${"x".repeat(39)}-r4`],
  ];
  for (const [label, wanted] of cases) {
    const folder = runFolder({ ...firstRun(), label }, id);
    assertEquals(folder, `${wanted}-seed1-0f3a9c21`, label);
    assert(isFolderOf(firstRun(), id, folder), folder);
  }
});

Deno.test("isFolderOf() knows a run's folder under every label, and no other run's", () => {
  const [run, id] = [firstRun(), "0f3a9c2177777777"];
  const others = [
    "RTE-lora-r4-seed2-0f3a9c21",
    "RTE-lora-r8-seed1-0f3a9c21",
    "RTE-lora-r4-seed1-0f3a9c22",
    "CoLA-lora-r4-seed1-0f3a9c21",
    "RTE-adalora-r4-seed1-0f3a9c21",
    "RTE-lora-r4-seed1-0f3a9c21-final",
    "RTE-lora-r4-seed1",
  ];
  for (const name of others) assert(!isFolderOf(run, id, name), name);
  const head = { ...run, method: "head", budget: null };
  assert(isFolderOf(head, id, "RTE-head-seed1-0f3a9c21"));
  assert(isFolderOf(head, id, "RTE-head-1e-3-seed1-0f3a9c21"));
});

Deno.test("runTitle() shows label, budget and seed", () => {
  const run = firstRun();
  assertEquals(runTitle({ ...run, label: "ours" }), "RTE, ours, r4, seed 1");
  assertEquals(runTitle({ ...run, budget: null }), "RTE, lora, seed 1");
});
