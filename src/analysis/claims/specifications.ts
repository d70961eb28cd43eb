/**
 * The specification curve of a claim: its difference at the tuned settings of its arms and at those beside them, by the trials.
 *
 * Tuning chooses by noisy scores, so that the settings beside the chosen ones might as well have been chosen. What a claim says of
 * methods holds there too.
 *
 * @module
 */
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import { listed } from "../../base/format.ts";
import { pooledDifferences, type ValuePair } from "../../stats/pooled_pairs.ts";
import { intervalLevel, meanOf } from "../../stats/statistics.ts";
import { budgetKey, hasBudget } from "../../study/budget/budget.ts";
import { type ArmRun, type ClaimPair, claimPairs } from "../../study/compare/arms.ts";
import { type Claim, marginOf } from "../../study/schema/claims.ts";
import { shortNames, valueText } from "../../study/schema/setting_paths.ts";
import {
  isTunedFor,
  type Tuned,
  type TunedChoice,
  type TunedTrial,
} from "../../study/schema/tuned.ts";
import { meritOf } from "../../tasks/metrics.ts";
import { budgetName } from "../run_rows.ts";
import type { StudyResults } from "../results.ts";
import type { StatedClaims } from "./statement.ts";

/** Settings of an arm by how they lie beside those that were chosen. */
export interface BesideSettings {
  /** Such as `chosen` or `learningRate lower`. */
  readonly position: string;
  /** Such as `learningRate 0.01`; of several choices, with the values of each. */
  readonly values: string;
}

/** A claim's difference at one pair of settings; in margins, above zero where arm a is better. */
export interface Specification {
  /** Such as `rank 4`, or `all budgets` where the claim is about several. */
  readonly budget: string;
  /** The settings of arm a. */
  readonly a: BesideSettings;
  /** Those of arm b. */
  readonly b: BesideSettings;
  /** Whether both arms have what was chosen for them. */
  readonly isChosen: boolean;
  /** Seeds of the trials; 0 where one of them failed. */
  readonly n: number;
  /** Null where a trial failed. */
  readonly mean: number | null;
  /** End of the interval; null where there are fewer than two seeds. */
  readonly low: number | null;
  /** See {@linkcode Specification.low}. */
  readonly high: number | null;
}

/** The differences of a claim at all pairs of settings that are looked at. */
export interface SpecificationCurve {
  /** By budget, then ascending by difference; those without one are last. */
  readonly rows: readonly Specification[];
  /** Why there are none; empty where there are some. */
  readonly missing: string;
}

/** A task at the budgets of both arms, and the choices for them. */
interface Place {
  readonly pair: ClaimPair<ArmRun>;
  readonly a: TunedChoice;
  readonly b: TunedChoice;
}

/** Trials by how they lie beside the chosen one: `chosen`, `train.learningRate lower`, ... */
type Around = ReadonlyMap<string, TunedTrial>;

const chosen = "chosen";

/**
 * The chosen trial, and on either side of each of its numbers the nearest one that was trained to its end: nearness counts the values
 * tried in between, over all settings.
 */
function aroundOf({ values, score, trials }: TunedChoice): Around {
  const whole = trials.filter(({ share }) => share === undefined);
  const key = canonicalJson(values as Json);
  const best = whole.find((trial) => trial.score === score && canonicalJson(trial.values) === key);
  if (best === undefined) return new Map();
  const paths = Object.keys(values);
  const ranks = new Map(paths.map((path) => {
    const tried = whole.map((trial) => trial.values[path]!);
    const sorted = tried.every((value) => typeof value === "number")
      ? [...new Set(tried)].sort((x, y) => x - y)
      : null;
    return [path, sorted] as const;
  }));
  const stepsTo = (trial: TunedTrial, path: string): number => {
    const sorted = ranks.get(path) ?? null;
    const [from, to] = [values[path]!, trial.values[path]!];
    if (sorted === null) return Number(canonicalJson(from) !== canonicalJson(to));
    return sorted.indexOf(to as number) - sorted.indexOf(from as number);
  };
  const distance = (trial: TunedTrial) =>
    paths.reduce((sum, path) => sum + Math.abs(stepsTo(trial, path)), 0);
  const nearest = (trials: readonly TunedTrial[]) =>
    trials.toSorted((x, y) => distance(x) - distance(y))[0];
  const beside = paths.filter((path) => ranks.get(path) !== null).flatMap((path) =>
    ([["lower", -1], ["higher", 1]] as const).flatMap(([side, sign]) => {
      const trial = nearest(whole.filter((trial) => sign * stepsTo(trial, path) > 0));
      return trial === undefined ? [] : [[`${path} ${side}`, trial] as const];
    })
  );
  return new Map([[chosen, best], ...beside]);
}

/** Positions that all choices of an arm have. */
function positionsOf(choices: readonly Around[]): readonly string[] {
  const [first = new Map(), ...rest] = choices;
  return [...first.keys()].filter((key) => rest.every((own) => own.has(key)));
}

/** Settings at a position in words, with the values of all choices there. */
function besideText(position: string, choices: readonly Around[]): BesideSettings {
  const trials = choices.map((around) => around.get(position)!);
  const paths = Object.keys(trials[0]!.values);
  const names = shortNames(paths);
  const valuesOf = (path: string) =>
    [...new Set(trials.map(({ values }) => valueText(values[path]!)))].join(" / ");
  const [path, side] = position.split(" ");
  return {
    position: side === undefined ? position : `${names.get(path!)} ${side}`,
    values: paths.map((path) => `${names.get(path)} ${valuesOf(path)}`).join(", "),
  };
}

/** The runs of a trial on a run's task and budget, one a seed. */
function runsFor({ runs = [] }: TunedTrial, run: ArmRun): NonNullable<TunedTrial["runs"]> {
  return runs.filter(({ task, budget }) =>
    (task ?? run.task) === run.task && (budget === undefined || hasBudget(run, budget))
  );
}

/** The scores of a trial on a run's task and budget, in margins and turned over where lower is better; null where one failed. */
function meritsOf(
  choice: TunedChoice,
  trial: TunedTrial,
  run: ArmRun,
  margin: number,
): readonly number[] | null {
  const merits = runsFor(trial, run).map(({ score, metric = choice.metric }) =>
    score === null ? NaN : meritOf(metric, score) / margin
  );
  return merits.every(Number.isFinite) ? merits : null;
}

/** The mean of several, seed by seed; null where one of them is. */
function meanOver(places: readonly (readonly number[] | null)[]): readonly number[] | null {
  const whole = places.filter((own) => own !== null);
  if (whole.length < places.length) return null;
  return whole[0]!.map((_, seed) => meanOf(whole.map((own) => own[seed]!)));
}

const budgetsText = ({ a, b }: ClaimPair<ArmRun>): string =>
  [...new Set([a, b].map(({ budget }) => budgetName(budget)))].join(" / ");

/** Each task and budget of a claim once. */
function placesOf(
  { planned }: Pick<StatedClaims, "planned">,
  claim: Claim,
): readonly ClaimPair<ArmRun>[] {
  const keyOf = ({ task, a, b }: ClaimPair<ArmRun>) =>
    JSON.stringify([task, ...[a, b].map(({ budget }) => budget && budgetKey(budget))]);
  const pairs = claimPairs(claim, planned);
  return [...new Map(pairs.map((pair) => [keyOf(pair), pair])).values()];
}

/** A curve without rows. */
export function withoutCurve(missing: string): SpecificationCurve {
  return { rows: [], missing };
}

/**
 * The specification curve of a claim.
 *
 * @param tuned What its settings were chosen from; null where nothing was tuned.
 * @param level Of the intervals.
 */
export function specificationCurve(
  tuned: Tuned | null,
  claims: Pick<StatedClaims, "study" | "planned">,
  claim: Claim,
  level: number = intervalLevel,
): SpecificationCurve {
  if (tuned === null) return withoutCurve("nothing was tuned");
  if (claim.metric !== undefined) {
    return withoutCurve(`trials were compared by other metrics than ${claim.metric}`);
  }
  if (typeof claim.margin === "object") {
    return withoutCurve("its margin is measured by the runs of the study, which trials are not");
  }
  const pairs = placesOf(claims, claim);
  const choiceOf = (run: ArmRun) => tuned.best.find((choice) => isTunedFor(choice, run));
  const untuned = pairs.flatMap(({ a, b }) => [a, b])
    .filter((run) => choiceOf(run) === undefined).map(({ label }) => label);
  if (untuned.length > 0) {
    return withoutCurve(`the settings of ${listed([...new Set(untuned)])} were not tuned`);
  }
  const places = pairs.map((pair): Place => ({
    pair,
    a: choiceOf(pair.a)!,
    b: choiceOf(pair.b)!,
  }));
  if (places.some(({ a, b }) => [...a.trials, ...b.trials].some(({ runs }) => !runs))) {
    return withoutCurve("the file of the tuning has no scores by seed: tune again to have them");
  }
  const isTried = (choice: TunedChoice, run: ArmRun) =>
    choice.trials.every((trial) => runsFor(trial, run).length === tuned.seeds.length);
  const strange = places.filter(({ pair, a, b }) => !isTried(a, pair.a) || !isTried(b, pair.b));
  if (strange.length > 0) {
    const tasks = [...new Set(strange.map(({ pair }) => pair.task))];
    return withoutCurve(
      `trials were not made on all tasks and budgets of the claim: ${listed(tasks)}`,
    );
  }
  const budgets = Map.groupBy(places, ({ pair }) => budgetsText(pair));
  const groups: readonly (readonly [string, readonly Place[]])[] = budgets.size === 1
    ? [...budgets]
    : [["all budgets", places], ...budgets];
  const rows = groups.flatMap(([budget, own]) =>
    specificationsOf(own, claims, claim, level).map((row) => ({ budget, ...row }))
  );
  return { rows, missing: "" };
}

/** The specification curves of all claims of a study, each row with the name of its claim. */
export function specificationRows(
  { tuned, claims }: Pick<StudyResults, "tuned" | "claims">,
): readonly (Specification & { readonly claim: string })[] {
  return (claims?.study.claims ?? []).flatMap((claim) =>
    specificationCurve(tuned, claims!, claim).rows.map((row) => ({ claim: claim.name, ...row }))
  );
}

function specificationsOf(
  places: readonly Place[],
  { study }: Pick<StatedClaims, "study">,
  claim: Claim,
  level: number,
): readonly Omit<Specification, "budget">[] {
  const sideOf = (side: "a" | "b") => {
    const around = places.map((place) => aroundOf(place[side]));
    const meritsAt = (position: string) =>
      places.map(({ pair: { task, [side]: run }, [side]: choice }, i) => ({
        task,
        merits: meritsOf(choice, around[i]!.get(position)!, run, marginOf(study, claim, task)!),
      }));
    return positionsOf(around).map((position) => ({
      settings: besideText(position, around),
      isChosen: position === chosen,
      // As in the claim, each task counts the same, whatever budgets it has.
      merits: meanOver(
        [...Map.groupBy(meritsAt(position), ({ task }) => task).values()]
          .map((own) => meanOver(own.map(({ merits }) => merits))),
      ),
    }));
  };
  const [ours, theirs] = [sideOf("a"), sideOf("b")];
  const all = ours.flatMap((a) => theirs.map((b) => ({ a, b })));
  const whole = all.filter(({ a, b }) => a.merits !== null && b.merits !== null);
  const groups = [ours, theirs].map((own) => own.filter(({ merits }) => merits !== null).length);
  const found = new Map(
    pooledDifferences(
      whole.map(({ a, b }): ValuePair => [a.merits!, b.merits!]),
      [groups[0]!, groups[1]!],
      level,
    ).map((difference, i) => [whole[i]!, difference]),
  );
  return all.map((own) => {
    const { a, b } = own;
    const { n = 0, mean = null, low = null, high = null } = found.get(own) ?? {};
    return { a: a.settings, b: b.settings, isChosen: a.isChosen && b.isChosen, n, mean, low, high };
  }).sort((x, y) => (x.mean ?? Number.MAX_VALUE) - (y.mean ?? Number.MAX_VALUE));
}
