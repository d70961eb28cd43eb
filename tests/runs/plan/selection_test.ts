/** A part of a study by `--only`: which runs it takes, what is wrong in it, and that sweeps and ablations keep to it. */
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { ablateStudy } from "../../../src/runs/after/ablate.ts";
import { expand } from "../../../src/runs/plan/planning.ts";
import { readSelection } from "../../../src/runs/plan/planned_study.ts";
import { readStoredStudy } from "../../../src/runs/stored_study.ts";
import { UsageError } from "../../../src/base/input_error.ts";
import { readArguments } from "../../../src/cli/terminal.ts";
import { methods } from "../../../src/methods/table.ts";
import { runTitle } from "../../../src/study/grid/run_id.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { ablateAll, inHome, planTextIn, sweepIn, tinyStudy } from "../tiny_study.ts";

const runs = expand(
  parseStudy({
    name: "two-tasks",
    axes: {
      tasks: ["RTE", "CoLA"],
      methods: ["head", "lora", { method: "elalora", label: "ElaLoRA, slow" }],
      budgets: [2, { parameters: 5000 }],
      seeds: [1, 2],
    },
  }),
  methods,
);

function chosen(...only: readonly string[]): readonly string[] {
  return runs.filter(readSelection(only, runs)).map(runTitle);
}

Deno.test("--only takes every run without a value, and those of all its values otherwise", () => {
  assertEquals(chosen().length, 20);
  assertEquals(chosen("task=CoLA").length, 10);
  assertEquals(chosen("seed=1,2").length, 20);
  assertEquals(chosen("method=ElaLoRA, slow").length, 8);
  assertEquals(chosen("task=RTE", "method=head,lora", "seed=2"), [
    "RTE, head, seed 2",
    "RTE, lora, r2, seed 2",
    "RTE, lora, p5000, seed 2",
  ]);
  assertEquals(chosen("budget=none,p5000", "task=CoLA", "seed=1"), [
    "CoLA, head, seed 1",
    "CoLA, lora, p5000, seed 1",
    "CoLA, ElaLoRA, slow, p5000, seed 1",
  ]);
});

Deno.test("--only names what the study has for a key or a value that is not known", () => {
  const wrong = (only: string, message: string) =>
    assertThrows(() => chosen(only), UsageError, message);
  wrong("tasks=CoLA", 'Did you mean "task"?');
  wrong("CoLA", 'known are "task", "method", "budget", "seed"');
  wrong("seed", '"seed" has no value');
  wrong("task=Cola", 'Unknown task "Cola": known are "RTE", "CoLA". Did you mean "CoLA"?');
  wrong("budget=8", 'known are "none", "r2", "p5000"');
  wrong("toString=1", "Unknown key");
  assertThrows(() => chosen("method=head", "budget=r2"), UsageError, "leave no run of 20");
});

Deno.test("--only takes values of axes of settings by their keys, and methods with or without them", () => {
  const varied = expand(
    parseStudy({
      name: "varied",
      axes: {
        tasks: ["RTE"],
        methods: ["head", "lora"],
        budgets: [2],
        seeds: [1],
        settings: {
          "train.learningRate": [1e-3, 5e-3],
          "adapter.modules": [["query"], ["query", "value"]],
        },
      },
    }),
    methods,
  );
  const taken = (...only: readonly string[]) =>
    varied.filter(readSelection(only, varied)).map(({ label }) => label);
  assertEquals(taken("train.learningRate=1e-3"), [
    "head learningRate=0.001",
    "lora learningRate=0.001 modules=[query]",
    "lora learningRate=0.001 modules=[query,value]",
  ]);
  assertEquals(taken("train.learningRate=0.001,0.005").length, 6);
  assertEquals(taken("method=lora").length, 4);
  assertEquals(taken("method=head learningRate=0.005").length, 1);
  assertEquals(taken('adapter.modules=["query", "value"]', "train.learningRate=0.005"), [
    "lora learningRate=0.005 modules=[query,value]",
  ]);
  assertThrows(() => taken("train.learningRate=2e-3"), UsageError, 'known are "0.001", "0.005"');
  assertThrows(() => taken("epoch=3"), UsageError, '"train.learningRate", "adapter.modules"');
  assertThrows(
    () => taken("train.epochs=3"),
    UsageError,
    '"train.epochs" is the same for all these runs; give it by --set train.epochs=3',
  );
});

Deno.test("an option that may be given several times keeps its values in order", () => {
  const spec = { lists: ["only"], strings: ["data"] };
  const parsed = readArguments(["rte", "--only", "task=RTE", "--only=seed=1,2"], spec);
  assertEquals([parsed.positional, parsed.list("only")], [["rte"], ["task=RTE", "seed=1,2"]]);
  assertEquals(readArguments([], spec).list("only"), []);
  assertThrows(() => readArguments(["--only"], spec).list("only"), UsageError, "no value");
  assertThrows(() => readArguments(["--onyl", "x"], spec), UsageError, 'Did you mean "--only"?');
});

Deno.test("a sweep and an ablation keep to their part; the rest can follow", async () => {
  await inHome(async (home) => {
    const study = parseStudy({ ...tinyStudy, axes: { ...tinyStudy.axes, seeds: [1, 2] } });
    const set = ["train.steps=13"];
    const sweepPart = (...only: readonly string[]) => sweepIn(home, study, { set, only });
    const first = await sweepPart("method=lora,elalora", "seed=2");
    assertEquals([first.finished, first.skipped], [2, 0]);
    const stored = await readStoredStudy(first.folder);
    assertEquals(stored.runs.map(({ run }) => run.settings.train.steps), Array(8).fill(13));
    assertEquals(stored.study.deltas?.at(-1)?.set, { train: { steps: 13 } });

    const ablatePart = (...only: readonly string[]) =>
      ablateStudy(first.folder, { ...ablateAll, replay: true, only });
    await assertRejects(() => ablatePart("seed=1"), UsageError, "in that part of the study");
    const lora = await ablatePart("method=lora");
    assertEquals([lora.ablated, lora.replay?.finished], [1, 0]);

    const second = await sweepPart("seed=1,2", "method=elalora,head");
    assertEquals([second.finished, second.skipped], [3, 1]);
    const ela = await ablatePart("seed=1");
    assertEquals([ela.ablated, ela.replay?.finished], [1, 3]);
    assertEquals((await readStoredStudy(`${first.folder}/replay`)).runs.length, 6);

    const plan = await planTextIn(home, study, { set, only: ["method=elalora"] });
    assertMatch(plan, /\n2 runs;.*\n\n.*\nMoves +elalora +rank 2 .* 2\/2 /s);
  });
});
