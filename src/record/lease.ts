/**
 * What is decided about leases: who holds one, and whether it may be taken over. Functions of what was seen and when.
 *
 * A lease is judged by its heartbeat, a counter in a file, and by the clock of whoever waits for it: times of files differ from
 * host to host. Where the heartbeat stood still for longer than the timeout, its process is taken for dead.
 *
 * Leases lie in `under-way/`, as runs do until they have their records: `<run>.claim/` says who makes a run; `<run>.<token>/` has
 * what was made of it so far, the token being that of the lease. A writer whose lease was taken over finds its folder renamed, and
 * can spoil nothing.
 *
 * @module
 */
import * as z from "zod";
import { InputError, shown } from "../base/input_error.ts";
import { parseJson } from "../base/read_json.ts";

/** Who holds a lease, for people to read. */
export interface Owner {
  /** Null where the process may not know. */
  readonly host: string | null;
  readonly pid: number;
  /** The command line, without its first words. */
  readonly command: string;
}

/** Milliseconds that leases are judged by. */
export interface LeaseTimes {
  /** From one beat to the next. */
  readonly beatMillis: number;
  /** A heartbeat that stood still for longer belongs to nobody. */
  readonly timeoutMillis: number;
  /** The same where this machine says that the process has ended. */
  readonly endedMillis: number;
}

/** The times of leases unless somebody asks for others. */
export const leaseTimes: LeaseTimes = {
  beatMillis: 1_000,
  timeoutMillis: 30_000,
  endedMillis: 2_500,
};

/** A look at a lease that somebody else holds. */
export interface Look {
  /** The token of its owner, or null where its owner has written nothing yet. */
  readonly token: string | null;
  /** What the owner's file held, heartbeat included. */
  readonly content: string;
  /** Whether this machine says that the owner's process has ended; false also where it cannot know. */
  readonly hasEnded: boolean;
}

/** What was seen of a lease so far. */
export interface Sighting extends Pick<Look, "token" | "content"> {
  /** When it was first seen so, in milliseconds of the observer's clock. */
  readonly since: number;
}

/** What is known after a further look. */
export function sightingAfter(before: Sighting | null, look: Look, now: number): Sighting {
  const isSame = before !== null && before.token === look.token && before.content === look.content;
  return isSame ? before : { token: look.token, content: look.content, since: now };
}

/**
 * Whether a lease may be taken over.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { leaseTimes, mayTakeOver, sightingAfter } from "./lease.ts";
 * const look = { token: "0123456789abcdef", content: "beat 7", hasEnded: false };
 * const seen = sightingAfter(null, look, 0);
 * assertEquals(mayTakeOver(seen, look, 29_000, leaseTimes), false);
 * assertEquals(mayTakeOver(seen, look, 31_000, leaseTimes), true);
 * assertEquals(mayTakeOver(seen, { ...look, hasEnded: true }, 3_000, leaseTimes), true);
 * ```
 */
export function mayTakeOver(
  { since }: Sighting,
  { hasEnded }: Pick<Look, "hasEnded">,
  now: number,
  { timeoutMillis, endedMillis }: LeaseTimes,
): boolean {
  return now - since > (hasEnded ? Math.min(endedMillis, timeoutMillis) : timeoutMillis);
}

/** Characters of an owner's file: the beat is written over at the same place, so that it is never shorter. */
const beatDigits = 12;

/** The text of an owner's file at a beat; those of an owner all have the same length. */
export function ownerText({ host, pid, command }: Owner, beat: number): string {
  return `${
    JSON.stringify({ beat: String(beat).padStart(beatDigits, "0"), host, pid, command })
  }\n`;
}

const ownerSchema: z.ZodType<Owner> = z.object({
  host: z.string().nullable().default(null),
  pid: z.number(),
  command: z.string(),
});

/** The owner in the text of its file; null where it is being written, was lost in a power cut, or is damaged. */
function ownerIn(text: string): Owner | null {
  try {
    return ownerSchema.safeParse(parseJson(text, "lease")).data ?? null;
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

/**
 * How messages name the owner of a lease.
 *
 * @param text What the owner's file holds.
 * @param path The file, or the lease's folder where it has none; named where it does not say whose it is.
 */
export function ownerName(text: string, path: string): string {
  const owner = ownerIn(text);
  if (owner === null) {
    return `a process that "${path}" does not name (if none is at work there, delete that)`;
  }
  const host = owner.host === null ? "" : ` on ${shown(owner.host)}`;
  return `process ${owner.pid}${host} (${shown(owner.command)})`;
}

/** The host in the text of an owner's file, or null where it names none. */
export function ownerHost(text: string): string | null {
  return ownerIn(text)?.host ?? null;
}

/** The folder in a study's results. */
export const underWay = "under-way";

const tokenPattern = /^[0-9a-f]{16}$/;

const leaseEnd = ".claim";

/** The path of a run's lease. */
export function leasePath(results: string, run: string): string {
  return `${results}/${underWay}/${run}${leaseEnd}`;
}

/** The runs that somebody has a lease of, by the names in `under-way/`. */
export function leasedRuns(names: Iterable<string>): readonly string[] {
  return [...names].filter((name) => name.endsWith(leaseEnd))
    .map((name) => name.slice(0, -leaseEnd.length)).toSorted();
}

/** The path of what was made of a run under a lease. */
export function attemptPath(results: string, run: string, token: string): string {
  return `${results}/${underWay}/${run}.${token}`;
}

/** The tokens of the attempts at a run, by the names in `under-way/`. */
export function attemptsAt(run: string, names: Iterable<string>): readonly string[] {
  return [...names].filter((name) => name.startsWith(`${run}.`))
    .map((name) => name.slice(run.length + 1))
    .filter((end) => tokenPattern.test(end))
    .toSorted();
}

/** The runs that were begun, by the names in `under-way/`. */
export function runsUnderWay(names: Iterable<string>): readonly string[] {
  const runs = [...names].flatMap((name) => {
    const at = name.lastIndexOf(".");
    return tokenPattern.test(name.slice(at + 1)) ? [name.slice(0, at)] : [];
  });
  return [...new Set(runs)].toSorted();
}
