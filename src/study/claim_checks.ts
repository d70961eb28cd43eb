/**
 * What is wrong with a study's claims, found before anything runs.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { type ArmRun, armText, problemsOfArm, runsOfArm } from "./arms.ts";
import { claimPairs } from "./claim_pairs.ts";
import { type Claim, type ClaimsOfStudy, decisionOf, otherTasks } from "./claims.ts";
import { matchesCondition } from "./condition_form.ts";
import type { Problem } from "./problems.ts";

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
