/**
 * Which test files can notice a change of a source file, and in which order it pays to ask them.
 *
 * @module
 */
import type { SourceText } from "./sample.ts";

const specifierPatterns: readonly RegExp[] = [
  /\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g,
  // A worker is a module that is named, not imported.
  /new URL\(\s*["'](\.{1,2}\/[^"']+\.ts)["']/g,
];

/** The files that each file imports or starts as a worker; paths start at the project's root. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** Reads the imports of files. */
export function importGraph(files: readonly SourceText[]): ImportGraph {
  return new Map(files.map(({ path, text }) => {
    const targets = specifierPatterns.flatMap((pattern) =>
      [...text.matchAll(pattern)].map((match) =>
        new URL(match[1]!, `file:///${path}`).pathname.slice(1)
      )
    );
    return [path, [...new Set(targets)]];
  }));
}

/** Imports between a file and each of those that reach it; the file itself is at 0. */
export function distancesTo(graph: ImportGraph, target: string): ReadonlyMap<string, number> {
  const importers = new Map<string, string[]>();
  for (const [path, targets] of graph) {
    for (const to of targets) importers.set(to, [...importers.get(to) ?? [], path]);
  }
  const found = new Map([[target, 0]]);
  const queue = [target];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const importer of importers.get(path) ?? []) {
      if (found.has(importer)) continue;
      found.set(importer, found.get(path)! + 1);
      queue.push(importer);
    }
  }
  return found;
}

/** A test file and the seconds that it takes. */
export interface TimedTest {
  readonly path: string;
  readonly seconds: number;
}

/** How much further off a test of another room is taken to be: it is less likely to look at the file. */
const otherRoom = 3;

/**
 * The tests that reach a file, the near and quick ones before the far and slow ones: seconds times 2 to the number of
 * imports between, times 3 for those of another room than the file's.
 *
 * @param seconds Seconds of each test file, by path.
 */
export function affectedTests(
  graph: ImportGraph,
  target: string,
  seconds: Readonly<Record<string, number>>,
): readonly TimedTest[] {
  const room = target.split("/")[1];
  const cost = ({ path, distance }: { readonly path: string; readonly distance: number }) =>
    (0.2 + (seconds[path] ?? 1)) * 2 ** distance *
    (path.startsWith(`tests/${room}/`) ? 1 : otherRoom);
  return [...distancesTo(graph, target)]
    .map(([path, distance]) => ({ path, distance }))
    .filter(({ path }) => path.endsWith("_test.ts"))
    .sort((a, b) => cost(a) - cost(b))
    .map(({ path }) => ({ path, seconds: seconds[path] ?? 1 }));
}

/** Cuts a list of tests into parts of about so many seconds, so that a process does not start for each file. */
export function inParts(
  tests: readonly TimedTest[],
  secondsEach: number,
): readonly (readonly TimedTest[])[] {
  const parts: TimedTest[][] = [];
  let left = 0;
  for (const test of tests) {
    if (parts.length === 0 || left < test.seconds) {
      parts.push([]);
      left = secondsEach;
    }
    parts.at(-1)!.push(test);
    left -= test.seconds;
  }
  return parts;
}
