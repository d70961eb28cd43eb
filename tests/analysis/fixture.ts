/**
 * A made-up study for the report's tests: plausible numbers from named random streams, so that it never changes.
 *
 * @module
 */
import { RandomStream } from "../../src/base/random.ts";
import type { ReplayResults, RunResults, StudyResults } from "../../src/analysis/results.ts";
import {
  type EvaluationLine,
  type ImportanceLine,
  type RankLine,
  type RankMap,
  recordSchemaVersion,
  type RunAblation,
  type RunRecord,
} from "../../src/record/types.ts";

const parts = ["query", "key", "value", "attention_output", "intermediate", "output"];

/** A method of the made-up study. */
export interface FixtureMethod {
  readonly method: string;
  readonly label: string;
  readonly usesBudget: boolean;
  /** Added to the score; what the method is worth. */
  readonly gain: number;
  readonly stepMillis: number;
  readonly movesRanks: boolean;
  /** Numbers trained besides the head, for a method without budget; default none. */
  readonly trained?: number;
  /** What the record says must be kept of a budget, as a share of it; absent in the record by default. */
  readonly storedShare?: number;
}

/** Size and content of the made-up study. */
export interface FixtureOptions {
  readonly tasks?: readonly (readonly [name: string, metric: string])[];
  readonly methods?: readonly FixtureMethod[];
  readonly budgets?: readonly number[];
  readonly seeds?: readonly number[];
  readonly layers?: number;
  readonly steps?: number;
  readonly events?: number;
  readonly examples?: number;
  readonly hasAblation?: boolean;
  readonly hasReplay?: boolean;
  /** Runs that fail, by `label/task/budget/seed`. */
  readonly failures?: readonly string[];
}

export const fixtureMethods: readonly FixtureMethod[] = [
  {
    method: "head",
    label: "head only",
    usesBudget: false,
    gain: -0.12,
    stepMillis: 31,
    movesRanks: false,
  },
  { method: "lora", label: "LoRA", usesBudget: true, gain: 0, stepMillis: 52, movesRanks: false },
  {
    method: "adalora",
    label: "AdaLoRA",
    usesBudget: true,
    gain: -0.004,
    stepMillis: 58,
    movesRanks: true,
  },
  {
    method: "elalora",
    label: "ElaLoRA",
    usesBudget: true,
    gain: 0.016,
    stepMillis: 53.5,
    movesRanks: true,
  },
];

/** Seventeen systems: fourteen with a budget, from clearly worse to clearly better, and three without. */
export const manyFixtureMethods: readonly FixtureMethod[] = [
  ...fixtureMethods,
  ...[
    ["rslora", "rsLoRA", 0.002, 52, false],
    ["dora", "DoRA", 0.005, 71, false],
    ["pissa", "PiSSA", 0.011, 52.5, false],
    ["lora", "LoRA+, ratio 16", 0.004, 52, false],
    ["increlora", "IncreLoRA", -0.002, 56, true],
    ["salora", "SaLoRA", -0.011, 63, true],
    ["goralike", "GoRA", 0.009, 54, true],
    ["autolora", "AutoLoRA", -0.02, 97, true],
    ["alora", "ALoRA", -0.006, 66, true],
    ["dylora", "DyLoRA", -0.031, 50, false],
    ["vera", "VeRA", -0.045, 49, false],
  ].map(([method, label, gain, stepMillis, movesRanks]): FixtureMethod => ({
    method: String(method),
    label: String(label),
    usesBudget: true,
    gain: Number(gain),
    stepMillis: Number(stepMillis),
    movesRanks: movesRanks === true,
    ...(label === "VeRA" ? { storedShare: 0.05 } : {}),
  })),
  {
    method: "bitfit",
    label: "BitFit",
    usesBudget: false,
    gain: -0.05,
    stepMillis: 45,
    movesRanks: false,
    trained: 9_000,
  },
  {
    method: "full",
    label: "full fine-tuning",
    usesBudget: false,
    gain: 0.05,
    stepMillis: 93,
    movesRanks: false,
    trained: 3_999_230,
  },
];

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** What a module needs: more in deeper layers, more in values and feed-forward outputs. */
function needOf(module: string, layers: number): number {
  const [, layer, part] = module.split(".");
  const depth = (Number(layer) + 1) / layers;
  return depth * (1 + parts.indexOf(part ?? "") / 4);
}

interface Trained {
  readonly initial: RankMap;
  readonly final: RankMap;
  readonly ranks: readonly RankLine[];
  readonly importance: readonly ImportanceLine[];
}

/** Moves ranks from the modules that need least to those that need most, a few an event. */
function trainRanks(
  options: { budget: number; layers: number; steps: number; events: number; moves: boolean },
  stream: RandomStream,
): Trained {
  const { budget, layers, steps, events, moves } = options;
  const modules = Array.from({ length: layers }, (_, layer) => layer)
    .flatMap((layer) => parts.map((part) => `layer.${layer}.${part}`));
  const current: Record<string, number> = Object.fromEntries(modules.map((name) => [name, budget]));
  const initial = { ...current };
  const ranks: RankLine[] = [];
  const importance: ImportanceLine[] = [];
  for (let event = 1; event <= events; event++) {
    const step = Math.round(steps * (0.1 + 0.7 * event / events));
    const scores = Object.fromEntries(
      modules.map((
        name,
      ) => [name, needOf(name, layers) * (0.5 + event / events) * (0.8 + 0.4 * stream.next())]),
    );
    importance.push({ step, scores });
    if (!moves) continue;
    const byScore = modules.toSorted((a, b) =>
      scores[b]! / (current[b]! + 1) - scores[a]! / (current[a]! + 1)
    );
    const from = byScore.toReversed().find((name) => current[name]! > 1);
    const to = byScore[0]!;
    if (from === undefined || from === to) continue;
    const changes = [
      { module: from, from: current[from]!, to: current[from]! - 1, score: scores[from]! },
      { module: to, from: current[to]!, to: current[to]! + 1, score: scores[to]! },
    ];
    for (const change of changes) current[change.module] = change.to;
    ranks.push({
      step,
      budget: sum(Object.values(current)),
      moved: 1,
      threshold: scores[from]!,
      changes,
    });
  }
  return { initial, final: { ...current }, ranks, importance };
}

function ablationOf(
  final: RankMap,
  metric: string,
  baseline: number,
  stream: RandomStream,
): RunAblation {
  const layers = new Set(Object.keys(final).map((name) => name.split(".")[1]!)).size;
  const modules = Object.entries(final).map(([name, rank]) => ({
    kind: "module" as const,
    name,
    rank,
    loss: 0.012 * needOf(name, layers) + 0.006 * stream.normal(),
  }));
  const whole = Array.from({ length: layers }, (_, layer) => {
    const own = modules.filter((removal) => removal.name.startsWith(`layer.${layer}.`));
    return {
      kind: "layer" as const,
      name: `layer.${layer}`,
      rank: sum(own.map((removal) => removal.rank)),
      loss: sum(own.map((removal) => removal.loss)),
    };
  });
  const parts = [...Map.groupBy(modules, ({ name }) => name.split(".")[2]!)].map(([name, own]) => ({
    kind: "part" as const,
    name,
    rank: sum(own.map((removal) => removal.rank)),
    loss: sum(own.map((removal) => removal.loss)),
  }));
  return {
    schema: recordSchemaVersion,
    metric,
    baseline,
    removals: [...whole, ...modules, ...parts].map((removal) => ({
      ...removal,
      metric: baseline - removal.loss,
    })),
  };
}

/** A study of `tasks × methods × budgets × seeds` runs. */
export function fixtureStudy(options: FixtureOptions = {}): StudyResults {
  const tasks = options.tasks ?? [["gloss-pairs", "f1"], ["acceptability", "matthews"]];
  const methods = options.methods ?? fixtureMethods;
  const budgets = options.budgets ?? [2, 4, 8];
  const seeds = options.seeds ?? [1, 2, 3];
  const { layers = 4, steps = 200, events = 20, examples = 60 } = options;
  const failures = new Set(options.failures ?? []);
  const root = RandomStream.fromSeed(11);
  const runs = tasks.flatMap(([task, metric], taskIndex) =>
    methods.flatMap((method) =>
      (method.usesBudget ? budgets : [null]).flatMap((budget) =>
        seeds.map((seed) => {
          const name = `${method.label}/${task}/${budget}/${seed}`;
          const stream = root.fork(name);
          const seedEffect = 0.01 * root.fork(`seed ${task} ${seed}`).normal();
          const score = 0.74 - 0.09 * taskIndex + method.gain + seedEffect +
            (budget === null ? 0 : 0.012 * Math.log2(budget)) + 0.006 * stream.normal();
          const trained = trainRanks(
            { budget: budget ?? 0, layers, steps, events, moves: method.movesRanks },
            stream.fork("ranks"),
          );
          const hasFailed = failures.has(name);
          const lossAt = (share: number, noise = 0.03) =>
            0.68 - method.gain - 0.35 * (1 - Math.exp(-8 * share)) + noise * stream.normal();
          const evaluations = [1, 2, 3].map((epoch): EvaluationLine => ({
            step: Math.round(steps * epoch / 3),
            epoch,
            split: "dev",
            // A mean over many examples.
            loss: lossAt(epoch / 3, 0.003) + 0.06,
            metrics: { [metric]: score - 0.004 * (3 - epoch) ** 3, accuracy: score + 0.05 },
          }));
          const adapterParameters = (budget ?? 0) * layers * 6 * 512;
          const record: RunRecord = {
            schema: recordSchemaVersion,
            id: root.fork(`id ${name}`).state().words.map((word) =>
              word.toString(16).padStart(8, "0")
            )
              .join(""),
            asked: {
              study: "fixture",
              task,
              method: method.method,
              label: method.label,
              methodVersion: 1,
              options: {},
              budget: budget === null ? null : { type: "rank", value: budget },
              seed,
              run: {},
            },
            happened: {
              outcome: hasFailed
                ? {
                  state: "failed",
                  cause: "diverged",
                  message: "Loss became NaN at step 17",
                  step: 17,
                }
                : { state: "finished" },
              steps: hasFailed ? 17 : steps,
              epochs: 3,
              primaryMetric: metric,
              keep: "last",
              best: hasFailed ? null : evaluations[2]!,
              last: hasFailed ? null : evaluations[2]!,
              others: [],
              finalTrainLoss: hasFailed ? null : 0.31,
              parameters: {
                total: 4_000_000,
                trainable: adapterParameters + (method.trained ?? 0) + 770,
                head: 770,
              },
              budget: budget === null ? null : {
                requested: adapterParameters,
                initial: method.method === "adalora" ? adapterParameters * 1.5 : adapterParameters,
                peak: method.method === "adalora" ? adapterParameters * 1.5 : adapterParameters,
                final: adapterParameters,
                ...(method.storedShare === undefined
                  ? {}
                  : { stored: adapterParameters * method.storedShare }),
              },
              initialRanks: budget === null ? null : trained.initial,
              finalRanks: budget === null ? null : trained.final,
              rankEvents: trained.ranks.length,
              ranksMoved: sum(trained.ranks.map((line) => line.moved)),
              time: {
                startedAt: "2026-01-02T03:04:05.000Z",
                wallMillis: steps * method.stepMillis * 1.1,
                trainMillis: steps * method.stepMillis,
                evaluateMillis: steps * method.stepMillis * 0.08,
                medianStepMillis: method.stepMillis + taskIndex * 4 + 0.3 * stream.normal(),
                tokensPerSecond: 1_000_000 / method.stepMillis,
              },
            },
            where: {
              ranklab: "0.1.0",
              gitCommit: "0123456789abcdef0123456789abcdef01234567",
              deno: "2.9.6",
              packages: { "onnxruntime-node": "1.30.0" },
              device: { executor: "native", name: "2-core CPU", threads: 2 },
              platform: "linux x86_64",
              hashes: {
                data: {
                  [`${task}/train.tsv`]: "a".repeat(64),
                  [`${task}/dev.tsv`]: "b".repeat(64),
                },
                weights: "c".repeat(64),
                tokenizer: "d".repeat(64),
                lock: "e".repeat(64),
              },
            },
          };
          return {
            record,
            steps: Array.from({ length: hasFailed ? 17 : steps }, (_, i) => ({
              step: i + 1,
              epoch: 3 * i / steps,
              loss: lossAt(i / steps),
              regulariser: 0,
              gradientNorm: 1,
              learningRate: 1e-3 * (1 - i / steps),
              stepMillis: method.stepMillis,
              tokens: 640,
            })),
            evaluations: hasFailed ? [] : evaluations,
            ranks: budget === null ? [] : trained.ranks,
            importance: budget === null || !method.movesRanks ? [] : trained.importance,
            predictions: hasFailed ? [] : Array.from({ length: examples }, (_, id) => ({
              split: "dev",
              id,
              target: id % 2,
              prediction: root.fork(`example ${task} ${id}`).next() * 0.6 + 0.4 * stream.next() <
                  score
                ? id % 2
                : 1 - id % 2,
            })),
            slots: null,
            ablation: (options.hasAblation ?? false) && budget !== null && !hasFailed
              ? ablationOf(trained.final, metric, score, stream.fork("ablation"))
              : null,
          };
        })
      )
    )
  );
  const study = {
    name: "fixture",
    title: "A made-up study",
    description:
      "Four methods, three budgets, two tasks, three seeds; every number is drawn from a named stream.",
  };
  return {
    study,
    comparisons: [],
    planned: runs.map(({ record: { asked } }) => asked),
    warnings: [],
    runs,
    damaged: [],
    damagedFiles: [],
    replay: options.hasReplay ?? false ? fixtureReplay(options) : null,
    verification: null,
    tuned: null,
    claims: null,
    spectra: null,
  };
}

/** The labels of a replay, what they gain, and what ranks they have. */
const replayMethods = [
  ["LoRA, uniform ranks", 0, "uniform"],
  ["LoRA, ElaLoRA's ranks", 0.012, "final"],
  ["LoRA, ElaLoRA's ranks reversed in depth", -0.011, "reversed"],
] as const;

/** A study whose runs are a replay ablation. */
function fixtureReplay(options: FixtureOptions): ReplayResults {
  const replay = fixtureStudy({
    ...options,
    hasReplay: false,
    hasAblation: false,
    failures: [],
    methods: replayMethods.map(([label, gain]) => ({
      method: "lora",
      label,
      usesBudget: true,
      gain,
      stepMillis: 52,
      movesRanks: false,
    })),
  });
  const cellOf = ({ record: { asked: { task, budget, seed } } }: RunResults) =>
    JSON.stringify([task, budget, seed]);
  const [uniform] = replayMethods[0];
  const baselines = new Map(
    replay.runs.filter(({ record }) => record.asked.label === uniform)
      .map((run) => [cellOf(run), run.record.id]),
  );
  return {
    ...replay,
    runs: replay.runs.map((run) => ({
      ...run,
      replay: {
        variant: replayMethods.find(([label]) => label === run.record.asked.label)![2],
        source: "0".repeat(16),
        baseline: baselines.get(cellOf(run))!,
      },
    })),
  };
}
