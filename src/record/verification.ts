/**
 * Whether a run that was repeated came out the same: what was pinned, every number, and where the two part.
 *
 * Everything here is pure: two runs go in, a verdict comes out. `wanted` is always what the record says, `found` what
 * the new run gave.
 *
 * @module
 */
import type { EvaluationLine, RunRecord, StepLine, Where } from "./types.ts";
import type { StoredRun } from "./read_study.ts";
import { keptOf } from "../study/kept.ts";

/** How well two numbers, or all numbers of a kind, agree. */
export type Agreement = "bit-equal" | "within tolerance" | "different";

/** What a comparison looks at: a number, a text, or null where one of the two runs has nothing. */
export type Value = number | string | null;

/** A place where two runs part. */
export interface Difference {
  /** For instance `loss`, or `rank events: layer.0.query`. */
  readonly quantity: string;
  /** Null for what belongs to the end of the run. */
  readonly step: number | null;
  /** What the new run gave; null where it has no such value. */
  readonly found: Value;
  /** What the record says; null where it has no such value. */
  readonly wanted: Value;
}

/** All values of one kind, compared. */
export interface QuantityComparison {
  /** For instance `loss` or `final ranks`. */
  readonly quantity: string;
  /** Worst agreement among its values. */
  readonly agreement: Agreement;
  /** Values compared. */
  readonly compared: number;
  /** Values that agree to the last bit; of texts, equal texts. */
  readonly equal: number;
  /** The largest relative difference of two numbers. */
  readonly largestRelative: number;
  /** The first value that is not bit-equal. */
  readonly first: Difference | null;
  /** The first value that differs by more than the tolerance. */
  readonly firstBeyond: Difference | null;
}

/** Something that the record pins. */
export interface PinnedItem {
  /** For instance `git commit`, `package vega`, `data Genre/dev.tsv`. */
  readonly item: string;
  /** Inputs decide what is computed; code and machine decide how. */
  readonly kind: "code" | "input" | "machine";
  /** What the record says; null where it pins none. */
  readonly wanted: Value;
  /** What is there now; null where there is none. */
  readonly found: Value;
  /** Exact equality; there is no tolerance for what is pinned. */
  readonly isSame: boolean;
}

/** How a run came out when it was repeated; `inputs differ` says that it was not, since it would be another run. */
export type Verdict = "bit-equal" | "within tolerance" | "not reproduced" | "inputs differ";

/** What the verification of one run found. */
export interface RunVerification {
  /** Id of the run that was repeated. */
  readonly id: string;
  /** Task, method, budget and seed in one line. */
  readonly title: string;
  /** Worst agreement of its quantities, or why there is none. */
  readonly verdict: Verdict;
  /** Every pinned item, those that are the same too. */
  readonly pinned: readonly PinnedItem[];
  /** Kinds of which the record has a value; empty where the run was not repeated. */
  readonly quantities: readonly QuantityComparison[];
  /** The first place where the two are not bit-equal. */
  readonly first: Difference | null;
  /** The first place where they differ by more than the tolerance. */
  readonly firstBeyond: Difference | null;
  /** Why there is nothing to compare, else null. */
  readonly message: string | null;
}

/** `verification.json`. */
export interface Verification {
  /** Version of the file's schema, that of records. */
  readonly schema: number;
  /** Name of the study. */
  readonly study: string;
  /** ISO 8601 in UTC. */
  readonly verifiedAt: string;
  /** Relative. */
  readonly tolerance: number;
  /** Finished runs of the study, of which `runs` may be a sample. */
  readonly finishedRuns: number;
  /** Seed that drew the sample; null when all finished runs were verified. */
  readonly sampleSeed: number | null;
  /** One entry a run of the sample, in the order of the study. */
  readonly runs: readonly RunVerification[];
}

/** The runs' own numbers that a comparison needs. */
export type RunNumbers = Pick<
  StoredRun,
  "record" | "steps" | "evaluations" | "ranks" | "importance" | "predictions"
>;

/** What a record pins, and what is there now. */
export interface Pinned {
  readonly where: Where;
  readonly methodVersion: number;
  readonly seed: number;
}

/** What a record pins. */
export function pinnedBy({ where, asked: { methodVersion, seed } }: RunRecord): Pinned {
  return { where, methodVersion, seed };
}

/** Compares what was pinned, item by item. */
export function comparePinned(wanted: Pinned, found: Pinned): readonly PinnedItem[] {
  const item = (
    kind: PinnedItem["kind"],
    name: string,
    of: (pinned: Pinned) => Value | undefined,
  ): PinnedItem => {
    const [there, here] = [of(wanted) ?? null, of(found) ?? null];
    return { item: name, kind, wanted: there, found: here, isSame: there === here };
  };
  const keysOf = (of: (where: Where) => Readonly<Record<string, string>>) =>
    [...new Set([...Object.keys(of(wanted.where)), ...Object.keys(of(found.where))])].sort();
  return [
    item("code", "ranklab", ({ where }) => where.ranklab),
    item("code", "git commit", ({ where }) => where.gitCommit),
    ...(wanted.where.hashes.source === undefined
      ? []
      : [item("code", "ranklab's source", ({ where }) => where.hashes.source)]),
    item("code", "method version", ({ methodVersion }) => methodVersion),
    item("code", "deno", ({ where }) => where.deno),
    ...(wanted.where.v8 === undefined ? [] : [item("code", "v8", ({ where }) => where.v8)]),
    ...keysOf((where) => where.packages).map((name) =>
      item("code", `package ${name}`, ({ where }) => where.packages[name])
    ),
    // Where one has none, another device computed, which is told below.
    ...([wanted, found].every(({ where }) => where.hashes.libraries !== undefined)
      ? keysOf((where) => where.hashes.libraries!).map((name) =>
        item("code", `library ${name}`, ({ where }) => where.hashes.libraries![name])
      )
      : []),
    item("code", "lock file", ({ where }) => where.hashes.lock),
    item("input", "seed", ({ seed }) => seed),
    ...keysOf((where) => where.hashes.data).map((path) =>
      item("input", `data ${path}`, ({ where }) => where.hashes.data[path])
    ),
    item("input", "weights", ({ where }) => where.hashes.weights),
    item("input", "tokenizer", ({ where }) => where.hashes.tokenizer),
    ...([wanted, found].some(({ where }) => where.method !== undefined)
      ? [item("input", "method source", ({ where }) => where.method?.hash)]
      : []),
    item("machine", "executor", ({ where }) => where.device.executor),
    item("machine", "device", ({ where }) => where.device.name),
    item("machine", "threads", ({ where }) => where.device.threads),
    item("machine", "platform", ({ where }) => where.platform),
  ];
}

/** One value of a run: what it is, when, and the group of values whose size differences are relative to. */
interface Reading {
  readonly place: string;
  readonly step: number | null;
  readonly value: number | string;
  /** Values of one group share the scale of relative differences. Default: the place. */
  readonly group?: string;
}

function stepReadings(of: (line: StepLine) => number) {
  return ({ steps }: RunNumbers): readonly Reading[] =>
    steps.map((line) => ({ place: "", step: line.step, value: of(line) }));
}

function evaluationReadings(line: EvaluationLine, step: number | null): readonly Reading[] {
  return [
    { place: `${line.split} loss`, step, value: line.loss },
    ...Object.entries(line.metrics).map(([metric, value]) => ({
      place: `${line.split} ${metric}`,
      step,
      value,
    })),
  ];
}

/** The evaluation that counts, and those of further splits with it. */
function finalReadings({ record: { happened } }: RunNumbers): readonly Reading[] {
  const kept = keptOf(happened.keep, happened);
  return kept === null ? [] : [
    { place: "step kept", step: null, value: `step ${kept.step}` },
    ...[kept, ...happened.others].flatMap((line) => evaluationReadings(line, null)),
  ];
}

/** Everything that is compared, in the order in which it comes about within a step. */
const quantities: readonly (readonly [string, (run: RunNumbers) => readonly Reading[]])[] = [
  ["loss", stepReadings(({ loss }) => loss)],
  ["regulariser", stepReadings(({ regulariser }) => regulariser)],
  ["gradient norm", stepReadings(({ gradientNorm }) => gradientNorm)],
  ["learning rate", stepReadings(({ learningRate }) => learningRate)],
  // Counts and ranks are compared as texts: there is no tolerance for them.
  [
    "tokens",
    ({ steps }) =>
      steps.map(({ step, tokens }) => ({ place: "", step, value: `${tokens} tokens` })),
  ],
  ["rank scores", ({ ranks }) =>
    ranks.flatMap(({ step, threshold, changes }) => [
      ...(threshold === null ? [] : [{ place: "threshold", step, value: threshold }]),
      ...changes.map(({ module, score }) => ({ place: module, step, value: score })),
    ])],
  ["rank events", ({ ranks }) =>
    ranks.flatMap(({ step, budget, moved, changes }) => [
      { place: "event", step, value: `${moved} moved, total rank ${budget}` },
      ...changes.map(({ module, from, to }) => ({
        place: module,
        step,
        value: `rank ${from} to ${to}`,
      })),
    ])],
  [
    "importance",
    ({ importance }) =>
      importance.flatMap(({ step, scores }) =>
        Object.entries(scores).map(([module, value]) => ({ place: module, step, value }))
      ),
  ],
  [
    "evaluations",
    ({ evaluations }) => evaluations.flatMap((line) => evaluationReadings(line, line.step)),
  ],
  ["final metrics", finalReadings],
  [
    "final ranks",
    ({ record: { happened } }) =>
      Object.entries(happened.finalRanks ?? {}).map(([module, rank]) => ({
        place: module,
        step: null,
        value: `rank ${rank}`,
      })),
  ],
  ["predictions", ({ predictions }) =>
    predictions.map(({ split, id, prediction }) => ({
      place: `${split} row ${id}`,
      step: null,
      value: prediction,
      group: split,
    }))],
];

/** Readings under keys that are unique within a run: what comes twice in a step is numbered. */
function keyed(readings: readonly Reading[]): ReadonlyMap<string, Reading> {
  const seen = new Map<string, number>();
  return new Map(readings.map((reading) => {
    const key = JSON.stringify([reading.step, reading.place]);
    const nth = seen.get(key) ?? 0;
    seen.set(key, nth + 1);
    return [`${key}#${nth}`, reading];
  }));
}

/** A value that JSON can hold. */
function plain(value: number | string | undefined): Value {
  if (value === undefined) return null;
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** The largest finite magnitude in each group. */
function scalesOf(readings: Iterable<Reading>): ReadonlyMap<string, number> {
  const scales = new Map<string, number>();
  for (const { place, group = place, value } of readings) {
    if (typeof value !== "number" || !Number.isFinite(value)) continue;
    scales.set(group, Math.max(scales.get(group) ?? 0, Math.abs(value)));
  }
  return scales;
}

/** Part of a group's largest magnitude below which a number counts as small. */
const smallPart = 0.01;

/**
 * The relative difference of two values: 0 if they are bit-equal, infinite if one is missing, not finite, or a text.
 *
 * @param scale The largest magnitude of its kind; numbers below 1 % of it count as that large, since
 * the digits of a number near zero say little.
 */
export function relativeDifference(
  found: number | string | undefined,
  wanted: number | string | undefined,
  scale: number,
): number {
  if (Object.is(found, wanted) || found === wanted) return 0;
  if (typeof found !== "number" || typeof wanted !== "number") return Infinity;
  if (!Number.isFinite(found) || !Number.isFinite(wanted)) return Infinity;
  return Math.abs(found - wanted) /
    Math.max(Math.abs(found), Math.abs(wanted), smallPart * scale);
}

/** Whether a difference comes before another; what has no step belongs to the end. */
function isBefore(a: Difference, b: Difference): boolean {
  return (a.step ?? Infinity) < (b.step ?? Infinity);
}

function earlier(a: Difference | null, b: Difference | null): Difference | null {
  if (a === null || b === null) return a ?? b;
  return isBefore(b, a) ? b : a;
}

function agreementOf(first: Difference | null, firstBeyond: Difference | null): Agreement {
  if (firstBeyond !== null) return "different";
  return first === null ? "bit-equal" : "within tolerance";
}

function compareQuantity(
  quantity: string,
  found: ReadonlyMap<string, Reading>,
  wanted: ReadonlyMap<string, Reading>,
  tolerance: number,
): QuantityComparison {
  const scales = scalesOf(wanted.values());
  let equal = 0;
  let largestRelative = 0;
  let first: Difference | null = null;
  let firstBeyond: Difference | null = null;
  const keys = new Set([...wanted.keys(), ...found.keys()]);
  for (const key of keys) {
    const [here, there] = [found.get(key), wanted.get(key)];
    const { place, step, group = place } = (there ?? here)!;
    const relative = relativeDifference(here?.value, there?.value, scales.get(group) ?? 0);
    if (relative === 0) {
      equal++;
      continue;
    }
    if (Number.isFinite(relative)) largestRelative = Math.max(largestRelative, relative);
    const difference: Difference = {
      quantity: place === "" ? quantity : `${quantity}: ${place}`,
      step,
      found: plain(here?.value),
      wanted: plain(there?.value),
    };
    first = earlier(first, difference);
    if (relative > tolerance) firstBeyond = earlier(firstBeyond, difference);
  }
  return {
    quantity,
    agreement: agreementOf(first, firstBeyond),
    compared: keys.size,
    equal,
    largestRelative,
    first,
    firstBeyond,
  };
}

/** Compares all numbers of two runs; kinds of which neither run has any are left out. */
export function compareNumbers(
  found: RunNumbers,
  wanted: RunNumbers,
  tolerance: number,
): readonly QuantityComparison[] {
  return quantities.map(([quantity, read]) =>
    compareQuantity(quantity, keyed(read(found)), keyed(read(wanted)), tolerance)
  ).filter(({ compared }) => compared > 0);
}

/** What a verification is made of. */
export interface VerificationRequest {
  readonly title: string;
  readonly wanted: RunNumbers;
  /** The repeated run, or null where it was not since its inputs differ. */
  readonly found: RunNumbers | null;
  /** What there is now. */
  readonly present: Pinned;
  /** Largest relative difference that counts as agreement. */
  readonly tolerance: number;
}

/** The verdict on one run. */
export function verifyRun(request: VerificationRequest): RunVerification {
  const { title, wanted, found, present, tolerance } = request;
  const pinned = comparePinned(pinnedBy(wanted.record), present);
  const base = { id: wanted.record.id, title, pinned };
  const changed = changedInputs(pinned);
  if (changed.length > 0 || found === null) {
    const names = changed.map(({ item }) => item).join(", ");
    return {
      ...base,
      verdict: "inputs differ",
      quantities: [],
      first: null,
      firstBeyond: null,
      message: `not run: ${names || "its inputs"} changed since it was recorded`,
    };
  }
  const { outcome } = found.record.happened;
  const compared = compareNumbers(found, wanted, tolerance);
  const first = compared.reduce<Difference | null>((seen, next) => earlier(seen, next.first), null);
  const firstBeyond = compared.reduce<Difference | null>(
    (seen, next) => earlier(seen, next.firstBeyond),
    null,
  );
  const agreement = agreementOf(first, firstBeyond);
  const hasFailed = outcome.state === "failed";
  return {
    ...base,
    verdict: hasFailed || agreement === "different" ? "not reproduced" : agreement,
    quantities: compared,
    first,
    firstBeyond,
    message: hasFailed ? `failed (${outcome.cause}): ${outcome.message}` : null,
  };
}

/** The inputs that changed: with them it would be another run. */
export function changedInputs(pinned: readonly PinnedItem[]): readonly PinnedItem[] {
  return pinned.filter(({ kind, isSame }) => kind === "input" && !isSame);
}
