/**
 * A registration: what a study's claims rest on, as a file that is committed before the first run, and what a report says of it.
 *
 * Its hashes are those that `study.json` keeps of each statement.
 *
 * @module
 */
import type { Json } from "../../base/canonical_json.ts";
import { counted, listed, whole } from "../../base/format.ts";
import { hashJson } from "../../base/hash.ts";
import { claimsHash } from "../../study/schema/claims.ts";
import type { Tuned } from "../../study/schema/tuned.ts";
import type { RunSpec } from "../../study/types.ts";
import type { RunResults } from "../results.ts";
import {
  begunBefore,
  changedTexts,
  changesOf,
  claimedRuns,
  convergenceHash,
  timeText,
} from "./stated.ts";
import type { RegisteredCode, Registration, StatedClaims, StatedStudy } from "./statement.ts";

const hashOf = (value: unknown): string => hashJson(value as Json);

/** SHA-256 of what settings were chosen from; null where nothing was tuned. */
function tuningOf(tuned: Tuned | null): Registration["tuning"] {
  if (tuned === null) return null;
  const best = tuned.best.map(({ trials: _trials, ...chosen }) => chosen);
  return { hash: hashOf(tuned), best: best as unknown as Json };
}

/** The registration of a study: the same for the same study and code, whenever it is made. */
export function registrationOf(
  study: StatedStudy & { readonly name: string; readonly tuned?: Tuned },
  planned: readonly { readonly run: RunSpec; readonly title: string; readonly id: string }[],
  code: RegisteredCode,
): Registration {
  const { name, claims = [], margin, decide, convergence, axes: { seeds } } = study;
  const content = {
    schema: 1 as const,
    study: name,
    claims: {
      claims,
      ...(margin === undefined ? {} : { margin }),
      ...(decide === undefined ? {} : { decide }),
      ...(convergence === undefined ? {} : { convergence }),
      axes: { seeds },
    },
    statement: {
      hash: claimsHash(study),
      convergence: convergenceHash(study),
      ...claimedRuns(study, planned.map(({ run }) => run)),
    },
    plan: planned.map(({ title, id }) => ({ title, id })),
    tuning: tuningOf(study.tuned ?? null),
    code,
  };
  return { ...content, hashes: hashesOf(content) };
}

function hashesOf(content: object): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(content).map(([key, value]) => [key, hashOf(value)]));
}

/** The first key of a registration whose value is not what its hash says, with both hashes; null where all are. */
export function editedKey(
  { hashes, ...content }: Registration,
): { readonly key: string; readonly found: string; readonly wanted: string } | null {
  const found = hashesOf(content);
  const key = Object.keys({ ...found, ...hashes }).find((key) => found[key] !== hashes[key]);
  return key === undefined
    ? null
    : { key, found: found[key] ?? "nothing", wanted: hashes[key] ?? "nothing" };
}

/** What a report can say of a registration. */
export interface RegistrationProof {
  /** Path of the file. */
  readonly file: string;
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** Hash of the first commit that has it, its time, and the file's path there; null where git had it not. */
  readonly commit: { readonly hash: string; readonly at: string; readonly path: string } | null;
  /** Whether the commit was read again for this report; false where it is not at hand, so that `study.json` is believed. */
  readonly isRead: boolean;
  /** Recorded runs that had begun before the commit, and all. */
  readonly begun: { readonly runs: number; readonly of: number };
  /** What differs from what was registered, in words; none where all is as registered. */
  readonly differs: readonly string[];
}

/** What the records of a study say of its registration; null where it has none. */
export function registrationProof(
  { study, statements, registered }: StatedClaims,
  tuned: Tuned | null,
  runs: readonly Pick<RunResults, "record">[],
): RegistrationProof | null {
  if (registered === undefined) return null;
  const { file, sha256, committed, found, registration, otherRuns } = registered;
  const { statement, plan, code } = registration;
  const now = {
    ...statements.at(-1),
    hash: claimsHash(study),
    convergence: convergenceHash(study),
  };
  const changes = changesOf({ ...statement, at: "" }, { at: "", ...now });
  const others = runs.filter(({ record: { where } }) =>
    code.source !== null && where.hashes.source !== code.source
  );
  const isOther = committed !== null && found !== null &&
    (found.at !== committed.at || found.sha256 !== sha256);
  const differs = [
    ...changes.map((change) => changedTexts[change]),
    ...(otherRuns.length === 0
      ? []
      : [`${whole(otherRuns.length)} of ${counted(plan.length, "run")} (${otherRuns[0]})`]),
    ...(hashOf(tuningOf(tuned)) === hashOf(registration.tuning)
      ? []
      : ["what settings were chosen from"]),
    ...(others.length === 0
      ? []
      : [`ranklab's code in ${whole(others.length)} of ${counted(runs.length, "run")}`]),
    ...(isOther ? ["the file or the time that git has of that commit"] : []),
  ];
  return {
    file,
    sha256,
    commit: committed === null
      ? null
      : { hash: committed.commit, at: committed.at, path: committed.path },
    isRead: found !== null,
    begun: {
      runs: committed === null ? runs.length : begunBefore(runs, committed.at),
      of: runs.length,
    },
    differs,
  };
}

/** Whether claims were registered before the first run, and are as they were then. */
export function isProven({ commit, begun, differs }: RegistrationProof): boolean {
  return commit !== null && begun.runs === 0 && differs.length === 0;
}

/** {@linkcode registrationProof} in words that follow "Claims". */
export function registrationText(proof: RegistrationProof): string {
  const { file, sha256, commit, isRead, begun, differs } = proof;
  const name = `registered in ${file} (sha256 ${sha256.slice(0, 12)}…)`;
  if (commit === null) return `${name}, which git did not have when runs began`;
  const after = begun.runs === 0
    ? "before the first run"
    : `after ${whole(begun.runs)} of ${counted(begun.of, "run")} had begun`;
  const unread = isRead
    ? ""
    : "; the commit is not at hand here, so its time is that of study.json";
  const changed = differs.length === 0 ? "" : `; not as registered: ${listed(differs)}`;
  return `${name}, committed on ${timeText(commit.at)} (git ${
    commit.hash.slice(0, 12)
  }) ${after}${unread}${changed}`;
}

/** How whoever has the repository checks a registration. */
export function checkText({ file, sha256, commit }: RegistrationProof): string {
  const by = commit === null
    ? `sha256sum ${file}`
    : `git show ${commit.hash}:${commit.path} | sha256sum`;
  return `The registration has the SHA-256 ${sha256}, which ${by} prints.`;
}
