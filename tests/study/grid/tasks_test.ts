/** Sequences of tasks in studies: what they stand for and what is refused. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import { StudyError } from "../../../src/study/check/problems.ts";
import { runContent, runFolder, runTitle } from "../../../src/study/grid/run_id.ts";
import { stageSteps, tasksOf } from "../../../src/study/grid/steps.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import type { MethodEntry, RunSpec } from "../../../src/study/types.ts";
import { checkRuns } from "../../../src/study/check/runs.ts";
import { encoderModules, methods, problemsIn, tasks } from "../tables.ts";

const outputOf = (task: string) => task === "STS-B" ? "regression" as const : "classification";
const tables = { tasks, methods, outputOf };

function study(
  sequences: Readonly<Record<string, readonly string[]>>,
  more: Partial<Study> = {},
): Study {
  return parseStudy({
    name: "two",
    sequences,
    axes: { tasks: Object.keys(sequences), methods: ["lora"], budgets: [4], seeds: [1] },
    ...more,
  });
}

const problemsOf = (found: Study) => problemsIn(() => expandStudy(found, tables));

Deno.test("a sequence stands on the axis of tasks beside single ones", () => {
  const found = study({ Both: ["RTE", "CoLA"] }, {
    deltas: [{ when: { task: "Both" }, set: { train: { epochs: 7 } } }],
    axes: { tasks: ["RTE", "Both"], methods: ["lora"], budgets: [4], seeds: [1] },
  });
  const [single, both] = expandStudy(found, tables) as [RunSpec, RunSpec];
  assertEquals(Object.hasOwn(single, "sequence"), false);
  assertEquals(tasksOf(single), ["RTE"]);
  assertEquals(both.sequence, ["RTE", "CoLA"]);
  assertEquals(both.settings.train.epochs, 7);
  assertEquals(runTitle(both), "Both, lora, r4, seed 1");
  assertEquals(runFolder(both, "0123456789"), "Both-lora-r4-seed1-01234567");
  // The order is part of what a run is.
  const [other] = expandStudy(study({ Both: ["CoLA", "RTE"] }), tables) as [RunSpec];
  assertNotEquals(runContent(other), runContent(both));
});

Deno.test("each task of a sequence has steps of its own", () => {
  const [run] = expandStudy(
    study({ Both: ["RTE", "CoLA"] }, {
      base: { train: { batchSize: 10, epochs: 2 } },
    }),
    tables,
  ) as [RunSpec];
  // 2 · ⌈25 / 10⌉ and 2 · ⌈31 / 10⌉.
  assertEquals(stageSteps(run, (task) => task === "RTE" ? 25 : 31), [6, 8]);
});

Deno.test("what cannot be a sequence is refused with its place", () => {
  assertThrows(
    () => study({ One: ["RTE"] }),
    StudyError,
    'sequences.One: found ["RTE"], wanted at least 2 entries',
  );
  assertEquals(
    problemsOf(study({
      Twice: ["RTE", "CoLA", "RTE"],
      Scored: ["RTE", "STS-B"],
      Unknown: ["RTE", "CoLa"],
      CoLA: ["RTE", "MRPC"],
      "a/b": ["RTE", "CoLA"],
    })).map((problem) => problem.replace(/known are .*\. Did/, "known are … Did")),
    [
      'sequences.Twice[2]: found "RTE" as in [0], wanted each task once',
      'sequences.Scored[1]: found the regression "STS-B", wanted classifications: the classes of all tasks are told apart',
      'sequences.Unknown[1]: Unknown task "CoLa": known are … Did you mean "CoLA"?',
      "sequences.CoLA: found the name of a task, wanted a name of its own",
      'sequences.a/b: found the name "a/b", wanted letters, digits, ".", "_" and "-" with a letter or digit first, since it names folders',
    ],
  );
  const unnamed = study({ Both: ["RTE", "CoLA"] }, {
    axes: { tasks: ["Bot"], methods: ["head"], seeds: [1] },
  });
  assertEquals(problemsOf(unnamed)[0]?.endsWith('Did you mean "Both"?'), true);
});

Deno.test("settings and methods that a sequence does not go with are problems of its runs", () => {
  const found = study({ Both: ["RTE", "CoLA"] }, {
    base: { train: { keep: "best", batchSize: 10, epochs: 1, warmup: 3 } },
  });
  const refusing = methods.map((entry): MethodEntry => ({
    ...entry,
    check: (_options, { stages, totalSteps, trainExamples }) => {
      if (stages === undefined || stages.length === 1) return;
      const tasks = stages.map(({ task, steps }) => `${task} (${steps})`).join(" and ");
      throw new RangeError(`Cannot learn ${tasks}: ${totalSteps} steps, ${trainExamples} texts`);
    },
  }));
  const { problems } = checkRuns(expandStudy(found, tables), {
    methods: refusing,
    examplesOf: (task) => task === "RTE" ? 25 : 99,
    modulesOf: () => encoderModules(2, 64, 256),
  });
  assertEquals(problems.map(({ where, message }) => [where, message.slice(0, 52)]), [
    [
      'run "Both, lora, r4, seed 1", settings.train.warmup',
      "found a warm-up of 3 steps in a stage of 3, wanted f",
    ],
    [
      'run "Both, lora, r4, seed 1", options',
      "Cannot learn RTE (3) and CoLA (10): 13 steps, 25 tex",
    ],
    [
      'run "Both, lora, r4, seed 1", settings.train.keep',
      'found "best", wanted "last": earlier evaluations of ',
    ],
  ]);
});
