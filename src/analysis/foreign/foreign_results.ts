/**
 * Scores that were made elsewhere as the results of a study: the same tables, tests and verdicts read them.
 *
 * @module
 */
import { UsageError } from "../../base/input_error.ts";
import { counted, listed, significant, whole } from "../../base/format.ts";
import { unknownName } from "../../base/suggest.ts";
import { type EvaluationLine, recordSchemaVersion, type RunResults } from "../../record/types.ts";
import { StudyError } from "../../study/check/problems.ts";
import { problemsOfClaims } from "../../study/check/study.ts";
import { type ArmRun, armText, claimPairs } from "../../study/compare/arms.ts";
import type { Claim, ClaimsOfStudy } from "../../study/schema/claims.ts";
import { unmarked } from "../../tasks/metrics.ts";
import type { StudyResults } from "../results.ts";
import type { ForeignClaims, ForeignOptions, ForeignScore } from "./foreign_score.ts";
import { type ForeignRun, foreignRuns } from "./foreign_runs.ts";

/** The split that scores of elsewhere are on. */
const split = "test";

/** What every record of a run of elsewhere shares: nothing is known of it. */
const unknownRun = {
  where: {
    ranklab: "elsewhere",
    gitCommit: null,
    deno: "",
    packages: {},
    device: { executor: "elsewhere", name: "not known", threads: 1 },
    platform: "not known",
    hashes: { data: {}, weights: "", tokenizer: "", lock: null },
  },
  time: {
    startedAt: "1970-01-01T00:00:00.000Z",
    wallMillis: 0,
    trainMillis: 0,
    evaluateMillis: 0,
    medianStepMillis: 0,
    tokensPerSecond: 0,
  },
} as const;

/** The budget as ranklab writes it: what makes sizes comparable is a rank. */
const budgetOf = (budget: number | null) =>
  budget === null ? null : { type: "rank", value: budget } as const;

/** Examples by number: the same one has the same number in all runs of a task. */
type ExampleIds = Map<string, Map<string, number>>;

function idOf(ids: ExampleIds, task: string, example: string): number {
  const own = ids.get(task) ?? new Map<string, number>();
  ids.set(task, own);
  const id = own.get(example) ?? own.size;
  own.set(example, id);
  return id;
}

function recordedRun(run: ForeignRun, name: string, ids: ExampleIds): RunResults {
  const { task, method, budget, seed, parameters, metrics, first: { file, line } } = run;
  const [primary] = metrics;
  const lines = new Map<number, Record<string, number>>();
  for (const { name, steps } of metrics) {
    for (const { step, score } of steps) {
      const own = lines.get(step) ?? {};
      lines.set(step, own);
      if (score !== null) own[name] = score;
    }
  }
  const evaluations = [...lines].toSorted(([a], [b]) => a - b).map(([step, metrics]) => ({
    ...{ step, epoch: 0, split, loss: NaN, metrics },
  } satisfies EvaluationLine));
  const last = evaluations.at(-1)!;
  const place = `${file ?? "scores"}:${line ?? ""}`;
  return {
    record: {
      schema: recordSchemaVersion,
      id: place,
      asked: {
        ...{ study: name, task, method, label: method, methodVersion: 1, options: {}, seed },
        budget: budgetOf(budget),
        run: {},
      },
      happened: {
        outcome: { state: "finished" },
        steps: last.step,
        epochs: 0,
        primaryMetric: primary!.name,
        keep: "last",
        best: last,
        last,
        others: [],
        ...(primary!.count === null
          ? {}
          : { examples: { train: 0, splits: { [split]: primary!.count } } }),
        finalTrainLoss: null,
        parameters: { total: 0, trainable: parameters ?? 0, head: 0 },
        budget: null,
        initialRanks: null,
        finalRanks: null,
        rankEvents: 0,
        ranksMoved: 0,
        time: unknownRun.time,
      },
      where: unknownRun.where,
    },
    steps: [],
    evaluations,
    ranks: [],
    importance: [],
    // A score of an example is what is predicted where all is to be right.
    predictions: [...primary!.examples].map(([example, score]) => ({
      ...{ split, id: idOf(ids, task, example), target: 1, prediction: score },
    })),
    slots: null,
    ablation: null,
  };
}

/**
 * The results of a study whose runs were made elsewhere.
 *
 * @param scores One a run, or one a run and example or step; their order does not matter but where seeds are not given.
 * @param given What is claimed of them.
 *
 * @throws {InputError} If rows cannot be meant as they stand; it names file and line.
 * @throws {StudyError} If a claim is about what is not there.
 */
export function foreignResults(
  scores: readonly ForeignScore[],
  given: ForeignClaims = {},
  options: ForeignOptions = {},
): StudyResults {
  const { runs, warnings, notes } = foreignRuns(scores, options);
  const { name = "elsewhere" } = options;
  const ids: ExampleIds = new Map();
  const recorded = runs.map((run) => recordedRun(run, name, ids));
  const planned = recorded.map(({ record: { asked } }): ArmRun => ({
    ...asked,
    settings: {},
  }));
  const { title = name, margin } = given;
  const claims = claimsOf(given, planned, runs);
  const sources = [...Map.groupBy(scores, ({ file = "scores" }) => file)].map(([file, own]) => ({
    file,
    rows: own.length,
  }));
  return {
    study: {
      name,
      title,
      description: `Scores that were made elsewhere: ${counted(runs.length, "run")} from ${
        whole(scores.length)
      } rows.`,
      ...(margin === undefined ? {} : { margin }),
    },
    comparisons: [],
    planned,
    warnings: [
      ...options.warnings ?? [],
      ...warnings,
      ...runWarnings(runs),
      ...claims.warnings,
    ].map((text) => ({ text })),
    runs: recorded,
    damaged: [],
    damagedFiles: [],
    replay: null,
    verification: null,
    tuned: null,
    claims: claims.study === null ? null : { study: claims.study, planned, statements: [] },
    spectra: null,
    foreign: { sources, notes, baseline: baselineOf(runs, options.baseline) },
  };
}

function baselineOf(runs: readonly ForeignRun[], asked: string | undefined): string {
  const methods = [...new Set(runs.map(({ method }) => method))];
  if (asked === undefined) {
    return methods.find((name) => name.toLowerCase() === "lora") ?? methods[0]!;
  }
  if (methods.includes(asked)) return asked;
  throw new UsageError(unknownName("method", asked, methods));
}

/** The claims with what they leave out; a study of none where nothing is claimed. */
function claimsOf(
  { claims = [], decide = {}, margin }: ForeignClaims,
  planned: readonly ArmRun[],
  runs: readonly ForeignRun[],
): { readonly study: ClaimsOfStudy | null; readonly warnings: readonly string[] } {
  if (claims.length === 0) return { study: null, warnings: [] };
  const seeds = [...new Set(planned.map(({ seed }) => seed))].toSorted((a, b) => a - b);
  const { rule = "fixed" } = decide;
  const study = {
    ...(margin === undefined ? {} : { margin }),
    // Before the third seed no rule decides anything.
    decide: {
      ...decide,
      rule,
      ...(rule === "fixed" ? { mostSeeds: Math.max(3, seeds.length) } : {}),
    },
    axes: { seeds },
    isFinished: true,
  } as const;
  const tasks = [...new Set(planned.map(({ task }) => task))];
  const named = new Map(
    runs.flatMap(({ metrics }) => metrics.map(({ name }) => [unmarked(name).title, name])),
  );
  const known = claims.map(({ metric, ...claim }): Claim =>
    metric === undefined ? claim : { ...claim, metric: named.get(metric) ?? metric }
  );
  const metricsOf = (task: string) => [
    ...new Set(
      runs.filter((run) => run.task === task).flatMap(({ metrics }) =>
        metrics.map(({ name }) => name)
      ),
    ),
  ];
  const problems = problemsOfClaims({ ...study, claims: known }, planned, tasks, metricsOf);
  if (problems.length > 0) throw new StudyError("Cannot decide the claims", problems);
  const whole = known.map((claim) => wholeSeeds(claim, planned));
  return {
    study: { ...study, claims: whole.map(({ claim }) => claim) },
    warnings: whole.flatMap(({ warning }) => warning ?? []),
  };
}

/** A claim without the seeds that lack a run of one arm on one of its tasks, and which these are. */
function wholeSeeds(
  claim: Claim,
  planned: readonly ArmRun[],
): { readonly claim: Claim; readonly warning: string | null } {
  const pairs = claimPairs(claim, planned);
  const placeOf = ({ task, a }: typeof pairs[number]) => JSON.stringify([task, a.budget]);
  const places = new Set(pairs.map(placeOf));
  const bySeed = Map.groupBy(pairs, ({ seed }) => seed);
  const partial = [...bySeed].filter(([, own]) => new Set(own.map(placeOf)).size < places.size)
    .map(([seed]) => seed).toSorted((a, b) => a - b);
  if (partial.length === 0) return { claim, warning: null };
  const exclude = [...claim.exclude ?? [], { seed: partial }];
  return {
    claim: { ...claim, exclude },
    warning: `Claim "${claim.name}" leaves out ${partial.length === 1 ? "seed" : "seeds"} ${
      listed(partial.map(String))
    }: ${armText(claim.a)} and ${
      armText(claim.b)
    } do not both have a run there on each of its tasks.`,
  };
}

/** Tasks, methods or places that a warning names. */
const mostNamed = 5;

function someText(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return more > 0
    ? `${names.slice(0, mostNamed).join("; ")}; and ${whole(more)} more`
    : names.join("; ");
}

/** What the runs cannot show. */
function runWarnings(runs: readonly ForeignRun[]): readonly string[] {
  const warnings: string[] = [];
  const methods = new Set(runs.map(({ method }) => method));
  if (methods.size === 1) {
    warnings.push(`All scores are of one method, ${[...methods][0]}: there is nothing to compare.`);
  }
  const lost = runs.filter(({ metrics }) => metrics[0]!.steps.at(-1)!.score === null);
  if (lost.length > 0) {
    warnings.push(
      `${counted(lost.length, "run")} ${lost.length === 1 ? "has" : "have"} no score and ${
        lost.length === 1 ? "counts" : "count"
      } in no mean: ${
        someText(lost.map(({ task, method, seed }) => `${method} on ${task} with seed ${seed}`))
      }.`,
    );
  }
  const apart = [...Map.groupBy(runs, ({ task, budget }) => `${task}\0${budget ?? ""}`).values()]
    .flatMap((own) => {
      const seeds = [...Map.groupBy(own, ({ method }) => method)].map(([method, of]) => ({
        method,
        seeds: new Set(of.map(({ seed }) => seed)),
      }));
      const [first] = seeds;
      const alone = seeds.filter((other) => first!.seeds.isDisjointFrom(other.seeds));
      return alone.map((other) =>
        `${first!.method} and ${other.method} on ${own[0]!.task} (${seedsText(first!.seeds)} and ${
          seedsText(other.seeds)
        })`
      );
    });
  if (apart.length > 0) {
    warnings.push(
      `Methods without a seed in common cannot be paired: ${
        someText(apart)
      }. Leave the column of seeds out to pair their runs in their order.`,
    );
  }
  const sizes = runs.flatMap(({ parameters }) => parameters ?? []);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (most > 1.5 * least && runs.every(({ budget }) => budget === null)) {
    warnings.push(
      `Methods train between ${whole(least)} and ${whole(most)} parameters (${
        significant(most / least, 2)
      } times as many): what is compared are configurations, not methods at equal budgets.`,
    );
  }
  return warnings;
}

const seedsText = (seeds: ReadonlySet<number>): string =>
  `${seeds.size === 1 ? "seed" : "seeds"} ${
    someText([...seeds].toSorted((a, b) => a - b).map(String)).replaceAll(";", ",")
  }`;
