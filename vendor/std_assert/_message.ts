/**
 * How failures are worded: both values, and a line diff where they take several lines.
 *
 * @module
 */
import { AssertionError } from "./assertion_error.ts";

interface Inspector {
  inspect(value: unknown, options: Record<string, unknown>): string;
}

/** A printable form of any value; uses the runtime's inspector where there is one. */
export function format(value: unknown): string {
  const inspector = (globalThis as { Deno?: Inspector }).Deno;
  if (inspector !== undefined) {
    return inspector.inspect(value, {
      depth: Infinity,
      sorted: true,
      trailingComma: true,
      compact: false,
      iterableLimit: Infinity,
      strAbbreviateSize: Infinity,
    });
  }
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return String(value);
  return JSON.stringify(value, null, 2) ?? String(value);
}

/** `: msg` or a full stop, the way every message of this module ends. */
export function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}

/** A name for a value's class, for messages. */
export function className(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return typeof value;
  return value.constructor?.name || "Object";
}

/** Lines of two texts with `-` (actual only), `+` (expected only) or two spaces (both) in front. */
export function lineDiff(actual: string, expected: string): string {
  const a = actual.split("\n"), b = expected.split("\n");
  const mark = (lines: string[], sign: string) => lines.map((line) => `${sign} ${line}`);
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++;
  let end = 0;
  while (
    end < Math.min(a.length, b.length) - start &&
    a[a.length - 1 - end] === b[b.length - 1 - end]
  ) end++;
  const oldLines = a.slice(start, a.length - end),
    newLines = b.slice(start, b.length - end);
  const middle = oldLines.length * newLines.length > 1e6
    ? [...mark(oldLines, "-"), ...mark(newLines, "+")]
    : commonDiff(oldLines, newLines);
  const context = 6;
  const before = a.slice(Math.max(0, start - context), start);
  const after = a.slice(a.length - end, a.length - end + context);
  return [
    ...(start > context ? ["  …"] : []),
    ...mark(before, " "),
    ...middle,
    ...mark(after, " "),
    ...(end > context ? ["  …"] : []),
  ].join("\n");
}

/** Longest common subsequence of lines, by the textbook table. */
function commonDiff(a: string[], b: string[]): string[] {
  const width = b.length + 1;
  const best = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      best[i * width + j] = a[i] === b[j]
        ? best[(i + 1) * width + j + 1]! + 1
        : Math.max(best[(i + 1) * width + j]!, best[i * width + j + 1]!);
    }
  }
  const out: string[] = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push(`  ${a[i++]}`);
      j++;
    } else if (
      j >= b.length ||
      (i < a.length && best[(i + 1) * width + j]! >= best[i * width + j + 1]!)
    ) out.push(`- ${a[i++]}`);
    else out.push(`+ ${b[j++]}`);
  }
  return out;
}

/** Throws an error that shows both values as a diff under a headline. */
export function failWithDiff(
  headline: string,
  actual: unknown,
  expected: unknown,
): never {
  const [found, wanted] = typeof actual === "string" && typeof expected === "string" &&
      (actual.includes("\n") || expected.includes("\n"))
    ? [actual, expected]
    : [format(actual), format(expected)];
  throw new AssertionError(
    `${headline}\n\n    [Diff] - Actual / + Expected\n\n${lineDiff(found, wanted)}\n`,
  );
}
