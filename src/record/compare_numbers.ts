/**
 * The numbers of two runs, compared one by one: which agree, how well, and where the two part first.
 *
 * Of two runs, `wanted` is what the record says, `found` what the new run gave.
 *
 * @module
 */
import { selectedOf } from "../study/grid/steps.ts";
import type { StoredRun } from "./results_reader.ts";
import type { EvaluationLine, StepLine } from "./types.ts";

/** How well two numbers, or all numbers of a kind, agree. */
export type Agreement = "bit-equal" | "within tolerance" | "different";

/** What a comparison looks at: a number, a text, or null where one of the two runs has nothing. */
export type Value = number | string | null;

/** A value in a sentence; of a hash its first digits. */
export function shownValue(value: Value): string {
  if (value === null) return "nothing";
  return typeof value === "string" && /^[0-9a-f]{40,}$/.test(value)
    ? `${value.slice(0, 12)}…`
    : String(value);
}

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

/** The runs' own numbers that a comparison needs. */
export type RunNumbers = Pick<
  StoredRun,
  "record" | "steps" | "evaluations" | "ranks" | "importance" | "predictions"
>;

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

function finalReadings({ record: { happened } }: RunNumbers): readonly Reading[] {
  const selected = selectedOf(happened.keep, happened);
  return selected === null ? [] : [
    { place: "step kept", step: null, value: `step ${selected.step}` },
    ...[selected, ...happened.others].flatMap((line) => evaluationReadings(line, null)),
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

function plain(value: number | string | undefined): Value {
  if (value === undefined) return null;
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

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

/** The difference that comes first, the first of two at the same step. */
export function earlier(a: Difference | null, b: Difference | null): Difference | null {
  if (a === null || b === null) return a ?? b;
  return isBefore(b, a) ? b : a;
}

/** What the first difference of all and the first beyond the tolerance come to. */
export function agreementOf(first: Difference | null, firstBeyond: Difference | null): Agreement {
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
