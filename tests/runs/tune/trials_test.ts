import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { methods } from "../../../src/methods/table.ts";
import { Inputs } from "../../../src/runs/inputs.ts";
import {
  choiceOf,
  firstPoints,
  metricOf,
  nextPoints,
  recordedOutcome,
  trialScore,
  withTrials,
} from "../../../src/runs/tune/trials.ts";
import { type Combination, combinationsOf } from "../../../src/runs/tune/combinations.ts";
import { tunedFile } from "../../../src/runs/tune/tuned_file.ts";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import type { Study } from "../../../src/study/schema/study.ts";
import type { SeededTune } from "../../../src/study/schema/tune.ts";
import type { Point, Space } from "../../../src/runs/tune/space.ts";

const tune = {
  vary: { "train.learningRate": { log: [1e-3, 1e-1] } },
  search: "grid",
  trials: 2,
  seeds: [101],
  heldOut: 0.25,
  per: ["method"],
} as const satisfies SeededTune;

const points = [{ "train.learningRate": 1e-3 }, { "train.learningRate": 1e-1 }];

const outcome = (metric: string, score: number | null) => ({ metric, score, seconds: 1 });

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
  const planning = {
    study,
    methods,
    inputs: new Inputs({ data: null, model: null, study: "." }, []),
    present: new Set<string>(),
  };
  const first = await withTrials(
    combinations.map((combination) => ({ combination, trials: [] })),
    [points],
    false,
    planning,
  );
  const [{ combination, trials }] = first as [(typeof first)[number]];
  assertEquals(trials.map(({ runs }) => runs.map(({ run }) => run.task)), [
    ["Topic", "Genre"],
    ["Topic", "Genre"],
  ]);
  const [more] = await withTrials(first, [[{ "train.learningRate": 1e-2 }]], true, planning);
  assertEquals(more!.trials.slice(0, 2), trials);
  assertEquals(more!.trials.map(({ isAdded }) => isAdded), [false, false, true]);
  // 0.8 on Topic and 0.5 on Genre, then 0.7 and 0.8: the plain means are 0.65 and 0.75.
  const scores = [[0.8, 0.5], [0.7, 0.8]];
  const scored = trials.map(({ point, weights }, i) => ({
    point,
    score: trialScore(scores[i]!.map((score) => outcome("accuracy", score)), weights),
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
            outcome: { point, score: 1, metric: "accuracy", share: 1, runs: [] },
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
  const [worse, better] = [outcome("logLoss", 0.6), outcome("logLoss", 0.4)];
  assert(trialScore([better], [1])! > trialScore([worse], [1])!);
  assertEquals(trialScore([outcome("accuracy", 0.5), better], [1, 1]), 0.5 * 0.5 - 0.5 * 0.4);
  assertEquals(trialScore([better, outcome("logLoss", null)], [1, 1]), null);
});

Deno.test("a run's outcome is its score, by the checkpoint that it keeps, and its time in seconds; a failure has no score", () => {
  const happened = {
    outcome: { state: "finished" },
    primaryMetric: "accuracy",
    keep: "last",
    last: { metrics: { accuracy: 0.75, f1: 0.5 } },
    best: { metrics: { accuracy: 0.875, f1: 0.25 } },
    time: { wallMillis: 2500 },
  };
  const of = (changed: object) =>
    recordedOutcome(
      { happened: { ...happened, ...changed } } as unknown as Parameters<
        typeof recordedOutcome
      >[0],
    );
  assertEquals(of({}), { metric: "accuracy", score: 0.75, seconds: 2.5 });
  assertEquals(of({ keep: "best" }).score, 0.875);
  assertEquals(of({ last: null }).score, null);
  const failed = of({ outcome: { state: "failed" } });
  assertEquals(failed, { metric: "accuracy", score: null, seconds: 2.5 });
});

Deno.test("runs of one metric have it, and those of several an average", () => {
  const of = (...metrics: readonly string[]) => metricOf(metrics.map((metric) => ({ metric })));
  assertEquals([of("f1"), of("f1", "f1"), of("f1", "mcc"), of()], [
    "f1",
    "f1",
    "average",
    "average",
  ]);
});

Deno.test("a tuned file has a delta of each choice, what it took, and its trials", () => {
  type Combination = Parameters<typeof tunedFile>[2][number];
  const places = [
    { task: "Topic", budget: { type: "rank", value: 2 }, seed: 101 },
    { task: "Genre", budget: null, seed: 102 },
  ];
  const both = (seconds: number) =>
    [0.4, null].map((score) => ({ metric: "accuracy", score, seconds: seconds / 2 }));
  const combination = (
    of: Combination["of"],
    point: Record<string, number | readonly string[]>,
    outcomes: readonly object[],
  ) =>
    ({
      of,
      choice: { best: { point, score: 0.5 }, edges: [] },
      trials: outcomes.map((outcome, i) => ({
        trial: { point, isAdded: i > 0, runs: [{ run: places[0] }, { run: places[1] }] },
        outcome: { point, metric: "accuracy", share: 1, runs: both(1.28), ...outcome },
      })),
    }) as unknown as Combination;
  const mine = { method: "mine", name: "lora", task: "Topic", budget: 2 };
  const head = { method: "head", name: "head" };
  const { search: _search, ...plain } = tune;
  const { deltas, tuned } = tunedFile(studyOf({ budgets: [2] }), plain, [
    combination(mine, {
      "train.dropout.hidden": 0.1,
      "train.dropout.adapter": 0.2,
      "train.steps": 7,
      "options.alpha": 32,
    }, [{ score: 0.5 }, { score: null, share: 0.25 }]),
    combination(head, { "options.alpha": 8 }, [{ score: 0.5, runs: both(0.5) }]),
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
  // 1.28 + 1.28 + 0.5 seconds.
  assertEquals([tuned.search, tuned.seconds, tuned.runs], ["random", 3.1, 6]);
  // Of a run's place only what its choice does not say.
  const own = [{ seed: 101, score: 0.4 }, { seed: 102, score: null }];
  assertEquals<unknown>(
    tuned.best.map(({ trials }) => trials.map(({ values: _values, ...rest }) => rest)),
    [
      [{ score: 0.5, runs: own }, { score: null, share: 0.25, runs: own, added: true }],
      [{
        score: 0.5,
        runs: [
          { task: "Topic", budget: 2, seed: 101, score: 0.4 },
          { task: "Genre", seed: 102, score: null },
        ],
      }],
    ],
  );
});

Deno.test("of a metric that is better low, the lowest trial is chosen, and the tuned file has its scores as records do", () => {
  for (const metric of ["rmse", "cost↓"]) {
    const study = studyOf({});
    const found = [3.5, 2.5, null];
    const tried = [...points, { "train.learningRate": 1e-2 }].map((point, i) => {
      const score = trialScore([{ metric, score: found[i]!, seconds: 1 }], [1]);
      return {
        trial: { point, isAdded: false, runs: [], weights: [1] },
        outcome: { point, score, metric, share: 1, runs: [] },
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

type Scored = Parameters<typeof nextPoints>[1][number];

const narrow = { rate: { log: [1, 100] } } as const;
const scored = (rate: number, score: number | null, isWhole = true) => ({
  point: { rate },
  score,
  isWhole,
});

Deno.test("choiceOf() takes the first best trial that was trained to the end", () => {
  const trials = [scored(1, 0.2), scored(10, 0.5), scored(20, 0.5), scored(100, 0.9, false)];
  assertEquals(choiceOf(narrow, trials), { best: trials[1] as never, edges: [] });
  assertEquals(choiceOf(narrow, [scored(1, null), scored(2, 0.7, false)]), null);
});

Deno.test("choiceOf() says where the best value lies at the edge of those tried", () => {
  const { edges } = choiceOf(narrow, [scored(1, 0.2), scored(50, 0.5), scored(60, null)])!;
  assertEquals(edges, []);
  assertEquals(choiceOf(narrow, [scored(1, 0.6), scored(50, 0.5)])!.edges, [
    { path: "rate", value: 1, edge: "low", isOpen: false },
  ]);
});

Deno.test("choiceOf() takes a value at an edge where values within did no better: nothing beyond it is known to be worse", () => {
  const wide = { rate: { log: [1, 100], limits: [1, 1000] } } as const;
  const of = (...trials: Parameters<typeof choiceOf>[1]) => {
    const { best, edges } = choiceOf(wide, trials)!;
    return [best.point["rate"], ...edges.map(({ edge, isOpen }) => `${edge} ${isOpen}`)];
  };
  assertEquals(of(scored(1, 0.2), scored(10, 0.5), scored(100, 0.5)), [100, "high true"]);
  // Runs that learned nothing are all alike; that is no optimum in the middle.
  assertEquals(of(scored(10, 0.5), scored(1, 0.5), scored(100, 0.5)), [100, "high true"]);
  assertEquals(of(scored(10, 0.5), scored(1, 0.5), scored(1000, 0.4)), [1, "low false"]);
  assertEquals(of(scored(1, 0.4), scored(10, 0.5), scored(20, 0.5), scored(100, 0.4)), [10]);
  // Of several edges that are alike, the first that was drawn.
  const open = { rate: { log: [1, 100], limits: [0.1, 1000] } } as const;
  for (const space of [open, narrow]) {
    for (const rates of [[1, 10, 100], [100, 10, 1]]) {
      const trials = rates.map((rate) => scored(rate, 0.5));
      assertEquals(choiceOf(space, trials)!.best.point, { rate: rates[0]! });
    }
  }
});

Deno.test("trialScore() weights scores, and is null where a run failed or diverged", () => {
  const cases = [
    [[0.25, 0.5], [1, 1], 0.375],
    [[0.25, 0.5], [3, 1], 0.3125],
    [[0.2, null], [1, 1], null],
    [[0.2, NaN], [1, 1], null],
    [[], [], null],
  ] as const;
  for (const [scores, weights, wanted] of cases) {
    assertEquals(trialScore(scores.map((score) => outcome("accuracy", score)), weights), wanted);
  }
});

const rate = { log: [1e-3, 1e-2], limits: [1e-4, 1] } as const;
const search: SeededTune = {
  vary: { rate },
  search: "grid",
  trials: 3,
  seeds: [101],
  heldOut: 0.2,
};

function combination(method: string, task: string, space: Space = { rate }): Combination {
  return { of: { method, name: method, task }, space, runs: [] };
}

/** Plays all rounds with a score for each point. */
function played(
  of: SeededTune,
  combinations: readonly Combination[],
  scoreOf: (combination: Combination, rate: number) => number | null,
): readonly (readonly number[])[] {
  let scored: readonly Scored[] = combinations.map((combination) => ({ combination, trials: [] }));
  let points: readonly (readonly Point[])[] = combinations.map((own) => firstPoints(of, own));
  for (let round = 0; points.some((own) => own.length > 0); round++) {
    scored = scored.map(({ combination, trials }, i) => ({
      combination,
      trials: [
        ...trials,
        ...points[i]!.map((point) => ({
          point,
          score: scoreOf(combination, point["rate"] as number),
        })),
      ],
    }));
    points = nextPoints(of, scored, round);
  }
  return scored.map(({ trials }) => trials.map(({ point }) => point["rate"] as number));
}

/** A score that is best at a rate. */
const peakAt = (best: number) => (rate: number) => -Math.abs(Math.log(rate / best));

Deno.test("nextPoints() widens a range until its best value has worse ones on both sides", () => {
  const [own] = played(search, [combination("svd", "RTE")], (_, rate) => peakAt(0.05)(rate));
  const sorted = own!.toSorted((a, b) => a - b);
  const best = sorted.toSorted((a, b) => peakAt(0.05)(b) - peakAt(0.05)(a))[0]!;
  assert(Math.abs(best - 0.05) < 0.02, `${sorted}`);
  assert(sorted.at(-1)! > best && sorted.at(-1)! <= 1 && sorted[0]! < best, `${sorted}`);
});

Deno.test("nextPoints() stops at the limit where the best value still lies there", () => {
  const [own] = played(search, [combination("svd", "RTE")], (_, rate) => rate);
  assertEquals(Math.max(...own!), 1);
});

Deno.test("nextPoints() gives all methods of a task the same number of trials, and other tasks none", () => {
  const all = [combination("lora", "RTE"), combination("svd", "RTE"), combination("lora", "CoLA")];
  for (const kind of ["grid", "random"] as const) {
    const [lora, svd, other] = played(
      { ...search, search: kind, trials: 6 },
      all,
      ({ of }, rate) => peakAt(of.method === "svd" ? 0.3 : 0.004)(rate),
    );
    assertEquals(other!.length, 6);
    assert(svd!.length > 6);
    assertEquals(lora!.length, svd!.length);
    assertEquals(new Set(lora).size, lora!.length);
    assert(Math.max(...lora!) <= 1e-2, `${lora}`);
    // The first trials are the same for all, whatever becomes of them.
    assertEquals(lora!.slice(0, 6), svd!.slice(0, 6));
  }
});

Deno.test("trials for each setting are so many times the settings that a method varies, at first and where a range is widened", () => {
  const { search: _grid, ...random } = search;
  const two: Space = { rate, other: { linear: [0, 1] } };
  const [one, both] = played(
    { ...random, trials: { perSetting: 4 } },
    [combination("lora", "RTE"), combination("svd", "RTE", two)],
    (_, rate) => rate,
  );
  assertEquals(
    firstPoints({ ...random, trials: { perSetting: 4 } }, combination("l", "RTE", two)).length,
    8,
  );
  const added = [one!.length - 4, both!.length - 8];
  assert(added[0]! > 0 && added[1] === 2 * added[0]!, `${added}`);
});

Deno.test("nextPoints() has none where every trial failed, or only choices vary", () => {
  const failed = played(search, [combination("svd", "RTE")], () => null);
  assertEquals(failed[0]!.length, 3);
  const choices: Space = { rate: { choices: [1, 2, 3] } };
  const chosen = played(search, [combination("svd", "RTE", choices)], (_, rate) => rate);
  assertEquals(chosen[0], [1, 2, 3]);
});

Deno.test("firstPoints() are a grid where that is asked for, else drawn", () => {
  const rates = (of: SeededTune) =>
    firstPoints(of, combination("svd", "RTE")).map((point) => point["rate"] as number);
  const { search: _search, ...plain } = search;
  assertEquals(rates(search), [0.001, 0.003162, 0.01]);
  assertNotEquals(rates(plain), rates(search));
  assertEquals(rates(plain), rates({ ...search, search: "random" }));
});

Deno.test("nextPoints() gives more to those of a task and budget only, and none for a failure", () => {
  const at = (budget: number): Combination => ({
    of: { method: "lora", name: "lora", task: "RTE", budget },
    space: { rate },
    runs: [],
  });
  const scored = (combination: Combination, scores: readonly (number | null)[]): Scored => ({
    combination,
    trials: firstPoints(search, combination).map((point, i) => ({ point, score: scores[i]! })),
  });
  const count = (...of: readonly Scored[]) => nextPoints(search, of, 0).map(({ length }) => length);
  const [edge, inner, failed] = [[1, 2, 3], [1, 3, 2], [null, null, null]];
  assertEquals(count(scored(at(2), edge!), scored(at(4), inner!)), [2, 0]);
  assertEquals(count(scored(at(2), edge!), scored(at(2), inner!)), [2, 2]);
  assertEquals(count(scored(at(2), failed!), scored(at(2), inner!)), [0, 0]);
  assertEquals(count(scored(at(2), failed!), scored(at(2), edge!)), [0, 2]);
  const rounds = [31, 32].map((round) =>
    nextPoints(search, [scored(at(2), edge!)], round)[0]!.length
  );
  assertEquals(rounds, [2, 0]);
  // Half as many trials follow, and at least two.
  const many = [2, 3, 5, 12].map((trials) => {
    const own = { ...search, trials };
    const points = firstPoints(own, at(2));
    const tried = points.map((point, i) => ({ point, score: i }));
    return nextPoints(own, [{ combination: at(2), trials: tried }], 0)[0]!.length;
  });
  assertEquals(many, [2, 2, 3, 6]);
});
