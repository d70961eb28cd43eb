/**
 * What is wrong with what a study says about its runs: claims, comparisons, targets and tuned settings.
 *
 * @module
 */
import { type Targets } from "../schema/study.ts";
import { askedTasks, claimPairs, comparedPairs, type StudyComparison } from "../compare/pairs.ts";
import { unknownName } from "../../base/suggest.ts";
import { type Problem, show } from "./problems.ts";
import { overlaySettings } from "../schema/settings.ts";
import { type ArmRun, armText, problemsOfArm, runsOfArm } from "../compare/arms.ts";
import type { MethodEntry, RunSpec } from "../types.ts";
import { type Claim, type ClaimsOfStudy, decisionOf, otherTasks } from "../schema/claims.ts";
import { matchesCondition } from "../schema/conditions.ts";
import { canonicalJson, type Json } from "../../base/canonical_json.ts";
import { runTitle } from "../grid/run_id.ts";
import { layerOf, parseSettingPath, settingAt, type SettingPath } from "../schema/setting_paths.ts";
import { isTunedFor, type Tuned } from "../schema/tuned.ts";

/** What is wrong with a study's targets: tasks that it does not have. */
export function problemsOfTargets(
  targets: Targets,
  tasks: readonly string[],
): readonly Problem[] {
  return Object.keys(targets).filter((task) => !tasks.includes(task)).map((task) => ({
    where: `targets.${task}`,
    message: unknownName("task of axes.tasks", task, tasks),
  }));
}

/**
 * What is wrong with the comparisons of a study: arms that are not there, the same arm or the same comparison twice, tasks that
 * one of the arms does not have, and arms without a common task and seed.
 *
 * @param runs All runs of the study.
 */
export function problemsOfComparisons(
  comparisons: readonly StudyComparison[],
  runs: readonly ArmRun[],
): readonly Problem[] {
  const firsts = new Map<string, number>();
  return comparisons.flatMap((comparison, i) => {
    const where = `comparisons[${i}]`;
    const problems = problemsOfComparison(comparison, where, runs);
    if (problems.length > 0) return problems;
    // The same two arms the other way round differ in a sign only.
    const key = comparedPairs(comparison, runs)
      .map(({ a, b }) => [JSON.stringify(a), JSON.stringify(b)].sort().join()).sort().join();
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, i);
    return first === undefined ? [] : [{
      where,
      message: `found the same runs as in comparisons[${first}], wanted each comparison once`,
    }];
  });
}

function problemsOfComparison(
  comparison: StudyComparison,
  where: string,
  runs: readonly ArmRun[],
): readonly Problem[] {
  const { a, b } = comparison;
  const known = [...new Set(runs.map(({ task }) => task))];
  const tasks = askedTasks(comparison) ?? [];
  const placeOfTask = (i: number) =>
    typeof comparison.task === "string" ? `${where}.task` : `${where}.task[${i}]`;
  const problems = [
    ...problemsOfArm(a, `${where}.a`, runs),
    ...problemsOfArm(b, `${where}.b`, runs),
    ...tasks.flatMap((task, i) =>
      known.includes(task)
        ? []
        : [{ where: placeOfTask(i), message: unknownName("task", task, known) }]
    ),
  ];
  // What follows would only repeat these.
  if (problems.length > 0) return problems;
  const ours = new Set(runsOfArm(a, runs));
  if (runsOfArm(b, runs).some((run) => ours.has(run))) {
    return [{
      where: `${where}.b`,
      message: `found runs that are those of a too (${armText(a)} and ${
        armText(b)
      }), wanted another arm`,
    }];
  }
  const { task: _task, ...whole } = comparison;
  const shared = new Set(comparedPairs(whole, runs).map(({ task }) => task));
  const arms = `"${armText(a)}" and "${armText(b)}"`;
  if (shared.size === 0) {
    return [{
      where,
      message:
        `found no task and seed that ${arms} have both at the same budget, wanted at least one; to compare ` +
        "across budgets, give both arms theirs",
    }];
  }
  return tasks.flatMap((task, i) =>
    shared.has(task) ? [] : [{
      where: placeOfTask(i),
      message: `found "${task}", wanted a task that ${arms} have both`,
    }]
  );
}

/** What the checks know of the study's tasks. */
export interface ClaimTables {
  /** The study's tasks and sequences. */
  readonly tasks: readonly string[];
  /** Metrics that a task's runs are evaluated by. Default: not checked. */
  readonly metricsOf?: ((task: string) => readonly string[]) | undefined;
}

/**
 * Arms that are not there, the same arm or name twice, exclusions that leave nothing, metrics that a task does not have, margins of
 * tasks that the study does not have, and a rule that its seeds do not fit.
 *
 * @param runs All runs of the study.
 */
export function problemsOfClaims(
  study: ClaimsOfStudy,
  runs: readonly ArmRun[],
  tables: ClaimTables,
): readonly Problem[] {
  const { claims = [] } = study;
  const firsts = new Map<string, number>();
  const twice = claims.flatMap(({ name }, i): readonly Problem[] => {
    const first = firsts.get(name);
    if (first === undefined) firsts.set(name, i);
    return first === undefined ? [] : [{
      where: `claims[${i}].name`,
      message: `found "${name}" as in claims[${first}], wanted a name of its own`,
    }];
  });
  return [
    ...twice,
    ...claims.flatMap((claim, i) => problemsOfClaim(claim, `claims[${i}]`, runs, tables)),
    ...problemsOfMargin(study, tables.tasks),
    ...problemsOfDecision(study),
  ];
}

function problemsOfClaim(
  claim: Claim,
  where: string,
  runs: readonly ArmRun[],
  { tasks, metricsOf }: ClaimTables,
): readonly Problem[] {
  const unknown = (claim.tasks ?? []).flatMap((task, i): readonly Problem[] =>
    tasks.includes(task)
      ? []
      : [{ where: `${where}.tasks[${i}]`, message: unknownName("task", task, tasks) }]
  );
  const arms = [
    ...problemsOfArm(claim.a, `${where}.a`, runs),
    ...problemsOfArm(claim.b, `${where}.b`, runs),
  ];
  // What follows would only repeat these.
  if (unknown.length + arms.length > 0) return [...unknown, ...arms];
  const ours = new Set(runsOfArm(claim.a, runs));
  const theirs = runsOfArm(claim.b, runs);
  if (theirs.some((run) => ours.has(run))) {
    return [{
      where: `${where}.b`,
      message: `found runs that are those of a too (${armText(claim.a)} and ${
        armText(claim.b)
      }), wanted another arm`,
    }];
  }
  return [
    ...problemsOfExclusions(claim, [...ours, ...theirs], where),
    ...problemsOfPairs(claim, runs, where),
    ...problemsOfMetric(claim, runs, where, metricsOf),
  ];
}

function problemsOfExclusions(
  { exclude = [] }: Claim,
  runs: readonly ArmRun[],
  where: string,
): readonly Problem[] {
  return exclude.flatMap((when, i) =>
    runs.some((run) => matchesCondition(when, run)) ? [] : [{
      where: `${where}.exclude[${i}]`,
      message:
        "found no run of the claim's arms that it matches, wanted at least one; leave it out or correct it",
    }]
  );
}

function problemsOfPairs(claim: Claim, runs: readonly ArmRun[], where: string): readonly Problem[] {
  const { exclude: _exclude, ...whole } = claim;
  const paired = new Set(claimPairs(whole, runs).map(({ task }) => task));
  const arms = `"${armText(claim.a)}" and "${armText(claim.b)}"`;
  if (paired.size === 0) {
    return [{
      where,
      message:
        `found no task and seed that ${arms} have both, wanted at least one at the same budget`,
    }];
  }
  const lacking = (claim.tasks ?? []).flatMap((task, i) =>
    paired.has(task) ? [] : [{
      where: `${where}.tasks[${i}]`,
      message: `found "${task}", wanted a task that ${arms} have both`,
    }]
  );
  if (lacking.length > 0) return lacking;
  return claimPairs(claim, runs).length > 0
    ? []
    : [{ where: `${where}.exclude`, message: "found that no task is left, wanted some left" }];
}

function problemsOfMetric(
  claim: Claim,
  runs: readonly ArmRun[],
  where: string,
  metricsOf: ClaimTables["metricsOf"],
): readonly Problem[] {
  const { metric } = claim;
  if (metric === undefined || metricsOf === undefined) return [];
  const tasks = new Set(claimPairs(claim, runs).map(({ task }) => task));
  return [...tasks].flatMap((task) => {
    const known = metricsOf(task);
    return known.includes(metric) ? [] : [{
      where: `${where}.metric`,
      message: `${unknownName("metric", metric, known)} (task "${task}")`,
    }];
  });
}

function problemsOfMargin({ margin }: ClaimsOfStudy, tasks: readonly string[]): readonly Problem[] {
  if (margin === undefined || typeof margin === "number") return [];
  return Object.keys(margin).filter((task) => task !== otherTasks && !tasks.includes(task))
    .map((task) => ({
      where: `margin.${task}`,
      message: unknownName("task", task, [...tasks, otherTasks]),
    }));
}

function problemsOfDecision(study: ClaimsOfStudy): readonly Problem[] {
  const { decide = {}, axes: { seeds } } = study;
  const { rule, block, mostSeeds } = decisionOf(study);
  const problems: Problem[] = [];
  const note = (key: string, message: string) => problems.push({ where: `decide.${key}`, message });
  if (rule === "fixed" && decide.block !== undefined) {
    note("block", `found ${decide.block} with the rule "fixed", which looks once; leave it out`);
  }
  if (rule === "fixed" && (study.claims ?? []).length > 0 && mostSeeds < 3) {
    note("rule", `found "fixed" with ${mostSeeds} seeds, wanted at least 3`);
  }
  if (rule !== "fixed" && block > mostSeeds) {
    note("block", `found ${block}, wanted at most mostSeeds, which is ${mostSeeds}`);
  }
  if (decide.mostSeeds !== undefined && decide.mostSeeds < seeds.length) {
    note(
      "mostSeeds",
      `found ${decide.mostSeeds}, wanted at least the ${seeds.length} seeds of axes.seeds`,
    );
  }
  return problems;
}

/** Whether a run has a value; what it leaves out at its default, it has. */
function hasValue(run: RunSpec, path: SettingPath, value: Json, entry: MethodEntry): boolean {
  const layer = layerOf(path, value);
  const settings = overlaySettings(run.settings, layer.set);
  const options = path.type === "setting"
    ? run.options
    : entry.parseOptions({ ...run.options as object, ...layer.options });
  const textOf = (value: unknown) => canonicalJson(value as Json);
  return textOf({ settings, options }) ===
    textOf({ settings: run.settings, options: run.options });
}

/**
 * What goes before settings that were tuned: a report of such runs would say that they have the chosen values. Axes of settings may,
 * since they vary on purpose.
 *
 * @param tuned Of the study; undefined where nothing was tuned.
 * @param entries Methods of the runs.
 */
export function problemsOfTuned(
  tuned: Tuned | undefined,
  runs: readonly RunSpec[],
  entries: readonly MethodEntry[],
): readonly Problem[] {
  return (tuned?.best ?? []).flatMap((choice) => {
    const own = runs.filter((run) => isTunedFor(choice, run));
    return Object.entries(choice.values).flatMap(([text, value]): readonly Problem[] => {
      const path = parseSettingPath(text);
      const other = own.find((run) => {
        const entry = entries.find(({ name }) => name === run.method)!;
        return !Object.hasOwn(run.varied ?? {}, text) && !hasValue(run, path, value, entry);
      });
      if (other === undefined) return [];
      const found = settingAt(other.settings, other.options, path) ?? null;
      return [{
        where: `run "${runTitle(other)}", ${text}`,
        message:
          `found ${show(found)}, wanted ${
            show(value)
          }, which tuning chose; leave it out of deltas and of ` +
          "--set, or do not extend the file of the tuning",
      }];
    });
  });
}
