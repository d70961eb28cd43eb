/**
 * Whether a run that was repeated came out the same: what was pinned, every number, and where the two part.
 *
 * Everything here is pure: two runs go in, a verdict comes out. `wanted` is always what the record says, `found` what
 * the new run gave.
 *
 * @module
 */
import * as z from "zod";
import {
  agreementOf,
  compareNumbers,
  type Difference,
  earlier,
  type QuantityComparison,
  type RunNumbers,
  shownValue,
  type Value,
} from "./compare_numbers.ts";
import { asThinnedAs } from "./thinned.ts";
import type { RecordedEnvironment, RunRecord } from "./types.ts";
import { type Parser, parserOf } from "./parser.ts";

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
export type VerificationVerdict =
  | "bit-equal"
  | "within tolerance"
  | "not reproduced"
  | "inputs differ";

/** What the verification of one run found. */
export interface RunVerification {
  /** Id of the run that was repeated. */
  readonly id: string;
  /** Task, method, budget and seed in one line. */
  readonly title: string;
  /** Worst agreement of its quantities, or why there is none. */
  readonly verdict: VerificationVerdict;
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
  /** One step in so many was compared: the record's journal is thinned. Absent where all steps were. */
  readonly thinned?: number;
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

/** What a record pins, and what is there now. */
interface Pinned {
  readonly where: RecordedEnvironment;
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
  const keysOf = (of: (where: RecordedEnvironment) => Readonly<Record<string, string>>) =>
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
    // Where one has none, another device computed, which is reported below.
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

interface VerificationRequest {
  readonly title: string;
  readonly wanted: RunNumbers;
  /** The repeated run, or null where it was not since its inputs differ. */
  readonly found: RunNumbers | null;
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
    const list = (of: "wanted" | "found") =>
      changed.map((pinned) => `${pinned.item} ${shownValue(pinned[of])}`).join(", ");
    return {
      ...base,
      verdict: "inputs differ",
      quantities: [],
      first: null,
      firstBeyond: null,
      message: changed.length === 0
        ? "not run: its inputs changed since it was recorded"
        : `not run: recorded with ${list("wanted")}, here with ${list("found")}`,
    };
  }
  const { outcome } = found.record.happened;
  const compared = compareNumbers(asThinnedAs(found, wanted), wanted, tolerance);
  const { thinned } = wanted.record;
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
    ...(thinned === undefined ? {} : { thinned: thinned.every }),
  };
}

/** The inputs that changed: with them it would be another run. */
export function changedInputs(pinned: readonly PinnedItem[]): readonly PinnedItem[] {
  return pinned.filter(({ kind, isSame }) => kind === "input" && !isSame);
}

const text = z.string();
const count = z.int().min(0);
const value = z.union([z.number(), text]).nullable();

const difference = z.object({
  quantity: text,
  step: count.nullable(),
  found: value,
  wanted: value,
});

export const verification = z.object({
  schema: z.int().min(1),
  study: text,
  verifiedAt: text,
  tolerance: z.number().min(0),
  finishedRuns: count,
  sampleSeed: z.int().nullable(),
  runs: z.array(z.object({
    id: text,
    title: text,
    verdict: z.enum(["bit-equal", "within tolerance", "not reproduced", "inputs differ"]),
    pinned: z.array(z.object({
      item: text,
      kind: z.enum(["code", "input", "machine"]),
      wanted: value,
      found: value,
      isSame: z.boolean(),
    })),
    quantities: z.array(z.object({
      quantity: text,
      agreement: z.enum(["bit-equal", "within tolerance", "different"]),
      compared: count,
      equal: count,
      largestRelative: z.number().min(0),
      first: difference.nullable(),
      firstBeyond: difference.nullable(),
    })),
    first: difference.nullable(),
    firstBeyond: difference.nullable(),
    message: text.nullable(),
    thinned: z.exactOptional(z.int().min(2)),
  })),
});

/**
 * Parses `verification.json`.
 *
 * @throws {NewerSchemaError} If a newer ranklab wrote it.
 * @throws {RecordFormatError} If a key is missing or holds something else.
 */
export const parseVerification: Parser<Verification> = parserOf(verification, true);
