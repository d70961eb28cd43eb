/**
 * The file that a tuning leaves: the chosen settings as deltas, and what they were chosen from.
 *
 * @module
 */
import { meritOf } from "../../tasks/metrics.ts";
import type { Json } from "../../base/canonical_json.ts";
import { hashJson } from "../../base/hash.ts";
import { layerOf, parseSettingPath } from "../../study/schema/setting_paths.ts";
import { laidOver } from "../../study/schema/parse.ts";
import type { PartialSettings } from "../../study/schema/settings.ts";
import type { Delta, Study } from "../../study/schema/study.ts";
import { type Tune, tuneDefaults, tuneSeeds } from "../../study/schema/tune.ts";
import type {
  NotBracketed,
  Tuned,
  TunedChoice,
  TunedFor,
  TunedRun,
} from "../../study/schema/tuned.ts";
import type { GridRun } from "../../study/types.ts";
import { writtenIn } from "./combinations.ts";
import type { Choice, RunOutcome, Trial, TrialOutcome } from "./trials.ts";
import type { Point } from "./space.ts";

/** What a study extends to have the chosen settings. */
export interface TunedFile {
  /** One for each combination that settings were chosen for. */
  readonly deltas: readonly Delta[];
  /** What they were chosen from. */
  readonly tuned: Tuned;
}

interface TunedCombination {
  readonly of: TunedFor;
  readonly choice: Choice;
  readonly trials: readonly { readonly trial: Trial; readonly outcome: TrialOutcome }[];
}

type Options = { readonly [key: string]: Json };

function deltaOf({ method, task, budget }: TunedFor, point: Point): Delta {
  const layers = Object.entries(point).map(([text, value]) =>
    layerOf(parseSettingPath(text), value)
  );
  const set = layers.map(({ set }) => set as Options).reduce(laidOver) as PartialSettings;
  const options: Options = Object.assign({}, ...layers.map(({ options }) => options));
  return {
    when: {
      method,
      ...(task === undefined ? {} : { task }),
      ...(budget === undefined ? {} : { budget }),
    },
    ...(Object.keys(set).length === 0 ? {} : { set }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
}

/** The content of the file. */
export function tunedFile(
  study: Study,
  tune: Tune,
  combinations: readonly TunedCombination[],
): TunedFile {
  // A delta for the name of a method is for all entries of it, so that those of single labels come after it.
  const isName = ({ of }: TunedCombination) => of.method === of.name;
  const ordered = [
    ...combinations.filter(isName),
    ...combinations.filter((own) => !isName(own)),
  ];
  const runs = combinations.flatMap(({ trials }) => trials.flatMap(({ outcome }) => outcome.runs));
  return {
    deltas: ordered.map(({ of, choice }) => deltaOf(of, choice.best.point)),
    tuned: {
      study: study.name,
      hash: hashJson(tune as unknown as Json),
      search: tune.search ?? tuneDefaults.search,
      trials: tune.trials,
      seeds: tuneSeeds({ ...study, tune }),
      heldOut: tune.heldOut,
      seconds: Math.round(runs.reduce((sum, { seconds }) => sum + seconds, 0) * 10) / 10,
      runs: runs.length,
      notBracketed: combinations.flatMap(({ of, choice }) =>
        choice.edges.map(({ path, value, edge }): NotBracketed => ({ ...of, path, value, edge }))
      ),
      best: combinations.map(({ of, choice, trials }): TunedChoice => {
        const { metric } = trials[0]!.outcome;
        return {
          ...of,
          metric,
          values: choice.best.point,
          score: meritOf(metric, choice.best.score),
          trials: trials.map(({ trial, outcome }) => ({
            values: trial.point,
            score: outcome.score === null ? null : meritOf(metric, outcome.score),
            ...(outcome.share === 1 ? {} : { share: outcome.share }),
            runs: trial.runs.map(({ run }, i) =>
              tunedRun(study, of, metric, run, outcome.runs[i]!)
            ),
            ...(trial.isAdded ? { added: true } : {}),
          })),
        };
      }),
    },
  };
}

/** What the file says of a run: of its place only what the choice does not. */
function tunedRun(
  study: Study,
  of: TunedFor,
  metric: string,
  { task, budget, seed }: GridRun,
  outcome: RunOutcome,
): TunedRun {
  const own = budget === null ? undefined : writtenIn(study, budget);
  return {
    ...(of.task === undefined ? { task } : {}),
    ...(of.budget === undefined && own !== undefined ? { budget: own } : {}),
    seed,
    ...(outcome.metric === metric ? {} : { metric: outcome.metric }),
    score: outcome.score,
  };
}

/** The results folder of a study's trials. */
export function tuningFolder(results: string, study: string): string {
  return `${results}/${study}/tuning`;
}

/** The name of the file with the chosen settings. */
export const tunedFileName = "tuned.json";

/** The file with the chosen settings of a study. */
export function tunedPath(results: string, study: string): string {
  return `${tuningFolder(results, study)}/${tunedFileName}`;
}
