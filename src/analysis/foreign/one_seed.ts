/**
 * What examples say where each method has one seed: whether two trained models differ, not whether two methods do.
 *
 * @module
 */
import { pairedShares, shareInterval, unpairedShares } from "../../stats/proportions.ts";
import { holm, significanceLevel } from "../../stats/rank_tests.ts";
import { summarise } from "../../stats/statistics.ts";
import { upperProbability } from "../../stats/distributions.ts";
import { meritOf, rangeOf } from "../../tasks/metrics.ts";
import type { Basis } from "../basis.ts";
import { budgetName, keyOf, selectedEvaluation } from "../run_rows.ts";

/** A model on a task, the only one of its method and budget. */
interface OneModel extends Pick<ModelRow, "label" | "budget" | "score" | "n"> {
  /** Scores by example; empty where they are not known. */
  readonly examples: ReadonlyMap<number, number>;
}

/** Two models on a task; a difference above zero where the first is better. */
export interface ModelPair {
  /** Its name. */
  readonly task: string;
  /** The metric's name, as records have it. */
  readonly metric: string;
  /** Method of the first model. */
  readonly label: string;
  /** Budget of the first model. */
  readonly budget: string;
  /** Method of the second model. */
  readonly other: string;
  /** Budget of the second model. */
  readonly otherBudget: string;
  /** Examples that both have; null where only their numbers are known. */
  readonly shared: number | null;
  /** The first score minus the second, turned so that higher is better. */
  readonly difference: number;
  /** Lower end of its 95% interval over examples, not corrected. */
  readonly low: number;
  /** Upper end of the interval. */
  readonly high: number;
  /** Of the two-sided test for no difference. */
  readonly p: number;
  /** By Holm, for all pairs of one seed. */
  readonly corrected: number;
}

/** A model with how it stands to the baseline's and to the best. */
export interface ModelRow {
  /** Its name. */
  readonly task: string;
  /** The metric's name, as records have it. */
  readonly metric: string;
  /** Its method. */
  readonly label: string;
  /** Its budget's name. */
  readonly budget: string;
  /** Its score, as recorded. */
  readonly score: number;
  /** Examples that the score is the mean of. */
  readonly n: number;
  /** Lower end of the 95% interval over examples. */
  readonly low: number;
  /** Upper end of the interval. */
  readonly high: number;
  /** The pair with the baseline, told of this model; null for the baseline itself, and where it has several seeds or none. */
  readonly againstBaseline: ModelPair | null;
  /** The pair with the best model, told of this one; null for that itself. */
  readonly againstBest: ModelPair | null;
}

/** What one seed says on a task. */
export interface OneSeedTask {
  /** Its name. */
  readonly task: string;
  /** The metric's name, as records have it. */
  readonly metric: string;
  /** The best first. */
  readonly models: readonly ModelRow[];
  /** All pairs of them. */
  readonly pairs: readonly ModelPair[];
}

/** Whether two models differ on further examples. */
export const differs = ({ corrected }: ModelPair): boolean => corrected < significanceLevel;

/** Whether a score is a mean over examples that are right or wrong, or in between. */
const isShare = (metric: string): boolean => Number.isFinite(rangeOf(metric)[1]);

/** The tasks on which several methods have one seed each and a number of examples. */
export function oneSeedTasks(basis: Basis): readonly OneSeedTask[] {
  const scored = basis.runs.flatMap((run) => {
    const { asked, happened } = run.record;
    const selected = selectedEvaluation(run.record);
    const score = selected?.metrics[happened.primaryMetric];
    const n = happened.examples?.splits[selected?.split ?? ""];
    return score === undefined ? [] : [{
      ...{ task: asked.task, metric: happened.primaryMetric, label: asked.label, score },
      ...{ budget: budgetName(asked.budget), n: n ?? 0, run },
    }];
  });
  const cells = Map.groupBy(scored, ({ task, label, budget }) => keyOf(task, label, budget));
  const single = [...cells.values()].flatMap((own) => own.length === 1 && own[0]!.n > 1 ? own : []);
  const found = [...Map.groupBy(single, ({ task }) => task)].flatMap(([task, own]) => {
    const { metric } = own[0]!;
    if (own.length < 2 || !isShare(metric)) return [];
    const models = own.map(({ run, label, budget, score, n }): OneModel => ({
      ...{ label, budget, score, n },
      examples: new Map(run.predictions.map(({ id, prediction }) => [id, prediction])),
    })).toSorted((a, b) => meritOf(metric, b.score) - meritOf(metric, a.score));
    return [{ task, metric, models, pairs: pairsOf(task, metric, models) }];
  });
  const corrected = holm(found.flatMap(({ pairs }) => pairs.map(({ p }) => p)));
  let next = 0;
  return found.map(({ task, metric, models, pairs: raw }) => {
    const pairs = raw.map((pair): ModelPair => ({ ...pair, corrected: corrected[next++]! }));
    return { task, metric, models: models.map(rowOf(task, metric, models, pairs, basis)), pairs };
  });
}

function rowOf(
  task: string,
  metric: string,
  models: readonly OneModel[],
  pairs: readonly ModelPair[],
  { baseline }: Basis,
): (model: OneModel) => ModelRow {
  const nameOf = (label: string, budget: string) => keyOf(label, budget);
  const found = new Map(
    pairs.flatMap((pair) => {
      const [a, b] = [nameOf(pair.label, pair.budget), nameOf(pair.other, pair.otherBudget)];
      return [[keyOf(a, b), pair], [keyOf(b, a), turned(pair)]] as const;
    }),
  );
  const best = models[0]!;
  return ({ examples, ...model }) => {
    const own = nameOf(model.label, model.budget);
    const against = (other: OneModel | undefined) =>
      other === undefined ? null : found.get(keyOf(own, nameOf(other.label, other.budget))) ?? null;
    const base =
      models.find(({ label, budget }) => label === baseline && budget === model.budget) ??
        models.find(({ label }) => label === baseline);
    return {
      ...{ task, metric, ...model, ...intervalOf({ ...model, examples }) },
      againstBaseline: against(base),
      againstBest: against(best),
    };
  };
}

function turned(pair: ModelPair): ModelPair {
  return {
    ...pair,
    ...{ label: pair.other, budget: pair.otherBudget },
    ...{ other: pair.label, otherBudget: pair.budget },
    ...{ difference: -pair.difference, low: -pair.high, high: -pair.low },
  };
}

const isRightOrWrong = (values: readonly number[]) => values.every((v) => v === 0 || v === 1);

function intervalOf({ score, n, examples }: OneModel) {
  const values = [...examples.values()];
  if (values.length > 1 && !isRightOrWrong(values)) {
    const { low, high } = summarise(values);
    return { low: low!, high: high! };
  }
  return shareInterval(Math.min(1, Math.max(0, score)), n);
}

function pairsOf(
  task: string,
  metric: string,
  models: readonly OneModel[],
): readonly Omit<ModelPair, "corrected">[] {
  return models.flatMap((a, i) =>
    models.slice(i + 1).map((b) => {
      const { shared, difference, low, high, p } = compared(a, b);
      const sign = meritOf(metric, 1);
      return {
        ...{ task, metric, label: a.label, budget: a.budget },
        ...{ other: b.label, otherBudget: b.budget, shared, p },
        difference: sign * difference,
        low: sign > 0 ? low : -high,
        high: sign > 0 ? high : -low,
      };
    })
  );
}

/** Two models on the examples that both have, else by their numbers alone. */
function compared(a: OneModel, b: OneModel) {
  const both: (readonly [number, number])[] = [];
  for (const [id, ours] of a.examples) {
    const theirs = b.examples.get(id);
    if (theirs !== undefined) both.push([ours, theirs]);
  }
  const share = ({ score, n }: OneModel) => ({ share: Math.min(1, Math.max(0, score)), n });
  if (both.length < 2) return { shared: null, ...unpairedShares(share(a), share(b)) };
  const shared = both.length;
  if (isRightOrWrong(both.flat())) {
    const only = (first: number) => both.filter(([x, y]) => x === first && y === 1 - first).length;
    return { shared, ...pairedShares(only(1), only(0), shared) };
  }
  const { mean, sd, low, high } = summarise(both.map(([x, y]) => x - y));
  const t = Math.abs(mean!) / (sd! / Math.sqrt(shared));
  const p = sd === 0 ? (mean === 0 ? 1 : 0) : 2 * upperProbability(t, shared - 1);
  return { shared, difference: mean!, low: low!, high: high!, p };
}
