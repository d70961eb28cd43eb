/**
 * Studies with scores by hand: what sentences and tables say of them can be worked out.
 *
 * @module
 */
import type { RunResults, StudyResults } from "../../src/analysis/results.ts";
import { type FixtureMethod, fixtureMethods, fixtureStudy } from "./fixture.ts";

/** The place of a run among the scores. */
export interface ScorePlace {
  readonly task: string;
  readonly label: string;
  /** Null for methods without a budget. */
  readonly budget: number | null;
  readonly seed: number;
}

/** A study by its scores. */
export interface ScoredOptions {
  /** Names and metrics; default one task `t` evaluated by accuracy. */
  readonly tasks?: readonly (readonly [name: string, metric: string])[];
  /** Labels; `lora` is plain LoRA, `head` and `full` have no budget. Default `lora` and `other`. */
  readonly labels?: readonly string[];
  /** Default rank 4. */
  readonly budgets?: readonly number[];
  /** Default 1, 2, 3. */
  readonly seeds?: readonly number[];
  /** The score as recorded; null for a run that failed, undefined for one that was not made. */
  readonly score: (place: ScorePlace) => number | null | undefined;
}

function methodOf(label: string): FixtureMethod {
  return {
    ...fixtureMethods[1]!,
    method: ["lora", "head", "full"].includes(label) ? label : "elalora",
    label,
    usesBudget: label !== "head" && label !== "full",
  };
}

/** The study. */
export function scoredStudy(options: ScoredOptions): StudyResults {
  const study = fixtureStudy({
    tasks: options.tasks ?? [["t", "accuracy"]],
    methods: (options.labels ?? ["lora", "other"]).map(methodOf),
    budgets: options.budgets ?? [4],
    seeds: options.seeds ?? [1, 2, 3],
    layers: 1,
    steps: 4,
    events: 1,
    examples: 0,
  });
  const runs = study.runs.flatMap((run): readonly RunResults[] => {
    const { asked, happened } = run.record;
    const { task, label, seed } = asked;
    const score = options.score({ task, label, seed, budget: asked.budget?.value ?? null });
    if (score === undefined) return [];
    const metrics = { [happened.primaryMetric]: score ?? 0.9 };
    const last = { ...happened.last!, metrics };
    const outcome = score === null
      ? {
        state: "failed",
        cause: "diverged",
        message: "Loss became NaN at step 3",
        step: 3,
      } as const
      : happened.outcome;
    // A failed run may have been evaluated before it failed.
    return [{
      ...run,
      record: { ...run.record, happened: { ...happened, outcome, best: last, last } },
    }];
  });
  return { ...study, runs };
}

/** Changes what happened in every run. */
export function withHappened(
  study: StudyResults,
  change: (run: RunResults) => Partial<RunResults["record"]["happened"]>,
): StudyResults {
  return {
    ...study,
    runs: study.runs.map((run) => ({
      ...run,
      record: { ...run.record, happened: { ...run.record.happened, ...change(run) } },
    })),
  };
}
