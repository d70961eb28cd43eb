/**
 * Everything about runs that can be found wrong before the first of them starts.
 *
 * @module
 */
import { errorMessage } from "../../base/input_error.ts";
import { unknownName } from "../../base/suggest.ts";
import type { Problem } from "./problems.ts";
import { countsOfPlan } from "../budget/range.ts";
import { adaptedModules, planRun } from "../budget/ranks.ts";
import { runTitle } from "../grid/run_id.ts";
import {
  evaluationSteps,
  stageSteps,
  stepsPerEpoch,
  tasksOf,
  trainedExamples,
  warmupSteps,
} from "../grid/steps.ts";
import type {
  MethodEntry,
  ModuleShape,
  PlannedCounts,
  RankPlan,
  RunFacts,
  RunSpec,
} from "../types.ts";

/** What the checks must know of tasks, models and methods. */
export interface RunTables {
  /** Methods that runs may have, by name. */
  readonly methods: readonly MethodEntry[];
  /** Examples of a task's training split; may throw where the task's files are wrong. */
  readonly examplesOf: (task: string) => number;
  /** Modules that can be adapted in a model, in model order; may throw where the model cannot be read. */
  readonly modulesOf: (model: string) => readonly ModuleShape[];
}

/** A run and the ranks that it is planned with. */
export interface CheckedRun {
  /** As it was asked. */
  readonly run: RunSpec;
  /** The adapted modules, in model order; empty for a method without ranks. */
  readonly modules: readonly ModuleShape[];
  /** Null for a method without ranks, and for a run whose budget does not fit, which is among the problems. */
  readonly plan: RankPlan | null;
}

/** What checking a study's runs came to. */
export interface CheckedRuns {
  /** Empty where all runs can start. */
  readonly problems: readonly Problem[];
  /** One for each run, in the order of the runs. */
  readonly runs: readonly CheckedRun[];
}

/**
 * Solves the ranks of runs and finds all their problems, in the order of the runs: examples and modules that cannot be had, a
 * learning-rate warm-up as long as the run, a rank schedule without room for adjustment, a budget that does not fit.
 *
 * A problem that several runs share is reported once, with the first of them and how many more there are.
 */
export function checkRuns(runs: readonly RunSpec[], tables: RunTables): CheckedRuns {
  const problems: RunProblem[] = [];
  const checked = runs.map((run): CheckedRun => {
    const { problems: own, ...found } = checkRun(run, tables);
    problems.push(...own.map((problem) => ({ ...problem, run })));
    return found;
  });
  return { problems: toldOnce(problems), runs: checked };
}

/** A problem of a run; `where` is the key within the run. */
export interface RunProblem extends Problem {
  readonly run: RunSpec;
}

/** Problems of runs, those that several runs share with the first of them and how many more there are. */
export function toldOnce(problems: readonly RunProblem[]): readonly Problem[] {
  const shared = Map.groupBy(problems, ({ where, message }) => `${where} ${message}`);
  return [...shared.values()].map((own) => {
    const { run, where, message } = own[0]!;
    const first = `run "${runTitle(run)}", ${where}`;
    const more = own.length - 1;
    return {
      where: more === 0 ? first : `${first} (and ${more} more ${more === 1 ? "run" : "runs"})`,
      message,
    };
  });
}

/** Steps of a run, or of a stage of one, at most: at a millisecond each, far less than encoders take, they last three hours. */
const mostSteps = 10_000_000;

function checkRun(
  run: RunSpec,
  tables: RunTables,
): CheckedRun & { readonly problems: readonly Problem[] } {
  const entry = tables.methods.find(({ name }) => name === run.method);
  if (entry === undefined) {
    const known = tables.methods.map(({ name }) => name);
    const message = unknownName("method", run.method, known);
    return { run, modules: [], plan: null, problems: [{ where: "method", message }] };
  }
  const problems: Problem[] = [];
  const attempt = <T>(where: string, work: () => T): T | null => {
    try {
      return work();
    } catch (error) {
      problems.push({ where, message: errorMessage(error) });
      return null;
    }
  };
  const stages = attempt("task", () => {
    for (const task of tasksOf(run)) trainedExamples(run.settings, tables.examplesOf(task));
    return stageSteps(run, tables.examplesOf);
  });
  const longest = Math.max(0, ...stages ?? []);
  if (longest > mostSteps) {
    const { steps, epochs } = run.settings.train;
    return {
      run,
      modules: [],
      plan: null,
      problems: [{
        where: `settings.train.${steps === null ? "epochs" : "steps"}`,
        message: `found ${longest.toLocaleString("en")} steps${
          steps === null ? ` by ${epochs} epochs` : ""
        }, wanted at most ${mostSteps.toLocaleString("en")}`,
      }],
    };
  }
  if (stages !== null) {
    // Each stage of a sequence warms up anew.
    const shortest = Math.min(...stages);
    const what = run.sequence === undefined ? "run" : "stage";
    const warmup = warmupSteps(run.settings.train, shortest);
    if (warmup >= shortest) {
      problems.push({
        where: "settings.train.warmup",
        message:
          `found a warm-up of ${warmup} steps in a ${what} of ${shortest}, wanted fewer steps than the ${what} has`,
      });
    }
  }
  const all = entry.usesBudget
    ? attempt("settings.model", () => tables.modulesOf(run.settings.model))
    : [];
  const plan = all === null ? null : attempt("budget", () => {
    const steps = stages?.reduce((sum, own) => sum + own, 0);
    return planRun(entry, run, all, steps);
  });
  if (stages !== null && all !== null) {
    attempt("options", () => {
      const facts = factsOf(entry, run, plan, tables);
      entry.check(run.options, facts);
      const evaluations = evaluationSteps(run.settings, tables.examplesOf(tasksOf(run)[0]!));
      const warmup = warmupSteps(run.settings.train, facts.totalSteps);
      problems.push(...problemsOfUntil(run, entry, facts, evaluations, warmup));
    });
  }
  problems.push(...problemsOfSequence(run));
  const modules = adaptedModules(all ?? [], run.settings, entry.moduleParts(run.options));
  return { run, modules, plan, problems };
}

/**
 * What is known of a run before it starts.
 *
 * @throws {RangeError} If a task has no example to train on.
 */
function factsOf(
  entry: MethodEntry,
  run: RunSpec,
  plan: RankPlan | null,
  { examplesOf, modulesOf }: Pick<RunTables, "examplesOf" | "modulesOf">,
): RunFacts {
  const { settings } = run;
  const tasks = tasksOf(run);
  const stages = stageSteps(run, examplesOf);
  const first = examplesOf(tasks[0]!);
  const modules = entry.usesBudget ? modulesOf(settings.model) : [];
  return {
    totalSteps: stages.reduce((sum, steps) => sum + steps, 0),
    stages: stages.map((steps, i) => ({ task: tasks[i]!, steps })),
    stepsPerEpoch: stepsPerEpoch(settings, first),
    trainExamples: trainedExamples(settings, first),
    modules: adaptedModules(modules, settings, entry.moduleParts(run.options)),
    plan,
  };
}

/**
 * The adapter parameters that a run will have at the start, at most and in the selected evaluation, as far as they are known
 * before; null for a method without ranks.
 *
 * @param plan Of the run, as {@linkcode planRun} gives it.
 */
export function plannedCounts(
  entry: MethodEntry,
  run: RunSpec,
  plan: RankPlan | null,
  tables: Pick<RunTables, "examplesOf" | "modulesOf">,
): PlannedCounts | null {
  if (plan === null) return null;
  // The ranks of a run that may not have been made yet are not known.
  if (run.ranksFrom !== undefined) return { initial: null, peak: null, final: null };
  if (entry.counts === undefined) return countsOfPlan({ plan });
  const { budget, options, settings: { train: { keep } } } = run;
  const costs = entry.costs(options);
  const facts = { ...factsOf(entry, run, plan, tables), plan, budget, costs, keep };
  return entry.counts(options, facts);
}

function problemsOfSequence({ sequence, settings }: RunSpec): readonly Problem[] {
  if (sequence === undefined) return [];
  if (settings.train.verdictSplit === true) {
    return [{
      where: "settings.train.verdictSplit",
      message:
        "found true for a sequence of tasks, wanted false: a sequence has one evaluation a task, of the whole split",
    }];
  }
  if (settings.train.keep === "last") return [];
  return [{
    where: "settings.train.keep",
    message:
      `found "${settings.train.keep}", wanted "last": earlier evaluations of a sequence are ` +
      `of fewer classes, so that the best one is of the fewest`,
  }];
}

/**
 * What a run that ends at a plateau cannot go with; none for other runs.
 *
 * @param evaluations Steps after which it evaluates, from 1.
 * @param warmup Steps of the warm-up.
 */
function problemsOfUntil(
  run: RunSpec,
  entry: MethodEntry,
  facts: RunFacts,
  evaluations: readonly number[],
  warmup: number,
): readonly Problem[] {
  const { until, heldOut, evaluateEvery, evaluateEpochs } = run.settings.train;
  if (until === undefined) return [];
  const problem = (message: string, key = "until") => ({ where: `settings.train.${key}`, message });
  if (run.sequence !== undefined) {
    return [problem(
      "found a plateau for a sequence of tasks, wanted epochs or steps: a task that one method learns for longer than another is " +
        "forgotten differently, so that their scores say nothing about the methods",
    )];
  }
  // With one share for both, as in the trials of a tuning, the dev set is not looked at.
  if (heldOut !== null && heldOut !== until.plateau.heldOut) {
    return [problem(
      `found ${heldOut} besides a plateau, which holds out ${until.plateau.heldOut} itself, wanted one of them: leave train.heldOut ` +
        "out where the dev set is to be evaluated, or train.until where it is not",
      "heldOut",
    )];
  }
  if (evaluateEvery === null && !evaluateEpochs) {
    return [problem(
      "found a plateau in a run that evaluates at its end only, wanted evaluations before: set train.evaluateEvery or " +
        "train.evaluateEpochs",
    )];
  }
  const event = entry.lastEvent?.(run.options, facts) ?? 0;
  const last = Math.max(event, warmup);
  const counted = evaluations.filter((step) => step > last).length;
  const { patience } = until.plateau;
  if (counted > patience) return [];
  const after = last === 0 || counted === evaluations.length
    ? ""
    : event >= warmup
    ? ` after step ${last}, up to which "${run.method}" changes ranks`
    : ` after step ${last}, up to which the learning rate is warmed up`;
  return [problem(
    `found ${counted} evaluations${after} in the ${facts.totalSteps} steps that the run may take, wanted more than the patience of ` +
      `${patience}, or no plateau is found before the end; ` +
      (last >= facts.totalSteps
        ? "use epochs or steps for this method"
        : "raise train.steps or train.epochs, or evaluate more often (train.evaluateEvery)"),
  )];
}
