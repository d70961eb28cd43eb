/**
 * What is wrong with a tuning as a whole, found before anything runs.
 *
 * @module
 */
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import { errorMessage } from "../../base/input_error.ts";
import { unknownName } from "../../base/suggest.ts";
import { findMethod, type MethodTable } from "../../methods/table.ts";
import { type Problem, show } from "../../study/check/problems.ts";
import { budgetKey, budgetOf } from "../../study/budget/budget.ts";
import { runContent } from "../../study/grid/run_id.ts";
import {
  layerOf,
  optionNames,
  parseSettingPath,
  problemsOfValue,
} from "../../study/schema/setting_paths.ts";
import type { Study, StudyMethod } from "../../study/schema/study.ts";
import { knownVariants } from "../../study/grid/variants.ts";
import {
  lastSeed,
  trialsOf,
  type Tune,
  tuneDefaults,
  type TuneRange,
} from "../../study/schema/tune.ts";
import type { GridRun } from "../../study/types.ts";
import { type Combination, combinationTitle, trialRun } from "./combinations.ts";
import { fewest, problemOfSteps, rungCount, rungRulesOf } from "./halving.ts";
import { gridLevels, numbersOf, rounded, sizeOf } from "./space.ts";

/** A place within a range that is no round number where the ends are. */
const inner = 0.382;

/** Values that tell whether all of a range can be: its ends and limits, and one between them; or all choices. */
function samplesOf(range: TuneRange): readonly Json[] {
  if ("choices" in range) return range.choices;
  const { isLog, bounds, limits } = numbersOf(range)!;
  const [low, high] = bounds;
  const between = isLog ? low * (high / low) ** inner : low + inner * (high - low);
  return [...new Set([...limits, low, high, rounded(between)])];
}

/** What is wrong with the names and numbers of a `tune` block, by the study that it belongs to. */
export function problemsOfTune(
  study: Study,
  tune: Tune,
  methods: MethodTable,
): readonly Problem[] {
  const { axes } = study;
  const per = tune.per ?? tuneDefaults.per;
  const problems: Problem[] = [];
  const add = (where: string, message: string) => problems.push({ where, message });
  const names = axes.methods.map((item: StudyMethod) =>
    typeof item === "string" ? item : item.method
  );
  const options = [
    ...new Set(
      methods.filter(({ name }) => names.includes(name)).flatMap(optionNames),
    ),
  ];
  for (const [text, range] of Object.entries(tune.vary)) {
    problems.push(...problemsOfRange(study, text, range, options));
  }
  problems.push(...problemsOfEntries(study, tune, methods));
  const { seeds = [] } = tune;
  const shared = seeds.filter((seed) => axes.seeds.includes(seed));
  if (shared.length > 0) {
    add(
      "tune.seeds",
      `found ${shared.join(", ")}, which the study has too, wanted other seeds: settings are not ` +
        "chosen on the runs that they are compared on",
    );
  }
  const last = lastSeed(study);
  const later = seeds.find((seed) => seed > Math.max(...axes.seeds) && seed <= last);
  if (later !== undefined) {
    add(
      "tune.seeds",
      `found ${later}, which a sweep may add until claims are decided (up to ${last}), ` +
        "wanted seeds beyond those",
    );
  }
  if (new Set(seeds).size < seeds.length) {
    add("tune.seeds", "found a seed twice, wanted each once");
  }
  const few = typeof tune.trials === "number" ? tooFewTrials(tune, tune.trials) : null;
  if (few !== null) add("tune.trials", few);
  const unknown = (tune.tasks ?? []).find((task) => !axes.tasks.includes(task));
  if (unknown !== undefined) {
    add("tune.tasks", unknownName("task", unknown, axes.tasks));
  }
  const keys = (tune.budgets ?? []).map((budget) => budgetKey(budgetOf(budget)));
  const known = (axes.budgets ?? []).map((budget) => budgetKey(budgetOf(budget)));
  const strange = keys.findIndex((key) => !known.includes(key));
  if (strange >= 0) {
    add(
      `tune.budgets[${strange}]`,
      `found ${show(tune.budgets![strange])}, wanted one of ${show(axes.budgets ?? [])}`,
    );
  }
  if (per.includes("task") && tune.tasks !== undefined && tune.tasks.length < axes.tasks.length) {
    add(
      "tune.tasks",
      `found ${tune.tasks.length} of ${axes.tasks.length} tasks, wanted all, since settings are ` +
        'chosen for each task; leave "task" out of tune.per to choose them on some tasks for all',
    );
  }
  if (per.includes("budget") && keys.length > 0 && keys.length < known.length) {
    add(
      "tune.budgets",
      `found ${keys.length} of ${known.length} budgets, wanted all, since settings are chosen ` +
        'for each budget; leave "budget" out of tune.per to choose them under some budgets for all',
    );
  }
  return problems;
}

/** What is wrong with so many trials of a choice where they are halved; null where nothing is. */
function tooFewTrials(tune: Tune, trials: number): string | null {
  const rungs = rungRulesOf(tune);
  return rungs === null || trials >= fewest(rungs) ? null : (
    `found ${trials}, wanted at least ${fewest(rungs)}, of which one is trained to its end: ` +
    `one of ${rungs.reduction} goes on at each of ${
      rungCount(rungs) - 1
    } rungs; or raise leastShare`
  );
}

/** Entries of the methods' axis that chosen settings would change although they say something else, or nothing was chosen for them. */
function problemsOfEntries(
  study: Study,
  { vary, methods: labels }: Tune,
  methods: MethodTable,
): readonly Problem[] {
  const isTuned = (name: string) => labels?.includes(name) ?? true;
  const arms = new Map(knownVariants(study, methods, []).map((own) => [own.arm, own]));
  return [...arms.values()].flatMap(({ arm, entry: { name }, options, ranks, where }) => {
    if (!isTuned(arm) && !isTuned(name)) return [];
    const stated = Object.keys(options).filter((option) => Object.hasOwn(vary, `options.${option}`))
      .map((option): Problem => ({
        where: `${where}.options.${option}`,
        message: "found an option that tune.vary varies, wanted it in one of both places",
      }));
    return isTuned(arm) || ranks !== null && "of" in ranks ? stated : [...stated, {
      where: "tune.methods",
      message:
        `found "${name}" without "${arm}", which would get what is chosen for "${name}" too, wanted both; ` +
        `or give the entry "${name}" a label of its own and name that`,
    }];
  });
}

function problemsOfRange(
  { axes }: Study,
  text: string,
  range: TuneRange,
  options: readonly string[],
): readonly Problem[] {
  const where = `tune.vary.${text}`;
  const at = (message: string): readonly Problem[] => [{ where, message }];
  if (text === "train.heldOut") {
    return at("found the share that trials are evaluated on, wanted it as tune.heldOut");
  }
  if (Object.hasOwn(axes.settings ?? {}, text)) {
    return at("found a setting of axes.settings, wanted one that the study does not vary itself");
  }
  try {
    const path = parseSettingPath(text, options);
    return samplesOf(range).flatMap((value) => problemsOfValue(path, value, where)).slice(0, 1);
  } catch (error) {
    return at(errorMessage(error));
  }
}

/** What is wrong with the combinations of a tuning: settings that a method lacks, too few points, runs that would be the same. */
export function problemsOfCombinations(
  tune: Tune,
  combinations: readonly Combination[],
  methods: MethodTable,
): readonly Problem[] {
  const problems: Problem[] = [];
  const labels = new Set(combinations.map(({ of }) => of.method));
  for (const label of tune.methods ?? []) {
    if (labels.has(label)) continue;
    problems.push({ where: "tune.methods", message: unknownName("method", label, [...labels]) });
  }
  if (combinations.length === 0) {
    problems.push({ where: "tune", message: "found no run to choose settings by, wanted some" });
  }
  for (const { of, space, runs } of combinations) {
    const add = (where: string, message: string) =>
      problems.push({ where: `${where}, ${combinationTitle(of)}`, message });
    if (runs.some(({ askedRanks }) => askedRanks?.type === "run")) {
      add(
        "tune.methods",
        "found a method that takes its ranks from other runs, wanted it left out",
      );
      continue;
    }
    if (Object.keys(space).length === 0) {
      add(
        "tune.vary",
        `found none of its settings, so that it would have no trials where others have some; ` +
          "name the methods that are tuned in tune.methods",
      );
      continue;
    }
    // How many steps so many epochs are, the data say; it is read before the first trial.
    const steps = runs.flatMap(({ settings: { train } }) => train.steps ?? []);
    const rungs = rungRulesOf(tune);
    if (rungs !== null) {
      const problem = problemOfSteps(Math.min(...steps), rungs, { of });
      if (problem !== null) problems.push(problem);
    }
    const trials = trialsOf(tune.trials, space);
    if (typeof tune.trials !== "number") {
      const few = tooFewTrials(tune, trials);
      if (few !== null) add("tune.trials", few);
    }
    const size = sizeOf(space);
    if (tune.search === "grid") {
      try {
        gridLevels(space, trials);
      } catch (error) {
        add("tune.trials", errorMessage(error));
      }
    } else if (size < trials) {
      add("tune.trials", `found ${trials}, wanted at most ${size}: its choices have no more`);
    }
    problems.push(...problemsOfOptions({ of, space, runs }, methods));
  }
  return problems.length > 0 ? problems : problemsOfTwins(combinations, methods);
}

function problemsOfOptions(
  { of, space, runs }: Combination,
  methods: MethodTable,
): readonly Problem[] {
  const run = runs[0]!;
  const entry = findMethod(run.method, methods);
  return Object.entries(space).flatMap(([text, range]) => {
    const path = parseSettingPath(text);
    for (const value of samplesOf(range)) {
      try {
        entry.parseOptions({ ...(run.options as object), ...layerOf(path, value).options });
      } catch (error) {
        const { issues } = error as { readonly issues?: readonly { readonly message: string }[] };
        const reason = issues?.[0]?.message ?? errorMessage(error);
        return [{
          where: `tune.vary.${text}, ${combinationTitle(of)}`,
          message: `found ${show(value)}, wanted a value that the method takes: ${reason}`,
        }];
      }
    }
    return [];
  });
}

/** Combinations whose trials would be the same runs, since only settings that vary told them apart. */
function problemsOfTwins(
  combinations: readonly Combination[],
  methods: MethodTable,
): readonly Problem[] {
  const firsts = combinations.map(({ space, runs: [run] }) => {
    const point = Object.fromEntries(
      Object.entries(space).map(([text, range]) => [text, samplesOf(range)[0]!]),
    );
    return contentOf(trialRun(run!, point, findMethod(run!.method, methods)));
  });
  return firsts.flatMap((content, i) => {
    const twin = firsts.indexOf(content);
    if (twin === i) return [];
    const [of, as] = [combinations[i]!, combinations[twin]!].map(({ of }) => combinationTitle(of));
    return [{
      where: "tune.vary",
      message:
        `found that "${of}" is the same as "${as}" but for settings that vary, wanted one of them; ` +
        "name the methods that are tuned in tune.methods",
    }];
  });
}

function contentOf(run: GridRun): string {
  return canonicalJson(runContent(run));
}
