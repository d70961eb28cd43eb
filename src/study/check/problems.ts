/**
 * What is wrong with a study, said with the key's path, what was found there and what was wanted.
 *
 * @module
 */
import type { z } from "zod";
import { InputError } from "../../base/input_error.ts";
import { unknownName } from "../../base/suggest.ts";
import { valueAtKeys } from "../../base/read_json.ts";

/** One thing that is wrong. */
export interface Problem {
  /** The key's path, for instance `axes.budgets[1].rank`; a problem of a run starts with the run. */
  readonly where: string;
  /** What was found and what was wanted, without the key's path. */
  readonly message: string;
}

const mostListed = 50;

/** Thrown for a study that cannot be run as it stands; holds all problems that were found at once. */
export class StudyError extends InputError {
  /** `StudyError`, by which a terminal tells a wrong study from a fault of ranklab. */
  override readonly name = "StudyError";
  /** All that were found, at least one; the error's message lists them. */
  readonly problems: readonly Problem[];

  /**
   * The message has one line a problem.
   *
   * @param what What was attempted, for instance `Cannot read study "quickstart"`.
   * @param problems At least one.
   */
  constructor(what: string, problems: readonly Problem[]) {
    const lines = problems.slice(0, mostListed).map(({ where, message }) => `${where}: ${message}`);
    const more = problems.length - lines.length;
    const list = lines.map((line) => `- ${line}`).join("\n") +
      (more > 0 ? `\n- and ${more} more` : "");
    const first = problems[0]!;
    const [found = first.message, wanted = "another value"] = first.message.split(", wanted ");
    super({
      file: /"(.*)"/.exec(what)?.[1] ?? "study",
      place: first.where,
      found: found.replace(/^found /, ""),
      wanted,
      message: problems.length === 1
        ? `${what}: ${lines[0]}`
        : `${what}, ${problems.length} problems:\n${list}`,
    });
    this.problems = problems;
  }
}

/**
 * A key's path with the thing that it belongs to: `task "Tickets", userTasks[1].labels`.
 *
 * @param kind What kind of thing it is, for instance `task`.
 * @param name What it is called; the path alone is given where that is no text.
 */
export function placeOf(kind: string, name: unknown, path: string): string {
  return typeof name === "string" && name !== "" ? `${kind} ${show(name)}, ${path}` : path;
}

/** Which of some keys were there before, and where at first. */
export function repeated(
  keys: readonly string[],
): readonly { readonly i: number; readonly first: number }[] {
  const firsts = new Map<string, number>();
  return keys.flatMap((key, i) => {
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, i);
    return first === undefined ? [] : [{ i, first }];
  });
}

/** What the value at a path is called: its key, or for an entry of a list the list's. */
function nameAt(path: readonly PropertyKey[]): string {
  const key = path.findLast((part) => typeof part !== "number");
  if (key === undefined) return "value";
  return typeof path.at(-1) === "number" ? `entry of ${String(key)}` : String(key);
}

/** A key's path as it is written in messages: `axes.methods[1].options`. */
export function keyPath(path: readonly PropertyKey[]): string {
  return path.map((key, i) =>
    typeof key === "number" ? `[${key}]` : i === 0 ? String(key) : `.${String(key)}`
  ).join("");
}

/**
 * The problems behind a validator's issues.
 *
 * @param issues Issues of a zod error.
 * @param input The value that was checked.
 * @param path Where that value stands in the study; the empty path is the study itself.
 * @param knownKeys Keys that may stand at the top of the value, where the validator's own message does not list them.
 */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
  path: readonly PropertyKey[] = [],
  knownKeys?: readonly string[],
): Problem[] {
  const misspelt = new Set(
    issues.filter(({ code }) => code === "unrecognized_keys").map(({ path }) => keyPath(path)),
  );
  return issues.flatMap((issue): Problem[] => {
    // What a misspelt key leaves missing is not worth a second line.
    if (issue.code === "custom" && misspelt.has(keyPath(issue.path))) return [];
    const here = [...path, ...issue.path];
    const where = keyPath(here) || "study";
    const found = valueAtKeys(input, issue.path);
    if (issue.code === "invalid_union") {
      if ("options" in issue && issue.options !== undefined) {
        return [{ where, message: oneOf(issue.options, found, nameAt(here)) }];
      }
      const branch = closestBranch(issue.errors);
      return branch === null
        ? [{ where, message: `found ${show(found)}, wanted ${kinds(issue.errors)}` }]
        : problemsOf(branch, found, here);
    }
    if (issue.code === "unrecognized_keys") {
      const isListed = issue.path.length === 0 && knownKeys !== undefined;
      if (!isListed && issue.keys.length > 1) return [{ where, message: issue.message }];
      return issue.keys.map((key) => ({
        where: keyPath([...here, key]),
        message: isListed ? unknownName("key", key, knownKeys) : issue.message,
      }));
    }
    return [{ where, message: describe(issue, found, nameAt(here)) }];
  });
}

/** A value as messages quote it: JSON, cut after 60 characters. */
export function show(value: unknown): string {
  const text = typeof value === "number" ? String(value) : JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function describe(issue: z.core.$ZodIssue, found: unknown, key: string): string {
  switch (issue.code) {
    case "invalid_type":
      return found === undefined
        ? `missing, wanted ${article(issue.expected)}`
        : `found ${show(found)}, wanted ${article(issue.expected)}`;
    case "too_small":
    case "too_big": {
      const isSmall = issue.code === "too_small";
      const bound = isSmall ? issue.minimum : issue.maximum;
      const side = isSmall
        ? (issue.inclusive ? "at least" : "more than")
        : (issue.inclusive ? "at most" : "less than");
      const unit = issue.origin === "array" || issue.origin === "set"
        ? (Number(bound) === 1 ? " entry" : " entries")
        : issue.origin === "string"
        ? (Number(bound) === 1 ? " character" : " characters")
        : "";
      return `found ${show(found)}, wanted ${side} ${bound}${unit}`;
    }
    case "invalid_value":
      return oneOf(issue.values, found, key);
    default:
      return issue.message;
  }
}

function oneOf(values: readonly unknown[], found: unknown, key: string): string {
  if (typeof found === "string" && values.length > 1) {
    return unknownName(key, found, values.map(String));
  }
  const wanted = values.map(show).join(" or ");
  return found === undefined
    ? `missing, wanted ${wanted}`
    : `found ${show(found)}, wanted ${wanted}`;
}

function article(kind: string): string {
  const names: Readonly<Record<string, string>> = {
    int: "a whole number",
    nan: "NaN",
    null: "null",
    record: "an object",
  };
  return names[kind] ?? `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
}

/** The branch that means the same kind of value, with the fewest issues; null when every branch wants another kind. */
function closestBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | null {
  const isOtherKind = (issue: z.core.$ZodIssue) =>
    issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
  const near = branches.filter((issues) => !issues.some(isOtherKind));
  return near.reduce<readonly z.core.$ZodIssue[] | null>(
    (best, issues) => best === null || issues.length < best.length ? issues : best,
    null,
  );
}

function kinds(branches: readonly (readonly z.core.$ZodIssue[])[]): string {
  const wanted = branches.flatMap((issues) =>
    issues.flatMap((issue) =>
      issue.path.length > 0
        ? []
        : issue.code === "invalid_type"
        ? [article(issue.expected)]
        : issue.code === "invalid_value"
        ? issue.values.map(show)
        : []
    )
  );
  return [...new Set(wanted)].join(" or ");
}
