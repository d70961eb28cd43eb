/**
 * Tuning a study: trials are planned, made and scored on a held-out share of the training split, and the best settings are written
 * as a file that a study extends.
 *
 * @module
 */
import { UsageError } from "../../base/input_error.ts";
import { checkDevice } from "../../exec/choice.ts";
import { makeFolder, writeWhole } from "../../record/durable.ts";
import { wantWithin } from "../../record/results_reader.ts";
import { underWay } from "../../record/lease.ts";
import { defaultMostRuns } from "../../study/grid/points.ts";
import { withGivenModel } from "../../study/grid/overrides.ts";
import { StudyError } from "../../study/check/problems.ts";
import type { Study } from "../../study/schema/study.ts";
import { type SeededTune, trialsOf, type Tune, tuneSeeds } from "../../study/schema/tune.ts";
import { followed, type Watch } from "../events.ts";
import { Inputs } from "../inputs.ts";
import { presentNames } from "../plan/planned_run.ts";
import { checkGivenModel, ownTasksOf } from "../plan/planning.ts";
import { type SweptStudy, sweptStudyOf } from "../plan/planned_study.ts";
import { summed } from "../pool/run_all.ts";
import { defaultResults } from "../stored_study.ts";
import { Pool } from "../pool/pool.ts";
import {
  choiceOf,
  firstPoints,
  type NewPoints,
  nextPoints,
  type Trial,
  type TrialOutcome,
  type Tried,
  withTrials,
} from "./trials.ts";
import { type Combination, combinationsOf, combinationTitle } from "./combinations.ts";
import {
  type MakingSetting,
  TrialMaker,
  type TrialsResult,
  type TuneOptions,
} from "./trial_maker.ts";
import { problemsOfCombinations, problemsOfTune } from "./problems.ts";
import { rungRulesOf, withRungs } from "./halving.ts";
import { limitPoints } from "./space.ts";
import { type TunedFile, tunedFile, tunedPath, tuningFolder } from "./tuned_file.ts";

/** How a tuning ended. */
export interface TuneResult extends TrialsResult {
  /** The results folder of the trials. */
  readonly folder: string;
  /** The file with the chosen settings; null where it was stopped, or there is nothing to choose. */
  readonly path: string | null;
  /** What the file holds; null where there is none. */
  readonly file: TunedFile | null;
  /** What every trial failed for, in words; nothing is written where there is any. */
  readonly untuned: readonly string[];
}

function tuneOf({ name, tune }: Study): Tune {
  if (tune !== undefined) return tune;
  throw new UsageError(
    `Cannot tune study "${name}": found no "tune", want what varies, such as ` +
      '"tune": { "vary": { "train.learningRate": { "log": [1e-4, 1e-2], "limits": [1e-5, 1e-1] } }, ' +
      '"trials": 12, "seeds": [101], "heldOut": 0.2 }',
  );
}

/** Runs of the trials that combinations begin with. */
export function trialRuns({ trials }: Tune, combinations: readonly Combination[]): number {
  return combinations.reduce(
    (sum, { runs, space }) => sum + trialsOf(trials, space) * runs.length,
    0,
  );
}

/**
 * The combinations of a study that settings are chosen for.
 *
 * @throws {UsageError} If the study has no `tune` block.
 * @throws {StudyError} With all problems found.
 */
export function plannedTuning(
  { study, methods, metrics }: Omit<SweptStudy, "folder">,
  mostRuns: number = defaultMostRuns,
): { readonly tune: SeededTune; readonly combinations: readonly Combination[] } {
  const block = tuneOf(study);
  const tune = { ...block, seeds: tuneSeeds({ ...study, tune: block }) };
  const what = `Cannot tune study "${study.name}"`;
  const wrong = problemsOfTune(study, tune, methods);
  if (wrong.length > 0) throw new StudyError(what, wrong);
  const combinations = combinationsOf(study, tune, methods, mostRuns, metrics);
  const problems = problemsOfCombinations(tune, combinations, methods);
  const runs = trialRuns(tune, combinations);
  if (problems.length > 0) throw new StudyError(what, problems);
  if (runs > mostRuns) {
    throw new StudyError(what, [{
      where: "tune.trials",
      message:
        `found ${runs} runs of trials, wanted at most ${mostRuns}; if so many are meant, allow them by ` +
        `--most-runs ${runs}`,
    }]);
  }
  return { tune, combinations };
}

/**
 * Chooses the settings that a study's `tune` block leaves open, and writes them as a file; trials that are done are not made again.
 *
 * The trials are runs of a results folder of their own, `tuning` in that of the study, so that they are leased, resumed and
 * verified as those of a sweep.
 *
 * @param tuned A study, or one with the folder that its paths start from and the methods that it may name.
 *
 * @throws {StudyError} With all problems found; nothing has run then.
 * @throws {UsageError} If the study has no `tune` block, the device is not known, or a link leads out of the results.
 */
export async function tuneStudy(
  tuned: Study | SweptStudy,
  options: TuneOptions = {},
  watch: Watch = {},
): Promise<TuneResult> {
  const { data = null, model = null, results = defaultResults } = options;
  const { stop, emit } = followed(watch);
  const asked = sweptStudyOf(tuned);
  const swept = { ...asked, study: withGivenModel(asked.study, model) };
  const { study, folder: home } = swept;
  checkDevice(options.device ?? "auto");
  if (study !== asked.study) await emit({ kind: "encoder", given: model! });
  const { tune, combinations } = plannedTuning(swept, options.mostRuns);
  const varied = tune.vary["model"] ?? { choices: [] };
  checkGivenModel(model, [
    ...combinations.flatMap(({ runs }) => runs.map(({ settings }) => settings.model)),
    ...("choices" in varied ? varied.choices.map(String) : []),
  ]);
  const folder = tuningFolder(results, study.name);
  await wantWithin(results, `${folder}/${underWay}`);
  const inputs = new Inputs(
    { data, model, study: home },
    ownTasksOf(study, swept.metrics),
    undefined,
    watch.fetching,
  );
  const unused = inputs.unusedData(combinations.flatMap(({ runs }) => runs));
  if (unused !== null) await emit({ kind: "unused data", given: unused });
  await using pool = new Pool(options, { stop, emit });
  const setting: MakingSetting = { ...swept, options, results: folder, inputs, pool };
  const { counts, tried } = await triedOf(tune, combinations, setting);
  if (tried === null) return { ...counts, folder, path: null, file: null, untuned: [] };
  const chosen = tried.map((own) => ({
    ...own,
    choice: choiceOf(own.space, own.trials.map(({ outcome }) => outcome)),
  }));
  const untuned = chosen.filter(({ choice }) => choice === null)
    .map(({ of }) => combinationTitle(of));
  if (untuned.length > 0) return { ...counts, folder, path: null, file: null, untuned };
  const file = tunedFile(
    study,
    tuneOf(study),
    chosen.map((own) => ({ ...own, choice: own.choice! })),
  );
  const path = tunedPath(results, study.name);
  await makeFolder(folder);
  await writeWhole(path, `${JSON.stringify(file, null, 2)}\n`);
  return { ...counts, folder, path, file, untuned };
}

interface TriedCombination extends Pick<Combination, "of" | "space"> {
  readonly trials: readonly { readonly trial: Trial; readonly outcome: TrialOutcome }[];
}

/** Makes the trials of all combinations, round after round; `tried` is null where that was stopped. */
async function triedOf(
  tune: SeededTune,
  combinations: readonly Combination[],
  setting: MakingSetting,
): Promise<{
  readonly counts: TrialsResult;
  readonly tried: readonly TriedCombination[] | null;
}> {
  const rungs = rungRulesOf(tune);
  const maker = new TrialMaker(setting, rungs);
  const all = rungs === null ? combinations : await withRungs(combinations, rungs, setting);
  const planning = { ...setting, present: await presentNames(setting.results) };
  let counts: TrialsResult = nothingMade;
  let tried: readonly Tried[] = all.map((combination) => ({ combination, trials: [] }));
  let points: NewPoints = all.map((combination) => firstPoints(tune, combination));
  const limits = all.map(({ space }, i) => limitPoints(space, points[i]![0]!));
  // What is wrong at the limits is found before anything runs.
  await withTrials(tried, limits, false, planning);
  for (let round = 0; points.some((own) => own.length > 0); round++) {
    tried = await withTrials(tried, points, round > 0, planning);
    counts = bothRounds(counts, await maker.make(tried));
    if (counts.stopped) return { counts, tried: null };
    const made = maker.outcomes();
    const scored = tried.map(({ combination, trials }) => ({
      combination,
      trials: trials.map((trial) => made.get(trial)!),
    }));
    points = nextPoints(tune, scored, round);
  }
  const made = maker.outcomes();
  return {
    counts,
    tried: tried.map(({ combination: { of, space }, trials }) => ({
      of,
      space,
      trials: trials.map((trial) => ({ trial, outcome: made.get(trial)! })),
    })),
  };
}

const nothingMade: TrialsResult = {
  paused: 0,
  total: 0,
  finished: 0,
  failed: 0,
  skipped: 0,
  elsewhere: 0,
  stopped: false,
  stoppedRuns: [],
  executorShare: 1,
};

/** What two rounds came to; trials that paused were made too. */
function bothRounds(a: TrialsResult, b: TrialsResult): TrialsResult {
  const made = (round: TrialsResult) => round.finished + round.failed + round.paused;
  return { ...summed(a, b, [made(a), made(b)]), paused: a.paused + b.paused };
}
