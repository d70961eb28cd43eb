/**
 * What keeps a claim from a verdict: gates, each a question about the runs that the verdict would rest on.
 *
 * @module
 */
import type { Claim } from "../../study/schema/claims.ts";
import type { StoppingPlan, StoppingVerdict } from "../../stats/stopping.ts";
import { counted, listed, signed, whole } from "../../base/format.ts";
import { meanOf } from "../../stats/statistics.ts";
import type { NoVerdict } from "../verdict.ts";
import { movementOf } from "./course.ts";
import { disagreementOf } from "./each_task.ts";
import type { ClaimNoise } from "./example_noise.ts";
import { lostArm, unlearnedTasks } from "./no_evidence.ts";
import { notRobustText, robustLevel } from "./robust.ts";
import { type SpecificationCurve, withoutCurve } from "./specifications.ts";
import type { LeftOut, ScoredRun, SeedDifference } from "./series.ts";
import { unitOf } from "./unit.ts";

/** What is said of a claim where a gate is closed. */
export type ClosedAnswer =
  | NoVerdict
  /** On one of its tasks no run learned anything. */
  | "nothing learned"
  /** It is over examples too, and predictions do not tell how these differ. */
  | "no predictions"
  /** Too many runs of the arm that a verdict would favour have no score. */
  | "runs failed"
  /** Its tasks differ so much that their average stands for none of them. */
  | "tasks disagree"
  /** At settings beside the tuned ones, the trials do not say the same. */
  | "not robust";

/** A cell whose training was still improving when it ended. */
export interface ImprovingCell {
  /** Such as `RTE, elalora, r4`. */
  readonly title: string;
  /** Whether that may be noise, which more seeds tell from it. */
  readonly isNoisy: boolean;
}

/** What verdicts ask of runs. */
export interface RunChecks<R> {
  /** Cells of some runs whose training was still improving when it ended. Default: none. */
  readonly improving?: (runs: readonly R[]) => readonly ImprovingCell[];
  /** Whether the settings of a run were tuned within their range, or not at all. Default: they were. */
  readonly isBracketed?: (run: R) => boolean;
  /** Whether a run has settings that were chosen for it; null where nothing was tuned. Default null. */
  readonly isTuned?: ((run: R) => boolean) | null;
  /** Whether a run learned anything. Default: it did. */
  readonly hasLearned?: (run: R) => boolean;
  /** The differences of a claim at the settings beside the tuned ones, with intervals of a level. Default: nothing was tuned. */
  readonly curveOf?: (claim: Claim, level: number) => SpecificationCurve;
}

/** What a gate looks at: a claim after some seeds, and nothing of later ones. */
export interface GatedLook<R extends ScoredRun> {
  /** As the study states it. */
  readonly claim: Claim;
  /** The rule that decides it. */
  readonly plan: StoppingPlan;
  /** What the rule says. */
  readonly verdict: StoppingVerdict;
  /** Of these seeds. */
  readonly differences: readonly SeedDifference[];
  /** Runs without a score among these seeds. */
  readonly leftOut: readonly LeftOut[];
  /** The runs behind the differences. */
  readonly runs: readonly R[];
  /** Whether there is a first look yet: before it there are too few runs to tell bad luck from a rule. */
  readonly isLook: boolean;
  /** What other examples would change; of a claim over seeds alone, nothing. */
  readonly noise: ClaimNoise;
  /** With their defaults. */
  readonly checks: Required<RunChecks<R>>;
}

/** A gate that is closed. */
export interface ClosedGate {
  /** What is said of the claim. */
  readonly answer: ClosedAnswer;
  /** Why, as a note on its line. */
  readonly note: string;
  /** Why further seeds are of no use; null where they may open it. */
  readonly against: string | null;
}

type Gate = <R extends ScoredRun>(look: GatedLook<R>) => ClosedGate | null;

const bracketed: Gate = ({ runs, checks: { isBracketed } }) => {
  const labels = runs.filter((run) => !isBracketed(run)).map(({ record }) => record.asked.label);
  return labels.length === 0 ? null : {
    answer: "not bracketed",
    note: `the tuned settings of ${listed([...new Set(labels)])} lie at the edge of what was tried`,
    against: "its settings are tuned at the edge of their range",
  };
};

const converged: Gate = ({ runs, checks: { improving } }) => {
  const cells = improving(runs);
  return cells.length === 0 ? null : {
    answer: "more steps needed",
    note: `training was still improving when it ended: ${
      listed(cells.map(({ title, isNoisy }) => `"${title}"${isNoisy ? " (may be noise)" : ""}`))
    }`,
    against: cells.every(({ isNoisy }) => isNoisy) ? null : "its runs need more steps",
  };
};

/** What moves at the end would be another difference after more steps: that of the average, or of each task that the claim is about. */
const settled: Gate = ({ claim, differences, isLook }) => {
  if (!isLook) return null;
  const all = differences.map(({ tasks }) =>
    tasks.map(({ task, moved = NaN, margin }) => ({ task, value: moved / margin }))
  );
  const names = claim.on === "every task" ? all[0]!.map(({ task }) => task) : [null];
  const moving = names.flatMap((name) => {
    const values = all.map((tasks) =>
      meanOf(tasks.filter(({ task }) => name === null || task === name).map(({ value }) => value))
    );
    const movement = values.every(Number.isFinite) ? movementOf(values) : null;
    if (movement === null || !movement.isMoving) return [];
    const { name: unit, perMargin } = unitOf({ differences }, name);
    const by = `${signed(movement.mean * perMargin, 2)} ${unit}`;
    return [{ ...movement, text: name === null ? by : `${by} on ${name}` }];
  });
  if (moving.length === 0) return null;
  const isNoisy = moving.every((movement) => movement.isNoisy);
  return {
    answer: "more steps needed",
    note: `its difference still moved by ${
      listed(moving.map(({ text }) => text))
    } in the last fifth of the steps, more than a third of the margin${
      isNoisy ? " (may be noise)" : ""
    }`,
    against: isNoisy ? null : "its difference still moves",
  };
};

const learned: Gate = ({ runs, isLook, checks: { hasLearned } }) => {
  const tasks = isLook ? unlearnedTasks(runs, hasLearned) : [];
  return tasks.length === 0 ? null : {
    answer: "nothing learned",
    note: `no run learned anything on ${listed(tasks)}: their scores are chance`,
    against: "its runs learned nothing",
  };
};

const complete: Gate = ({ differences, leftOut, verdict }) => {
  const lost = lostArm(differences, leftOut, verdict);
  return lost === null ? null : {
    answer: "runs failed",
    note:
      `${lost.label} has no score with ${whole(lost.seeds)} of ${
        counted(lost.of, "seed")
      }, too many for a verdict in its ` +
      'favour that leaves them out: repeat them by --retry-failed, or say by "exclude" that they do not count',
    against: "too many of its runs failed",
  };
};

const agreeing: Gate = ({ claim, differences, verdict, plan, noise }) => {
  const note = claim.on === "every task" ? null : disagreementOf(differences, verdict, plan, noise);
  return note === null ? null : { answer: "tasks disagree", note, against: "its tasks disagree" };
};

const predicted: Gate = ({ noise, isLook, differences }) =>
  !isLook || noise(differences.length, null).variance < Infinity ? null : {
    answer: "no predictions",
    note:
      "what other examples would change is not known: runs keep no predictions, or the metric does not follow from these; " +
      'leave "examples" out of "over", or claim about a metric of ranklab',
    against: "its runs do not tell how examples differ",
  };

const robust: Gate = ({ claim, differences, verdict, plan, checks: { curveOf } }) => {
  if (claim.robust !== true || verdict === "undecided") return null;
  const tasks = differences[0]?.tasks.map(({ task }) => task) ?? [];
  const asked = claim.on === "every task"
    ? tasks.map((task) => ({ ...claim, tasks: [task] }))
    : [claim];
  const note = asked
    .map((own) => notRobustText(curveOf(own, robustLevel(verdict, plan)), verdict, plan))
    .find((text) => text !== null);
  return note === undefined ? null : {
    answer: "not robust",
    note,
    against: "its verdict does not hold at the settings beside the tuned ones",
  };
};

/** In the order in which their answers count; the notes of all that are closed are shown. */
const gates: readonly Gate[] = [
  bracketed,
  converged,
  settled,
  learned,
  predicted,
  complete,
  agreeing,
  robust,
];

/** The gates that are closed, the one whose answer counts first. */
export function closedGates<R extends ScoredRun>(look: GatedLook<R>): readonly ClosedGate[] {
  return gates.flatMap((gate) => gate(look) ?? []);
}

/** Checks with their defaults. */
export function withDefaults<R extends ScoredRun>(checks: RunChecks<R>): Required<RunChecks<R>> {
  return {
    improving: () => [],
    isBracketed: () => true,
    isTuned: null,
    hasLearned: () => true,
    curveOf: () => withoutCurve("nothing was tuned"),
    ...checks,
  };
}
