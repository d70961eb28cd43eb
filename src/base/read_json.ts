/**
 * JSON of a file, of which nothing is dropped on the way.
 *
 * @module
 */
import { errorMessage, InputError, shown } from "./input_error.ts";

/** Objects and lists in each other at most; what a reader does with them goes as deep. */
const deepestJson = 100;

/** How a JSON text is called in messages. */
interface JsonSource {
  /** What is attempted. Default `Cannot read`. */
  readonly doing?: string;
  /** The place of the whole text in its file, such as `line 4`. Default: the lines of the text. */
  readonly place?: string;
  /** What is wanted. Default `JSON`. */
  readonly wanted?: string;
}

/**
 * The value of a JSON text. Other than `JSON.parse` it refuses a key that an object has twice, of which the first would vanish,
 * the key `__proto__`, which copies of an object lose, and objects in each other beyond {@linkcode deepestJson}.
 *
 * @param fileName How messages call the file.
 *
 * @throws {InputError} If the text is no JSON, or one of these.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { parseJson } from "./read_json.ts";
 * assertThrows(() => parseJson('{"a": 1, "a": 2}', "a.json"), Error, 'the key "a" twice');
 * ```
 */
export function parseJson(text: string, fileName: string, source: JsonSource = {}): unknown {
  const { wanted = "JSON" } = source;
  const base = {
    file: fileName,
    ...(source.doing === undefined ? {} : { doing: source.doing }),
  };
  const placeAt = (at: number | null) => {
    if (source.place !== undefined) return { place: source.place };
    return at === null ? {} : { place: `line ${lineAt(text, at)}` };
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const said = errorMessage(cause);
    const position = /at position (\d+)/.exec(said)?.[1];
    throw new InputError({
      ...base,
      ...placeAt(position === undefined ? null : Number(position)),
      found: `no JSON (${shown(withoutPosition(said))})`,
      wanted,
      cause,
    });
  }
  const problem = firstProblem(text);
  if (problem !== null) {
    const { at, found, want } = problem;
    throw new InputError({ ...base, ...placeAt(at), found, wanted: want });
  }
  return value;
}

/** A message of `JSON.parse` without where, which the line says. */
function withoutPosition(said: string): string {
  return said.replace(/ (?:in JSON )?at position \d+(?: \(line \d+ column \d+\))?/, "");
}

function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < position; at = text.indexOf("\n", at + 1)) {
    line++;
  }
  return line;
}

interface JsonProblem {
  readonly at: number;
  readonly found: string;
  readonly want: string;
}

const code = {
  quote: 0x22,
  backslash: 0x5c,
  comma: 0x2c,
  open: 0x7b,
  close: 0x7d,
  from: 0x5b,
  to: 0x5d,
};

/** Where the string ends that a quote before `start` opens. */
function endOfString(text: string, start: number): number {
  for (let at = start;; at++) {
    at = text.indexOf('"', at);
    let before = at - 1;
    while (before >= start && text.charCodeAt(before) === code.backslash) before--;
    if ((at - 1 - before) % 2 === 0) return at;
  }
}

/** What is wrong with a text that is known to be JSON, or null. */
function firstProblem(text: string): JsonProblem | null {
  // The keys of each object that is open, null for a list.
  const open: (Set<string> | null)[] = [];
  let keyComes = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === code.quote) {
      const end = endOfString(text, at + 1);
      if (keyComes) {
        const problem = keyProblem(text, at, end, open.at(-1)!);
        if (problem !== null) return problem;
        keyComes = false;
      }
      at = end;
    } else if (char === code.open || char === code.from) {
      open.push(char === code.open ? new Set() : null);
      keyComes = char === code.open;
      if (open.length > deepestJson) {
        return {
          at,
          found: `objects and lists in each other more than ${deepestJson} deep`,
          want: `at most ${deepestJson}`,
        };
      }
    } else if (char === code.close || char === code.to) {
      open.pop();
      keyComes = false;
    } else if (char === code.comma) {
      keyComes = open.at(-1) !== null;
    }
  }
  return null;
}

function keyProblem(
  text: string,
  at: number,
  end: number,
  keys: Set<string>,
): JsonProblem | null {
  const raw = text.slice(at + 1, end);
  const key = raw.includes("\\") ? String(JSON.parse(`"${raw}"`)) : raw;
  if (key === "__proto__") {
    return { at, found: 'the key "__proto__"', want: "any other, since programs lose this one" };
  }
  if (keys.has(key)) return { at, found: `the key "${shown(key)}" twice`, want: "each key once" };
  keys.add(key);
  return null;
}

/**
 * Follows keys into a JSON value.
 *
 * @returns What lies there; undefined where a key leads nowhere.
 */
export function valueAtKeys(value: unknown, keys: readonly PropertyKey[]): unknown {
  let current = value;
  for (const key of keys) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, key)) {
      return undefined;
    }
    current = Reflect.get(current, key);
  }
  return current;
}
