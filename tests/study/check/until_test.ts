/** When a run ends: its settings, and what they cannot go with. */
import { assertEquals } from "@std/assert";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import {
  defaultSettings,
  overlaySettings,
  settingsSchema,
} from "../../../src/study/schema/settings.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import { heldOutShare, totalSteps, trainedExamples } from "../../../src/study/grid/steps.ts";
import { checkRuns } from "../../../src/study/check/runs.ts";
import {
  encoderModules,
  examplesOf,
  methods,
  problemsIn,
  problemsOf,
  smallStudy,
  tasks,
} from "../tables.ts";
import { isHigherBetter, rangeOf } from "../../../src/tasks/metrics.ts";

const plateau = { heldOut: 0.1, patience: 3, leastGain: 0.002 };

Deno.test("a plateau is laid over key by key, and epochs take it away", () => {
  const of = (...layers: Parameters<typeof overlaySettings>[1]["train"][]) =>
    overlaySettings(defaultSettings, ...layers.map((train) => ({ train: train! }))).train;
  assertEquals(of({ until: { plateau: {} } }).until, { plateau });
  assertEquals(
    of({ until: { plateau: { heldOut: 0.2 } } }, { until: { plateau: { patience: 5 } } }).until,
    {
      plateau: { ...plateau, heldOut: 0.2, patience: 5 },
    },
  );
  // As runs were recorded before there was such an end.
  assertEquals(Object.keys(of()), Object.keys(defaultSettings.train));
  assertEquals(of({ until: { plateau: {} } }, { until: "epochs" }), defaultSettings.train);
  const settings = overlaySettings(defaultSettings, { train: { until: { plateau: {} } } });
  assertEquals(settingsSchema.parse(settings), settings);
});

Deno.test("a plateau holds its share of the training examples out", () => {
  const settings = overlaySettings(defaultSettings, {
    train: { until: { plateau: { heldOut: 0.2 } } },
  });
  assertEquals(heldOutShare(settings.train), 0.2);
  assertEquals(trainedExamples(settings, 1000), 800);
  // 25 steps of 32 a pass, and the default of 3 passes.
  assertEquals(totalSteps(settings, 1000), 75);
});

/** What is wrong with a study of a plateau as its file says. */
const fileProblems = (plateau: object) =>
  problemsIn(() => parseStudy(smallStudy({ base: { train: { steps: 100, until: { plateau } } } })));

Deno.test("patience and shares that mean nothing are told by the file's keys", () => {
  const where = "base.train.until.plateau";
  assertEquals(fileProblems({ patience: 0 }), [`${where}.patience: found 0, wanted at least 1`]);
  assertEquals(fileProblems({ heldOut: 0 }), [`${where}.heldOut: found 0, wanted more than 0`]);
  assertEquals(fileProblems({ heldOut: 1 }), [`${where}.heldOut: found 1, wanted less than 1`]);
  assertEquals(fileProblems({ leastGain: -1 }), [
    `${where}.leastGain: found -1, wanted at least 0`,
  ]);
  assertEquals(fileProblems({ patiense: 2 }).length, 1);
});

/** What is wrong with the runs of a study, with a plateau and a cap of 1000 steps unless it says otherwise. */
function runProblems(study: Parameters<typeof smallStudy>[0]): readonly string[] {
  const { base, ...rest } = study ?? {};
  const whole: Study = smallStudy({
    base: { train: { steps: 1000, until: { plateau: {} }, ...base?.train } },
    ...rest,
  });
  const table = methods.map((method) =>
    method.name === "elalora"
      // Its last event is after 700 steps of 1000; AdaLoRA's, here, is after the last.
      ? { ...method, lastEvent: () => 700 }
      : method.name === "adalora"
      ? { ...method, lastEvent: () => 1000 }
      : method
  );
  const { problems } = checkRuns(expandStudy(whole, { tasks, methods: table }), {
    methods: table,
    examplesOf: (task) => task === "WNLI" ? 4 : examplesOf(task),
    modulesOf: () => encoderModules(2, 64, 256),
  });
  return problems.map(({ where, message }) => `${where}: ${message}`);
}

Deno.test("a sound plateau has no problem", () => {
  assertEquals(runProblems({ axes: { methods: ["lora", "full"] } }), []);
});

Deno.test("a plateau without a cap is told where it is written", () => {
  const message =
    "found a plateau without a cap, wanted train.steps or train.epochs beside it: a run that never stops rising ends there";
  const train = { until: { plateau: {} } };
  assertEquals(problemsOf(smallStudy({ base: { train } })), [`base.train.until: ${message}`]);
  assertEquals(
    problemsOf(
      smallStudy({
        base: { train: { steps: null } },
        deltas: [{ when: { task: "RTE" }, set: { train } }],
      }),
    ),
    [`deltas[0].set.train.until: ${message}`],
  );
  const capped = smallStudy({
    base: { train },
    deltas: [{ when: { task: "RTE" }, set: { train: { epochs: 9 } } }],
  });
  assertEquals(expandStudy(capped, { tasks, methods }).length, 1);
});

const place = (method = "lora", task = "RTE") =>
  `run "${task}, ${method}, r4, seed 1", settings.train`;

Deno.test("a plateau besides train.heldOut would hold out twice", () => {
  assertEquals(runProblems({ base: { train: { heldOut: 0.2 } } }), [
    `${place()}.heldOut: found 0.2 besides a plateau, which holds out 0.1 itself, wanted one of them: leave train.heldOut ` +
    "out where the dev set is to be evaluated, or train.until where it is not",
  ]);
});

Deno.test("evaluations that never happen find no plateau", () => {
  assertEquals(runProblems({ base: { train: { evaluateEpochs: false } } }), [
    `${place()}.until: found a plateau in a run that evaluates at its end only, wanted evaluations before: set ` +
    "train.evaluateEvery or train.evaluateEpochs",
  ]);
  // Three epochs of 2241 examples.
  assertEquals(runProblems({ base: { train: { steps: 213 } } }), [
    `${place()}.until: found 3 evaluations in the 213 steps that the run may take, wanted more than the patience of 3, or ` +
    "no plateau is found before the end; raise train.steps or train.epochs, or evaluate more often (train.evaluateEvery)",
  ]);
});

Deno.test("only evaluations after the warm-up count", () => {
  const train = { evaluateEpochs: false, evaluateEvery: 100, warmup: 0.7 };
  assertEquals(runProblems({ base: { train: { ...train, warmup: 0.6 } } }), []);
  assertEquals(runProblems({ base: { train } }), [
    `${place()}.until: found 3 evaluations after step 700, up to which the learning rate is warmed up in the 1000 steps that ` +
    "the run may take, wanted more than the patience of 3, or no plateau is found before the end; raise train.steps or " +
    "train.epochs, or evaluate more often (train.evaluateEvery)",
  ]);
});

Deno.test("only evaluations after a method's last event count", () => {
  const train = { evaluateEpochs: false, evaluateEvery: 100 };
  assertEquals(
    runProblems({ base: { train }, axes: { methods: ["lora", "elalora", "adalora"] } }),
    [
      `${
        place("elalora")
      }.until: found 3 evaluations after step 700, up to which "elalora" changes ranks in the 1000 steps that ` +
      "the run may take, wanted more than the patience of 3, or no plateau is found before the end; raise train.steps or " +
      "train.epochs, or evaluate more often (train.evaluateEvery)",
      `${
        place("adalora")
      }.until: found 0 evaluations after step 1000, up to which "adalora" changes ranks in the 1000 steps ` +
      "that the run may take, wanted more than the patience of 3, or no plateau is found before the end; use epochs or steps " +
      "for this method",
    ],
  );
  const often = { evaluateEpochs: false, evaluateEvery: 50 };
  assertEquals(runProblems({ base: { train: often }, axes: { methods: ["elalora"] } }), []);
});

Deno.test("a held-out share without an example is told, of a plateau and of train.heldOut", () => {
  const of = (key: string) =>
    `run "WNLI, lora, r4, seed 1", task: Cannot hold out training examples: train.${key} is a share of 0 of 4 training ` +
    "examples, wanted at least 1; raise it";
  const axes = { tasks: ["WNLI"] };
  assertEquals(runProblems({ axes }), [of("until.plateau.heldOut")]);
  assertEquals(runProblems({ axes, base: { train: { until: "epochs", heldOut: 0.1 } } }), [
    of("heldOut"),
  ]);
  assertEquals(runProblems({ axes, base: { train: { until: { plateau: { heldOut: 0.9 } } } } }), [
    'run "WNLI, lora, r4, seed 1", task: Cannot count the steps of an epoch: train.until.plateau.heldOut leaves 0 of 4 ' +
    "training examples, wanted at least 1; lower it",
  ]);
});

Deno.test("a sequence of tasks has no plateau", () => {
  const [problem] = runProblems({
    sequences: { both: ["RTE", "CoLA"] },
    axes: { tasks: ["both"], methods: ["full"] },
  });
  assertEquals(
    problem?.slice(0, 132),
    'run "both, full, seed 1", settings.train.until: found a plateau for a sequence of tasks, wanted epochs or steps: a task that one met',
  );
});

Deno.test("a sequence of tasks keeps no half for verdicts", () => {
  const [problem] = runProblems({
    sequences: { both: ["RTE", "CoLA"] },
    base: { train: { until: "epochs", verdictSplit: true } },
    axes: { tasks: ["both"], methods: ["full"] },
  });
  assertEquals(
    problem?.slice(0, 103),
    'run "both, full, seed 1", settings.train.verdictSplit: found true for a sequence of tasks, wanted false',
  );
});

Deno.test("the keys of a plateau are axes of settings", () => {
  const study = smallStudy({
    base: { train: { steps: 1000, until: { plateau: { leastGain: 0.01 } } } },
    axes: { settings: { "train.until.plateau.patience": [2, 5] } },
  });
  assertEquals(
    expandStudy(study, { tasks, methods }).map(({ label, settings }) => [
      label,
      settings.train.until,
    ]),
    [2, 5].map((patience) => [
      `lora patience=${patience}`,
      { plateau: { heldOut: 0.1, leastGain: 0.01, patience } },
    ]),
  );
});

Deno.test("targets are of the study's tasks, within the range of the metric that decides", () => {
  const expand = (targets: object, metric = "accuracy") =>
    expandStudy(parseStudy({ ...smallStudy(), targets }), {
      tasks,
      methods,
      scoresOf: () => ({ metric, range: rangeOf(metric), isHigherBetter: isHigherBetter(metric) }),
    });
  const problemsOf = (targets: object, metric?: string) =>
    problemsIn(() => expand(targets, metric));
  const wanted = (found: number, metric: string, range: string) =>
    assertEquals(problemsOf({ RTE: found }, metric), [
      `targets.RTE: found ${found}, wanted a score by "${metric}": ${range}`,
    ]);
  wanted(70, "accuracy", "more than 0 and at most 1");
  wanted(0, "accuracy", "more than 0 and at most 1");
  wanted(1.5, "average_accuracy", "more than 0 and at most 1");
  wanted(-1, "matthews", "more than -1 and at most 1");
  wanted(2, "brier", "at least 0 and less than 2");
  wanted(1, "ece", "at least 0 and less than 1");
  wanted(-0.1, "rmse", "at least 0");
  wanted(1.1, "r2", "at most 1");
  for (
    const [metric, target] of Object.entries({
      accuracy: 1,
      matthews: -0.5,
      logLoss: 1.2,
      rmse: 350,
      mae: 0,
      r2: -3,
      "cost↓": 11,
      gain: -4,
    })
  ) expand({ RTE: target }, metric);
  assertEquals(problemsOf({ CoLA: 0.7 }).length, 1);
  assertEquals(
    problemsIn(() => parseStudy({ ...smallStudy(), convergence: { lossShare: 0 } })),
    ["convergence.lossShare: found 0, wanted more than 0"],
  );
});

Deno.test("the last layer that says when a run ends decides whether a cap is wanted", () => {
  const plateau = { set: { train: { until: { plateau: {} } } } };
  const epochs = { set: { train: { until: "epochs" } } } as const;
  const study = (...sets: readonly (typeof plateau | typeof epochs)[]) =>
    smallStudy({ deltas: sets.map((own) => ({ when: { task: "RTE" }, ...own })) });
  assertEquals(expandStudy(study(plateau, epochs), { tasks, methods }).length, 1);
  const [problem] = problemsOf(study(epochs, plateau));
  assertEquals(problem?.split(": ")[0], "deltas[1].set.train.until");
});
