import { assertEquals, assertThrows } from "@std/assert";
import { comparedPairs, type StudyComparison } from "../../../src/study/compare/arms.ts";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import { StudyError } from "../../../src/study/check/problems.ts";
import { runId, runTitle } from "../../../src/study/grid/run_id.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import { methods, problemsIn, smallStudy, tasks } from "../tables.ts";

const tables = { tasks, methods };
const study: Study = smallStudy({
  except: [{ task: "CoLA", method: "lora" }],
  axes: {
    tasks: ["RTE", "CoLA"],
    methods: ["lora", "elalora", "adalora", "head"],
    budgets: [2, 4],
    seeds: [1, 2],
  },
});
const runs = expandStudy(study, tables);

const pairs = (comparison: StudyComparison) =>
  comparedPairs(comparison, runs).map(({ task, seed, a, b }) => {
    assertEquals([a.task, b.task, a.seed, b.seed], [task, task, seed, seed]);
    return `${runTitle(a)} / ${runTitle(b)}`;
  });

const problemsOf = (...comparisons: readonly StudyComparison[]) =>
  problemsIn(() => expandStudy({ ...study, comparisons }, tables));

const ours = { method: "elalora", budget: 2 };
const theirs = { method: "adalora", budget: 4 };

Deno.test("arms are compared across budgets, task by task and seed by seed", () => {
  assertEquals(pairs({ a: ours, b: theirs }), [
    "RTE, elalora, r2, seed 1 / RTE, adalora, r4, seed 1",
    "RTE, elalora, r2, seed 2 / RTE, adalora, r4, seed 2",
    "CoLA, elalora, r2, seed 1 / CoLA, adalora, r4, seed 1",
    "CoLA, elalora, r2, seed 2 / CoLA, adalora, r4, seed 2",
  ]);
  assertEquals(pairs({ a: ours, b: theirs, task: "CoLA" }).length, 2);
  assertEquals(pairs({ a: ours, b: theirs, task: ["CoLA", "RTE"] }).length, 4);
  // LoRA is left out on CoLA.
  assertEquals(pairs({ a: { method: "lora", budget: 4 }, b: ours }).length, 2);
});

Deno.test("comparisons are checked before anything runs, and change no run", () => {
  assertEquals(problemsOf({ a: { method: "elarola", budget: 2 }, b: { ...theirs, budget: 8 } }), [
    'comparisons[0].a.method: Unknown method "elarola": known are "lora", "elalora", "adalora", "head". Did you mean ' +
    '"elalora"?',
    'comparisons[0].b.budget: found 8, wanted a budget of "adalora": 2, 4',
  ]);
  assertEquals(problemsOf({ a: ours, b: { method: "elalora" } }), [
    "comparisons[0].b: found runs that are those of a too (elalora at 2 and elalora), wanted another arm",
  ]);
  assertEquals(
    problemsOf({ a: ours, b: theirs }, { a: theirs, b: { ...ours, budget: { rank: 2 } } }),
    [
      "comparisons[1]: found the same runs as in comparisons[0], wanted each comparison once",
    ],
  );
  assertEquals(problemsOf({ a: ours, b: theirs, task: ["RTE", "MRPC"] }), [
    'comparisons[0].task[1]: Unknown task "MRPC": known are "RTE", "CoLA"',
  ]);
  assertEquals(problemsOf({ a: { method: "lora" }, b: ours, task: "CoLA" }), [
    'comparisons[0].task: found "CoLA", wanted a task that "lora" and "elalora at 2" have both',
  ]);
  const error = assertThrows(
    () =>
      expandStudy({
        ...study,
        except: [{ method: "lora", task: "CoLA" }, { method: "head", task: "RTE" }],
        comparisons: [{ a: { method: "lora" }, b: { method: "head" } }],
      }, tables),
    StudyError,
  );
  assertEquals(
    error.problems[0]!.message,
    'found no task and seed that "lora" and "head" have both at the same budget, wanted at least one; to compare across ' +
      "budgets, give both arms theirs",
  );
  const ids = (all: typeof runs) =>
    all.map((run) => runId(run, { data: {}, weights: "", tokenizer: "" }));
  assertEquals(
    ids(expandStudy({ ...study, comparisons: [{ a: ours, b: theirs }] }, tables)),
    ids(runs),
  );
});

Deno.test("comparisons are read from a study, and a misspelt key is told", () => {
  const comparisons = [{ a: ours, b: theirs, task: "RTE" }];
  assertEquals(parseStudy({ ...study, comparisons }).comparisons, comparisons);
  const parsed = (value: unknown) =>
    assertThrows(() => parseStudy({ ...study, comparisons: value }), StudyError).problems[0]!;
  assertEquals(parsed([{ a: ours, c: theirs }]).where, "comparisons[0].b");
  assertEquals(parsed([{ a: ours, b: theirs, tasks: ["RTE"] }]).where, "comparisons[0].tasks");
  assertEquals(parsed([]).where, "comparisons");
});
