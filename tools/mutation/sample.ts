/**
 * A seeded sample of mutants, the same number in every room.
 *
 * @module
 */
import { RandomStream } from "../../src/base/random.ts";
import { applied, type Change, changesOf, isProgram } from "./changes.ts";

/** A source file; its path starts at the project's root. */
export interface SourceText {
  readonly path: string;
  readonly text: string;
}

/** One wrong change of one file. */
export interface Mutant {
  readonly path: string;
  readonly change: Change;
  /** Line of the change, from 1, and its column, from 0. */
  readonly line: number;
  readonly column: number;
  /** The line as it is, and what the change replaces. */
  readonly lineText: string;
  readonly before: string;
}

/** The folder of `src/` that a file is in. */
export function roomOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** A change as a mutant of its file. */
export function mutantOf({ path, text }: SourceText, change: Change): Mutant {
  const lineStart = text.lastIndexOf("\n", change.start - 1) + 1;
  const lineEnd = text.indexOf("\n", change.start);
  return {
    path,
    change,
    line: text.slice(0, change.start).split("\n").length,
    column: change.start - lineStart,
    lineText: text.slice(lineStart, lineEnd < 0 ? text.length : lineEnd),
    before: text.slice(change.start, change.end),
  };
}

/**
 * Draws mutants of one room: each time a kind of change, all kinds that are left being equally likely, and then one of its
 * places. Drawing by places alone would give constants and sums almost only.
 */
export function sampleOf(
  sources: readonly SourceText[],
  count: number,
  stream: RandomStream,
): readonly Mutant[] {
  const byKind = new Map<string, { source: SourceText; change: Change }[]>();
  for (const source of sources) {
    for (const change of changesOf(source.text)) {
      const own = byKind.get(change.kind) ?? [];
      byKind.set(change.kind, own);
      own.push({ source, change });
    }
  }
  const drawn: Mutant[] = [];
  while (drawn.length < count && byKind.size > 0) {
    const kinds = [...byKind.keys()].sort();
    const kind = kinds[stream.int(kinds.length)]!;
    const places = byKind.get(kind)!;
    const [{ source, change }] = places.splice(stream.int(places.length), 1) as [typeof places[0]];
    if (places.length === 0) byKind.delete(kind);
    const isTaken = drawn.some((other) =>
      other.path === source.path && other.change.start < change.end &&
      change.start < other.change.end
    );
    if (isTaken || !isProgram(applied(source.text, change))) continue;
    drawn.push(mutantOf(source, change));
  }
  return drawn;
}

/** The sample of some rooms; a room's part does not depend on which others are asked for. */
export function sampleRooms(
  sources: readonly SourceText[],
  rooms: readonly string[],
  count: number,
  seed: number,
): readonly Mutant[] {
  const root = RandomStream.fromSeed(seed).fork("mutants");
  return rooms.flatMap((room) =>
    sampleOf(sources.filter(({ path }) => roomOf(path) === room), count, root.fork(room))
  );
}

/**
 * The text of a file with a mutant's change, wherever its line is now.
 *
 * @returns Null if the line is no longer there.
 */
export function mutated(
  text: string,
  { line, column, lineText, before, change }: Mutant,
): string | null {
  const lines = text.split("\n");
  const found = lines.flatMap((own, i) => own === lineText ? [i] : [])
    .sort((a, b) => Math.abs(a + 1 - line) - Math.abs(b + 1 - line))
    .map((i) => lines.slice(0, i).reduce((sum, own) => sum + own.length + 1, 0) + column)
    .find((start) => text.startsWith(before, start));
  if (found === undefined) return null;
  return applied(text, { ...change, start: found, end: found + before.length });
}
