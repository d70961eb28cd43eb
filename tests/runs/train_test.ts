/** Training under the caller's control: the numbers of a sweep, a stop, the trained model, its files, and wrong input. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { findMethod, methods } from "../../src/methods/table.ts";
import { readRun } from "../../src/record/results_reader.ts";
import type { OwnTask } from "../../src/runs/own_task.ts";
import { modelOfPeftFiles } from "../../src/runs/share/text_model.ts";
import { sweepStudy } from "../../src/runs/sweep.ts";
import { train } from "../../src/runs/train.ts";
import type { TrainEvent, TrainOptions } from "../../src/runs/training.ts";
import { readStoredStudy } from "../../src/runs/stored_study.ts";
import { Inputs } from "../../src/runs/inputs.ts";
import { chooseExecutor } from "../../src/exec/choose.ts";
import type { Checkpoint } from "../../src/train/run_types.ts";
import { StudyError } from "../../src/study/check/problems.ts";
import { sweepOptions, tinyModel } from "./tiny_study.ts";
import { withFolder } from "../with_folder.ts";

const settings = { steps: 12, batchSize: 4, maxLength: 16, learningRate: 1e-2, evaluateEvery: 4 };
const asked: TrainOptions = {
  method: "elalora",
  options: { b: 2, k: 1, initWarmup: 1, finalWarmup: 2, maskInterval: 2 },
  task: "Topic",
  model: "folder",
  modelFolder: tinyModel,
  budget: 2,
  seed: 3,
  train: settings,
  device: "cpu",
  threads: 1,
};

/** What of an event is the same whenever it is computed. */
function timeless(event: TrainEvent): unknown {
  if (event.kind === "step") return { ...event, stepMillis: 0 };
  return event.kind === "done" ? { ...event, model: null } : event;
}

async function eventsOf(options: TrainOptions): Promise<readonly TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of train(options)) events.push(event);
  return events;
}

function doneOf(events: readonly TrainEvent[]): Extract<TrainEvent, { kind: "done" }> {
  const last = events.at(-1);
  assert(last?.kind === "done");
  return last;
}

Deno.test("train() has the numbers that a sweep of the same settings has", () =>
  withFolder(async (home) => {
    const events = await eventsOf(asked);
    const { folder } = await sweepStudy({
      study: {
        name: "same",
        base: { model: "folder", train: settings },
        axes: {
          tasks: ["Topic"],
          methods: [{ method: "elalora", options: asked.options! }],
          budgets: [2],
          seeds: [3],
        },
      },
      folder: home,
      methods,
    }, {
      ...sweepOptions,
      results: `${home}/results`,
    });
    const { runs: [run] } = await readStoredStudy(folder);
    const stored = (await readRun(`${folder}/${run!.folder}`))!;
    const losses = events.flatMap((event) => event.kind === "step" ? [event.loss] : []);
    assertEquals(losses, stored.steps.map(({ loss }) => loss));
    const moved = events.filter(({ kind }) => kind === "ranks");
    assertEquals(moved.length, stored.ranks.length);
    assert(moved.length > 0);
    const { model, evaluations, ranks } = doneOf(events);
    assertEquals(evaluations[0]!.metrics, stored.record.happened.last!.metrics);
    assertEquals(
      Object.entries(ranks).sort(),
      Object.entries(stored.record.happened.finalRanks!).sort(),
    );
    await model.dispose();
  }));

Deno.test("an aborted training ends with a checkpoint, from which it goes on to the same end", async () => {
  const whole = await eventsOf(asked);
  const controller = new AbortController();
  const before: TrainEvent[] = [];
  let checkpoint: Checkpoint | null = null;
  for await (const event of train({ ...asked, signal: controller.signal })) {
    if (event.kind === "stopped") checkpoint = event.checkpoint;
    else before.push(event);
    if (event.kind === "step" && event.step === 5) controller.abort();
  }
  assertEquals(checkpoint?.step, 5);
  const after = await eventsOf({ ...asked, from: checkpoint! });
  assertEquals([...before, ...after].map(timeless), whole.map(timeless));
  await doneOf(whole).model.dispose();
  await doneOf(after).model.dispose();
});

const actors = ["the cat", "a dog", "the bird", "she", "he", "it"];

const mood: OwnTask = {
  name: "mood",
  labels: ["bad", "good"],
  train: [
    { text: "the cat sat", label: "good" },
    { text: "a dog ran", label: "bad" },
    { text: "the small cat sat", label: "good" },
    { text: "a large dog ran", label: "bad" },
  ],
  dev: [{ text: "the cat", label: "good" }, { text: "a dog", label: "bad" }],
};

const onMood: TrainOptions = {
  method: "lora",
  task: mood,
  modelFolder: tinyModel,
  budget: 2,
  train: { steps: 30, batchSize: 4, maxLength: 16, learningRate: 2e-2, warmup: 0, heldOut: null },
  device: "cpu",
  threads: 1,
};

Deno.test("the trained model predicts and evaluates own texts, and its peft files do the same", async () => {
  await assertRejects(
    () => eventsOf({ ...onMood, model: "embedded" }),
    StudyError,
    `modelFolder: found "${tinyModel}", but no run reads it`,
  );
  const { model, evaluations } = doneOf(await eventsOf(onMood));
  const texts = mood.dev.map(({ text }) => text);
  const predictions = await model.predict(texts);
  const labels = ["bad", "good"];
  assertEquals(predictions.map(({ label }) => labels.indexOf(label!)), evaluations[0]!.predictions);
  for (const { value, probabilities } of predictions) {
    assertEquals(value, Math.max(...probabilities));
    assertAlmostEquals(probabilities.reduce((sum, own) => sum + own, 0), 1, 1e-6);
  }
  const { loss, metrics } = await model.evaluate(mood.dev);
  assertAlmostEquals(loss, evaluations[0]!.loss, 1e-6);
  assertEquals(metrics, evaluations[0]!.metrics);
  assertEquals(await model.predict([]), []);

  const files = model.peftFiles();
  assert([...files.keys()].includes("adapter_model.safetensors"));
  const { executor } = await chooseExecutor("cpu", { threads: 1 });
  const base = await new Inputs({ data: null, model: tinyModel, study: "." }, []).model("folder");
  const again = await modelOfPeftFiles(files, {
    executor,
    base,
    task: model.task,
    maxLength: 16,
  });
  const same = await again.predict(texts);
  same.forEach(({ probabilities }, i) =>
    probabilities.forEach((own, j) =>
      assertAlmostEquals(own, predictions[i]!.probabilities[j]!, 1e-5)
    )
  );
  await again.dispose();
  await model.dispose();
});

Deno.test("a model learns to choose, and says so of texts with their choices", async () => {
  const choice = (text: string, right: string, wrong: string, isFirst: boolean) => ({
    text,
    choices: isFirst ? [right, wrong] : [wrong, right],
    label: isFirst ? 0 : 1,
  });
  const endings = ["on the mat", "under a tree", "and sat", "very small"];
  const examples = actors.flatMap((actor, i) =>
    endings.map((ending, j) => choice(`${actor} ${ending}`, "the cat", "a dog", (i + j) % 2 === 0))
  );
  const dev = examples.slice(18);
  const { model, evaluations } = doneOf(
    await eventsOf({
      ...onMood,
      task: { name: "choice", labels: ["0", "1"], train: examples.slice(0, 18), dev },
    }),
  );
  // Only the choice tells: the two positions are as often right, so a model that ignores choices is right half the time.
  assertEquals(evaluations[0]!.metrics, { accuracy: 1 });
  const predictions = await model.predict(dev);
  assertEquals(predictions.map(({ label }) => Number(label)), dev.map(({ label }) => label));
  const one = dev[0]!;
  const turned = await model.predict([{ text: one.text, choices: one.choices.toReversed() }]);
  assertEquals(
    turned[0]!.probabilities.toReversed().map((value) => value.toFixed(5)),
    predictions[0]!.probabilities.map((value) => value.toFixed(5)),
  );
  const refused = [
    [() => model.predict(["a text alone"]), "want an object with text and choices"],
    [
      () => model.predict([{ text: "a", choices: ["b"] }]),
      "want 2 choices, one text for each label",
    ],
    [() => model.evaluate([{ text: "a", label: "0" }]), "want 2 choices"],
  ] as const;
  for (const [work, message] of refused) await assertRejects(work, TypeError, message);
  await model.dispose();
});

Deno.test("a method is handed over as a value", async () => {
  const own = { ...findMethod("lora"), name: "lora-of-mine" };
  const losses = async (options: TrainOptions) => {
    const events = await eventsOf(options);
    await doneOf(events).model.dispose();
    return events.flatMap((event) => event.kind === "step" ? [event.loss] : []);
  };
  assertEquals(await losses({ ...onMood, method: own }), await losses(onMood));
});

Deno.test("train() refuses what it cannot train, before anything is trained", async () => {
  const first = (options: Partial<TrainOptions>) => train({ ...onMood, ...options }).next();
  const own = (task: Partial<OwnTask>) => ({ task: { ...mood, ...task } });
  const cases: readonly [Partial<TrainOptions>, new (...args: never[]) => Error, string][] = [
    [{ method: "lorra" }, StudyError, 'Unknown method "lorra"'],
    [{ method: "lorra" }, StudyError, 'Did you mean "lora"?'],
    [{ budget: undefined! }, StudyError, "budget"],
    [{ train: { ...onMood.train, learningRat: 1 } as never }, StudyError, "learningRat"],
    [own({ dev: [] }), TypeError, "no dev examples"],
    [
      own({ train: [{ text: "a", label: "so-so" }] }),
      TypeError,
      'found "so-so", want one of the labels bad, good',
    ],
    [own({ labels: ["one"] }), TypeError, "at least two"],
    [own({ metrics: ["pearson"] }), TypeError, "classification"],
    [own({ metrics: [] }), TypeError, "found no metrics"],
    [own({ metrics: ["acuracy" as "accuracy"] }), TypeError, 'Did you mean "accuracy"?'],
    [{ device: "tpu" }, Error, "tpu"],
  ];
  for (const [options, kind, message] of cases) {
    await assertRejects(() => first(options), kind, message);
  }
});
