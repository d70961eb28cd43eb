/**
 * One mutant handed to its reader, and what came of it.
 *
 * @module
 */
import { InputError } from "../../src/base/input_error.ts";
import { RandomStream } from "../../src/base/random.ts";
import { mutantOf } from "./mutations.ts";
import type { FuzzedReader } from "./reader.ts";

/**
 * What became of a mutant: it was read, or refused as it should be; or it was refused with another error, took too long, reserved
 * too much, or ended the process.
 */
export type Outcome = "read" | "refused" | "untyped" | "slow" | "large" | "ended";

/** Whether an outcome is one that must not be. */
export function isFinding(outcome: Outcome): boolean {
  return outcome !== "read" && outcome !== "refused";
}

/** Limits of one read. */
export const limits = { millis: 2_000, bytes: 500_000_000 } as const;

/** What came of a mutant. */
export interface Trial {
  readonly index: number;
  readonly reader: string;
  readonly outcome: Outcome;
  readonly millis: number;
  readonly bytes: number;
  /** The error's text, with its trace where it is of the wrong kind; empty without one. */
  readonly said: string;
}

/** The mutant of a number: the readers take turns. */
export function mutantAt(
  readers: readonly FuzzedReader[],
  seed: number,
  index: number,
): { readonly reader: FuzzedReader; readonly bytes: Uint8Array } {
  const reader = readers[index % readers.length]!;
  const stream = RandomStream.fromSeed(seed).fork("mutant").fork(index);
  return { reader, bytes: mutantOf(reader.corpus, reader.format, stream) };
}

/** What readers used of this process. */
export interface Meter {
  /** Milliseconds of the processor so far. */
  readonly millis: () => number;
  /** Bytes that were reserved since it was last asked. */
  readonly takeBytes: () => number;
}

/** Hands a mutant to its reader. */
export async function tryMutant(
  { reader, bytes }: { readonly reader: FuzzedReader; readonly bytes: Uint8Array },
  index: number,
  meter: Meter,
): Promise<Trial> {
  let outcome: Outcome = "read";
  let said = "";
  meter.takeBytes();
  const began = meter.millis();
  try {
    await reader.read(bytes);
  } catch (error) {
    const isTyped = error instanceof InputError && error.file !== "" && error.found !== "" &&
      error.wanted !== "";
    outcome = isTyped ? "refused" : "untyped";
    said = error instanceof Error
      ? (isTyped ? error.message : error.stack ?? error.message)
      : String(error);
  }
  const millis = meter.millis() - began;
  const reserved = meter.takeBytes();
  if (reserved > limits.bytes) outcome = "large";
  if (millis > limits.millis) outcome = "slow";
  return { index, reader: reader.name, outcome, millis: Math.round(millis), bytes: reserved, said };
}
