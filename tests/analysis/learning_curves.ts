/**
 * Studies of learning curves by hand.
 *
 * @module
 */
import type { RunResults, StudyResults } from "../../src/analysis/results.ts";
import { scoredStudy, type ScorePlace } from "./scored_study.ts";

/** What a study of learning curves is made of. */
export interface CurveOptions {
  readonly labels?: readonly string[];
  readonly seeds?: number;
  readonly budgets?: readonly number[];
  /** Scores at equal distances over 100 steps of 10 ms, the last one at the end. */
  readonly curve: (place: ScorePlace) => readonly number[];
  readonly study?: Partial<StudyResults["study"]>;
}

/** A study of learning curves. */
export function studyOf(
  { labels = ["lora", "other"], seeds = 3, budgets = [4], curve, study }: CurveOptions,
) {
  const scored = scoredStudy({
    labels,
    budgets,
    seeds: Array.from({ length: seeds }, (_, i) => i + 1),
    score: (place) => curve(place).at(-1)!,
  });
  const runs = scored.runs.map((run): RunResults => {
    const { asked: { task, label, budget, seed }, happened } = run.record;
    const scores = curve({ task, label, budget: budget?.value ?? null, seed });
    return {
      ...run,
      record: { ...run.record, happened: { ...happened, steps: 100 } },
      evaluations: scores.map((accuracy, i) => ({
        step: 100 * (i + 1) / scores.length,
        epoch: 1,
        split: "dev",
        loss: 0.5,
        metrics: { accuracy },
      })),
      steps: Array.from({ length: 100 }, (_, i) => ({
        ...run.steps[0]!,
        step: i + 1,
        loss: 0.5,
        stepMillis: 10,
      })),
    };
  });
  return { ...scored, study: { ...scored.study, ...study }, runs };
}

const luck = [0, 0.004, -0.003, 0.006, 0.001, -0.005, 0.002, 0.007];

/** `lora` at .7 and `other` at .8, both flat; `slow` at .6 and still climbing. */
export const curves = ({ label, seed }: ScorePlace): readonly number[] => {
  const end = { lora: 0.7, other: 0.8, slow: 0.6 }[label]! +
    luck[label === "lora" ? seed - 1 : luck.length - seed]!;
  return label === "slow"
    ? [0.3, 0.4, 0.5, end - 0.05, end]
    : [end - 0.2, end - 0.1, end, end, end];
};

/** A run of 100 steps whose held-out loss still falls when it ends. */
export function stillFalling(run: RunResults): RunResults {
  const { happened } = run.record;
  return {
    ...run,
    record: { ...run.record, happened: { ...happened, steps: 100, ended: "cap" } },
    evaluations: [0.9, 0.8, 0.7, 0.6, 0.5].map((loss, i) => ({
      ...happened.last!,
      step: 20 * (i + 1),
      loss,
    })),
  };
}
