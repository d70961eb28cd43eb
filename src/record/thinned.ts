/**
 * Journals of steps of which a pack left lines out: which steps they keep, and how they are held against whole ones.
 *
 * @module
 */
import { DamagedFileError } from "./damage.ts";
import type { RunResults, StepLine, ThinnedSteps } from "./types.ts";

type Rule = Pick<ThinnedSteps, "every" | "steps">;

/** How a rule reads: `one step in 10`. */
export function thinText(every: number): string {
  return `one step in ${every}`;
}

/**
 * The steps that are kept of a whole journal: each `every`-th, the first, the last, and those of evaluations and rank events.
 *
 * Keeping a multiple of `every` of what was kept is the same as keeping it of the whole journal.
 */
export function keptSteps(
  { evaluations, ranks }: Pick<RunResults, "evaluations" | "ranks">,
  { every, steps }: Rule,
): { readonly count: number; has(step: number): boolean } {
  const others = new Set(
    [1, steps, ...[...evaluations, ...ranks].map(({ step }) => step)]
      .filter((step) => step > 0 && step <= steps && step % every !== 0),
  );
  return {
    count: Math.floor(steps / every) + others.size,
    has: (step) => step <= steps && step % every === 0 || others.has(step),
  };
}

/**
 * Checks that a journal has the steps that its record says it has kept.
 *
 * @throws {DamagedFileError} If it has others.
 */
export function checkThinned(
  run: Pick<RunResults, "record" | "steps" | "evaluations" | "ranks">,
  path: string,
): void {
  const { record: { thinned }, steps } = run;
  if (thinned === undefined) return;
  const kept = keptSteps(run, thinned);
  const isKept = ({ step }: StepLine, i: number) =>
    kept.has(step) && step > (steps[i - 1]?.step ?? 0);
  const wrong = steps.find((line, i) => !isKept(line, i));
  if (wrong === undefined && steps.length === kept.count) return;
  throw new DamagedFileError(
    path,
    wrong === undefined ? `${steps.length} steps` : `step ${wrong.step}`,
    `the ${kept.count} of ${thinned.steps} steps that its record says were kept: ` +
      `${thinText(thinned.every)}, the first, the last, and those of evaluations and rank events`,
  );
}

/** The numbers of a run without the steps that the journal of `other`, which was thinned, has not kept. */
export function asThinnedAs<T extends Pick<RunResults, "steps">>(
  run: T,
  other: Pick<RunResults, "record" | "evaluations" | "ranks">,
): T {
  const { thinned } = other.record;
  if (thinned === undefined) return run;
  const kept = keptSteps(other, thinned);
  const steps = run.steps.filter(({ step }) => kept.has(step) || step > thinned.steps);
  return { ...run, steps };
}
