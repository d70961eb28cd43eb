/**
 * The contrasts that a study's power is computed for: its claims, or without any each method beside plain LoRA.
 *
 * @module
 */
import { matchesCondition } from "../../study/schema/conditions.ts";
import { type ArmRun, runsOfArm } from "../../study/compare/arms.ts";
import type { Claim, ClaimsOfStudy } from "../../study/schema/claims.ts";
import { claimPairs } from "../../study/compare/pairs.ts";
import { type Budget, budgetKey, type StudyBudget } from "../../study/budget/budget.ts";

/** Claims of a study, with the study that they are claims of. */
export interface Contrasts {
  readonly study: ClaimsOfStudy;
  /** False where the study itself claims nothing. */
  readonly areClaimed: boolean;
}

/** A planned run with what tells LoRA apart whose ranks are given. */
type Planned = ArmRun & { readonly askedRanks?: unknown };

/** A study with its claims; where it has none, with one for each method beside plain LoRA at each budget. */
export function contrastsOf(study: ClaimsOfStudy, planned: readonly Planned[]): Contrasts {
  if ((study.claims ?? []).length > 0) return { study, areClaimed: true };
  const claims = impliedClaims(planned);
  return { study: { ...study, ...(claims.length === 0 ? {} : { claims }) }, areClaimed: false };
}

function impliedClaims(planned: readonly Planned[]): readonly Claim[] {
  const baseline = planned.find(({ method, askedRanks }) =>
    method === "lora" && askedRanks === undefined
  )?.label;
  if (baseline === undefined) return [];
  const labels = [...new Set(planned.map(({ label }) => label))];
  const budgets = new Map(
    planned.filter(({ label, budget }) => label === baseline && budget !== null)
      .map(({ budget }) => [budgetKey(budget!), budget!]),
  );
  return labels.filter((label) => label !== baseline).flatMap((label) =>
    [...budgets].flatMap(([key, budget]): readonly Claim[] => {
      const asked = writtenAs(budget);
      const ours = runsOfArm({ method: label }, planned);
      const isRanked = ours.some(({ budget }) => budget !== null);
      const claim: Claim = {
        name: `${label}, ${key}`,
        says: "better",
        a: { method: label, ...(isRanked ? { budget: asked } : {}) },
        b: { method: baseline, budget: asked },
      };
      return claimPairs(claim, planned).length === 0 ? [] : [claim];
    })
  );
}

/** A budget as the axis has it. */
function writtenAs({ type, value }: Budget): StudyBudget {
  return (type === "rank" ? value : { [type]: value }) as StudyBudget;
}

/** The tasks of a claim that a study plans runs for. */
export function tasksOfClaim(claim: Claim, planned: readonly ArmRun[]): readonly string[] {
  return [...new Set(claimPairs(claim, planned).map(({ task }) => task))];
}

/** Whether a run belongs to an arm of a claim, and to what the claim is about. */
export function isOfClaim(claim: Claim, tasks: readonly string[], run: ArmRun): boolean {
  return tasks.includes(run.task) &&
    [claim.a, claim.b].some((arm) => runsOfArm(arm, [run]).length > 0) &&
    !(claim.exclude ?? []).some((when) => matchesCondition(when, run));
}
