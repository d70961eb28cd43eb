import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { methods } from "../../../src/methods/table.ts";
import { Inputs } from "../../../src/runs/inputs.ts";
import { choiceOf, meanScore, trialScore, withTrials } from "../../../src/runs/tune/trials.ts";
import { combinationsOf } from "../../../src/runs/tune/combinations.ts";
import { tunedFile } from "../../../src/runs/tune/tuned_file.ts";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import type { Tune } from "../../../src/study/schema/tune.ts";

const tune = {
  vary: { "train.learningRate": { log: [1e-3, 1e-1] } },
  search: "grid",
  trials: 2,
  seeds: [101],
  heldOut: 0.25,
  per: ["method"],
} as const satisfies Tune;

const points = [{ "train.learningRate": 1e-3 }, { "train.learningRate": 1e-1 }];

function studyOf(axes: Partial<Study["axes"]>, margin: Study["margin"] = 0.01): Study {
  return parseStudy({
    name: "tuned",
    base: { train: { steps: 20 } },
    margin,
    axes: { tasks: ["Topic", "Genre"], methods: ["head"], seeds: [1], ...axes },
  });
}

Deno.test("a task with a quarter of the margin counts four times in a trial's score, and so in the choice", async () => {
  const study = studyOf({}, { Topic: 0.01, Genre: 0.04 });
  const combinations = combinationsOf(study, tune, methods, 100);
  const [{ combination, trials }] = await withTrials(
    combinations.map((combination) => ({ combination, trials: [] })),
    [points],
    false,
    {
      study,
      methods,
      inputs: new Inputs({ data: null, model: null, study: "." }, []),
      present: new Set(),
    },
  ) as [Awaited<ReturnType<typeof withTrials>>[number]];
  assertEquals(trials.map(({ runs }) => runs.map(({ run }) => run.task)), [
    ["Topic", "Genre"],
    ["Topic", "Genre"],
  ]);
  // 0.8 on Topic and 0.5 on Genre, then 0.7 and 0.8: the plain means are 0.65 and 0.75.
  const scores = [[0.8, 0.5], [0.7, 0.8]];
  const scored = trials.map(({ point, weights }, i) => ({
    point,
    score: meanScore(scores[i]!, weights),
  }));
  // By hand: (100 · 0.8 + 25 · 0.5) / 125 = 92.5 / 125 and (100 · 0.7 + 25 · 0.8) / 125 = 90 / 125.
  assertAlmostEquals(scored[0]!.score!, 0.74);
  assertAlmostEquals(scored[1]!.score!, 0.72);
  assertEquals(choiceOf(combination.space, scored)!.best.point, points[0]);
});

Deno.test("what was chosen for a label goes before what was chosen for its method, in every order of the axis", () => {
  const named = { method: "lora", label: "mine", options: { alpha: 32 } };
  const rates = { mine: 1e-3, lora: 1e-1 } as const;
  for (const entries of [["lora", named], [named, "lora"]] as const) {
    const study = studyOf({ methods: entries, budgets: [2] });
    const { deltas, tuned } = tunedFile(
      study,
      tune,
      combinationsOf(study, tune, methods, 100).map(({ of, space }) => {
        const point = { "train.learningRate": rates[of.method as keyof typeof rates] };
        return {
          of,
          trials: [{
            trial: { point, isAdded: false, runs: [], weights: [] },
            outcome: { point, score: 1, metric: "accuracy", share: 1, seconds: 1, runs: 2 },
          }],
          choice: choiceOf(space, [{ point, score: 1 }])!,
        };
      }),
    );
    const runs = expandStudy({ ...study, deltas, tuned }, { tasks: ["Topic", "Genre"], methods });
    assertEquals(
      Object.fromEntries(runs.map(({ label, settings }) => [label, settings.train.learningRate])),
      rates,
    );
  }
});

Deno.test("a trial's score is turned over where lower is better, and what the file keeps of it is not", () => {
  const outcome = (metric: string, score: number | null) => ({ metric, score, seconds: 1 });
  const [worse, better] = [outcome("logLoss", 0.6), outcome("logLoss", 0.4)];
  assert(trialScore([better], [1])! > trialScore([worse], [1])!);
  assertEquals(trialScore([outcome("accuracy", 0.5), better], [1, 1]), 0.5 * 0.5 - 0.5 * 0.4);
  assertEquals(trialScore([better, outcome("logLoss", null)], [1, 1]), null);
});

Deno.test("a tuned file has a delta of each choice, what it took, and its trials", () => {
  type Combination = Parameters<typeof tunedFile>[2][number];
  const combination = (
    of: Combination["of"],
    point: Record<string, number | readonly string[]>,
    outcomes: readonly object[],
  ) =>
    ({
      of,
      choice: { best: { point, score: 0.5 }, edges: [] },
      trials: outcomes.map((outcome, i) => ({
        trial: { point, isAdded: i > 0 },
        outcome: { point, metric: "accuracy", share: 1, seconds: 1.26, runs: 2, ...outcome },
      })),
    }) as unknown as Combination;
  const mine = { method: "mine", name: "lora", task: "Topic", budget: 2 };
  const head = { method: "head", name: "head" };
  const { search: _search, ...plain } = tune;
  const { deltas, tuned } = tunedFile(studyOf({}), plain, [
    combination(mine, {
      "train.dropout.hidden": 0.1,
      "train.dropout.adapter": 0.2,
      "train.steps": 7,
      "options.alpha": 32,
    }, [{ score: 0.5 }, { score: null, share: 0.25 }]),
    combination(head, { "options.alpha": 8 }, [{ score: 0.5, seconds: 0.5, runs: 1 }]),
  ]);
  // A method's own settings come before those of its label.
  assertEquals(deltas, [
    { when: { method: "head" }, options: { alpha: 8 } },
    {
      when: { method: "mine", task: "Topic", budget: 2 },
      set: { train: { dropout: { hidden: 0.1, adapter: 0.2 }, steps: 7 } },
      options: { alpha: 32 },
    },
  ]);
  const found = tunedFile(studyOf({}), tune, [combination(head, { "train.steps": 7 }, [{}])]);
  assertEquals(found.deltas, [{ when: { method: "head" }, set: { train: { steps: 7 } } }]);
  assertEquals(found.tuned.search, "grid");
  // 1.26 + 1.26 + 0.5 seconds.
  assertEquals([tuned.search, tuned.seconds, tuned.runs], ["random", 3, 5]);
  assertEquals(tuned.best.map(({ trials }) => trials.map(({ values: _values, ...rest }) => rest)), [
    [{ score: 0.5 }, { score: null, share: 0.25, added: true }],
    [{ score: 0.5 }],
  ]);
});

Deno.test("of a metric that is better low, the lowest trial is chosen, and the tuned file has its scores as records do", () => {
  for (const metric of ["rmse", "cost↓"]) {
    const study = studyOf({});
    const found = [3.5, 2.5, null];
    const tried = [...points, { "train.learningRate": 1e-2 }].map((point, i) => {
      const score = trialScore([{ metric, score: found[i]!, seconds: 1 }], [1]);
      return {
        trial: { point, isAdded: false, runs: [], weights: [1] },
        outcome: { point, score, metric, share: 1, seconds: 1, runs: 1 },
      };
    });
    const combinations = combinationsOf(study, tune, methods, 100).map(({ of, space }) => ({
      of,
      trials: tried,
      choice: choiceOf(space, tried.map(({ outcome }) => outcome))!,
    }));
    const { deltas, tuned: { best } } = tunedFile(study, tune, combinations);
    assertEquals(deltas[0]!.set, { train: { learningRate: 1e-1 } });
    assertEquals([best[0]!.metric, best[0]!.score, best[0]!.values], [metric, 2.5, points[1]]);
    assertEquals(best[0]!.trials.map(({ score }) => score), found);
  }
});
