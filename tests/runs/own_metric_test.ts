/** Metrics of probabilities, and metrics of one's own: what decides, what is kept, and what can be computed again. */
import { assert, assertEquals } from "@std/assert";
import { methods } from "../../src/methods/table.ts";
import { readRun } from "../../src/record/results_reader.ts";
import { sweepStudy } from "../../src/runs/sweep.ts";
import { train } from "../../src/runs/train.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { metrics } from "../../src/tasks/metrics.ts";
import { defineMetric } from "../../src/tasks/own_metrics.ts";
import { softmaxOf } from "../../src/train/evaluate.ts";
import { inHome, sweepOptions, tinyModel, tinyStudy, withSwept } from "./tiny_study.ts";

const names = ["logLoss", "auroc", "averagePrecision", "brier", "ece"] as const;

const study = parseStudy({
  ...tinyStudy,
  userTasks: tinyStudy.userTasks!.map((task) => ({ ...task as object, metrics: [...names] })),
  deltas: [],
  axes: { ...tinyStudy.axes, methods: ["lora"] },
});

Deno.test("the lowest log loss is kept, and metrics of probabilities follow from the stored logits to the bit", () =>
  withSwept(async ({ runOf }) => {
    const { record, evaluations, predictions } = (await readRun(runOf("lora")))!;
    const { best, primaryMetric } = record.happened;
    assertEquals(primaryMetric, "logLoss");
    const losses = evaluations.map((line) => line.metrics["logLoss"]!);
    assertEquals(best!.metrics["logLoss"], Math.min(...losses));
    assert(Math.min(...losses) < losses[0]!);
    for (const { logits } of predictions) {
      for (const logit of logits!) assertEquals(logit, Number(logit.toPrecision(6)));
    }
    const targets = predictions.map(({ target }) => target);
    const own = predictions.map(({ prediction }) => prediction);
    const probabilities = predictions.map(({ logits }) => softmaxOf(logits!));
    const again = names.map((name) => [name, metrics[name].compute(targets, own, probabilities)]);
    assertEquals(Object.fromEntries(again), { ...best!.metrics });
  }, study));

Deno.test("a metric of one's own decides in train(), by probabilities and the lower the better", async () => {
  const seen: number[] = [];
  const doubt = defineMetric({
    name: "doubt",
    better: "lower",
    output: "classification",
    compute: (targets, _predictions, probabilities) => {
      const sum = probabilities.reduce((total, own, i) => total + 1 - own[targets[i]!]!, 0);
      seen.push(sum / targets.length);
      return sum / targets.length;
    },
  });
  const examples = ["the cat sat", "a dog ran", "the small cat sat", "a large dog ran"]
    .map((text) => ({ text, label: text.includes("cat") ? "calm" : "lively" }));
  const settings = {
    steps: 12,
    batchSize: 4,
    maxLength: 12,
    learningRate: 0.02,
    evaluateEvery: 4,
    keep: "best",
  } as const;
  for await (
    const event of train({
      method: "lora",
      task: {
        name: "Cats",
        labels: ["calm", "lively"],
        metrics: [doubt, "accuracy"],
        train: examples,
        dev: examples,
      },
      modelFolder: tinyModel,
      budget: 2,
      train: settings,
      device: "cpu",
      threads: 1,
    })
  ) {
    if (event.kind !== "done") continue;
    const [{ metrics: found }] = event.evaluations as readonly [
      typeof event.evaluations[number],
    ];
    assertEquals(Object.keys(found), ["doubt↓", "accuracy"]);
    // Before the first step it was tried: on the answers of both majorities, and on right ones.
    assertEquals(found["doubt↓"], Math.min(...seen.slice(3)));
    await event.model.dispose();
  }
  assert(seen.length >= 6 && seen.at(-1)! < seen[3]!);
});

Deno.test("a metric that fails on a run's part of the dev set fails that run, and the sweep goes on", () =>
  inHome(async (home) => {
    // The plan tries it on all rows; a run of few rows needs the score of the majority's answer on those.
    const many = defineMetric({
      name: "many",
      better: "higher",
      output: "classification",
      compute: (targets, _predictions, probabilities) => {
        const isConstant = probabilities.every((own) => own[0] === probabilities[0]![0]);
        if (targets.length < 10 && isConstant) throw new RangeError("too few rows");
        return 0.5;
      },
    });
    const [moves] = tinyStudy.userTasks! as readonly { readonly name: string }[];
    const own = parseStudy({
      ...tinyStudy,
      base: { ...tinyStudy.base, train: { ...tinyStudy.base!.train, steps: 2, devLimit: 6 } },
      userTasks: [{ ...moves, metrics: ["many", "accuracy"] }, { ...moves, name: "Plain" }],
      deltas: [],
      axes: { ...tinyStudy.axes, tasks: ["Moves", "Plain"], methods: ["lora"] },
    });
    const { failed, finished, folder } = await sweepStudy(
      { study: own, folder: home, methods, metrics: [many] },
      { ...sweepOptions, results: `${home}/results` },
    );
    assertEquals([failed, finished], [1, 1]);
    const name = [...Deno.readDirSync(folder)].map((entry) => entry.name)
      .find((entry) => entry.startsWith("Moves-"))!;
    const { happened } = (await readRun(`${folder}/${name}`))!.record;
    assertEquals(happened.outcome, {
      state: "failed",
      cause: "unknown",
      message:
        'Cannot evaluate "Moves" by the metric "many": its function threw "too few rows" for 6 rows, want a finite number, also where all predictions are of one class',
      step: 2,
    });
    assertEquals([happened.flags, happened.majority], [undefined, undefined]);
  }));
