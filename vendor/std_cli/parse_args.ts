/**
 * Command line arguments as an object, in the manner of minimist.
 *
 * @module
 */

type Name = string | undefined;
type BooleanName = boolean | string | undefined;

/** The strings of `T`; nothing where no option was given. */
type Names<T> = T extends string ? T : never;

/** Aliases: a name to one or several other names. */
export type Aliases = Readonly<Record<string, string | readonly string[]>>;

type AliasNames<K, A> = K extends keyof A ? A[K] extends string ? K | A[K]
  : A[K] extends readonly string[] ? K | A[K][number]
  : K
  : K;

type WithAliases<V, A> = {
  [K in keyof V as AliasNames<K, A> & PropertyKey]: V[K];
};

/** What one flag holds: its type, `false` where it can be negated, an array where it is collected. */
type Value<K, T, C, N, D> = K extends Names<C> ?
    | T[]
    | (K extends Names<N> ? K extends keyof D ? D[K] | false : false : never)
  :
    | T
    | (K extends Names<N> ? false : never)
    | (K extends keyof D ? D[K] : never);

/** Names that are always present: booleans, collected ones and those with a default. */
type Present<B, S, C, D> = Names<B> | Names<C> | Extract<Names<S>, keyof D>;

type TypeOf<K, B, S> = K extends Names<B> ? boolean
  : K extends Names<S> ? string
  : unknown;

type Flags<B, S, C, N, D> =
  & { [K in Present<B, S, C, D>]: Value<K, TypeOf<K, B, S>, C, N, D> }
  & {
    [K in Exclude<Names<S>, Present<B, S, C, D>>]?: Value<K, string, C, N, D>;
  }
  & { [K in Exclude<keyof D, Names<B> | Names<S> | Names<C>>]: unknown };

type Flatten<T> = { [K in keyof T]: T[K] };

/** The value returned from {@linkcode parseArgs}. */
export type Args<
  TArgs extends Record<string, unknown> = Record<string, unknown>,
  TDoubleDash extends boolean | undefined = undefined,
> =
  & TArgs
  & {
    /** The arguments that belong to no flag; those that look like numbers are numbers. */
    _: Array<string | number>;
  }
  & (true extends TDoubleDash ? { /** The arguments after `--`. */ "--": string[] }
    : unknown);

/** The options of {@linkcode parseArgs}. */
export interface ParseOptions<
  TBooleans extends BooleanName = BooleanName,
  TStrings extends Name = Name,
  TCollectable extends Name = Name,
  TNegatable extends Name = Name,
  TDefault extends Record<string, unknown> | undefined =
    | Record<string, unknown>
    | undefined,
  TAliases extends Aliases | undefined = Aliases | undefined,
  TDoubleDash extends boolean | undefined = boolean | undefined,
> {
  /** Whether arguments after `--` go to `result["--"]` instead of `result._`. Default false. */
  "--"?: TDoubleDash;
  /** Other names of a flag. Default none. */
  alias?: TAliases;
  /** Flags that take no value and start as false; `true` makes every `--flag` without `=` one. Default none. */
  boolean?: TBooleans | ReadonlyArray<Extract<TBooleans, string>>;
  /** Values of flags that were not given. Default none. */
  default?: TDefault;
  /** Whether everything after the first argument that is no flag goes to `result._`. Default false. */
  stopEarly?: boolean;
  /** Flags whose value stays a string, `_` included. Default none. */
  string?: TStrings | ReadonlyArray<Extract<TStrings, string>>;
  /** Flags that may be repeated and gather an array, `[]` when absent. Default none. */
  collect?: TCollectable | ReadonlyArray<Extract<TCollectable, string>>;
  /** Flags that `--no-<flag>` sets to false. Default none. */
  negatable?: TNegatable | ReadonlyArray<Extract<TNegatable, string>>;
  /** Called for an argument that no option names; it is left out where this returns false. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

type Nested = Record<string, unknown>;
type Scalar = string | number | boolean;

function list(names: unknown): string[] {
  const all: unknown[] = Array.isArray(names) ? names : [names];
  return all.filter((name): name is string => typeof name === "string" && name !== "");
}

function isNumeric(text: string): boolean {
  return /^(0x[0-9a-f]+|[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?)$/i.test(text);
}

function isNested(value: unknown): value is Nested {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Puts a value at a dotted path, or appends it to the array there. */
function put(
  target: Nested,
  path: string,
  value: unknown,
  append: boolean,
): void {
  const keys = path.split(".");
  const last = keys.pop() ?? path;
  let place = target;
  for (const key of keys) {
    const inner = Object.hasOwn(place, key) && isNested(place[key]) ? place[key] : {};
    define(place, key, inner);
    place = inner;
  }
  if (!append) return define(place, last, value);
  const held = Object.hasOwn(place, last) ? place[last] : undefined;
  if (Array.isArray(held)) held.push(value);
  else define(place, last, held ? [held, value] : [value]);
}

/** Sets an own property, so that a flag named `__proto__` stays an ordinary one. */
function define(target: Nested, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function has(target: Nested, path: string): boolean {
  let place: unknown = target;
  for (const key of path.split(".")) {
    if (!isNested(place) || !Object.hasOwn(place, key)) return false;
    place = place[key];
  }
  return true;
}

/** Each name with the other names of the same flag. */
function aliasGroups(alias: Aliases): Map<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const [name, others] of Object.entries(alias)) {
    const all = [name, ...list(others)];
    for (const member of all) {
      groups.set(
        member,
        all.filter((other) => other !== member),
      );
    }
  }
  return groups;
}

/**
 * Reads command line arguments into an object of flags and a list `_` of the rest.
 *
 * `--name value`, `--name=value`, `-n value`, `-n5` and joined short flags `-abc` are understood;
 * values that look like numbers become numbers unless the flag is a string; dots in a name nest.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseArgs } from "@std/cli/parse-args";
 * const args = parseArgs(["run", "--seed=3", "--quiet"], { boolean: ["quiet"] });
 * assertEquals(args, { _: ["run"], seed: 3, quiet: true });
 * ```
 */
export function parseArgs<
  TDoubleDash extends boolean | undefined = undefined,
  const TBooleans extends BooleanName = undefined,
  const TStrings extends Name = undefined,
  const TCollectable extends Name = undefined,
  const TNegatable extends Name = undefined,
  TDefaults extends Record<string, unknown> | undefined = undefined,
  const TAliases extends Aliases | undefined = undefined,
>(
  args: string[],
  options: ParseOptions<
    TBooleans,
    TStrings,
    TCollectable,
    TNegatable,
    TDefaults,
    TAliases,
    TDoubleDash
  > = {},
): Args<
  & Record<string, unknown>
  & Flatten<
    WithAliases<
      Flags<TBooleans, TStrings, TCollectable, TNegatable, TDefaults>,
      TAliases
    >
  >,
  TDoubleDash
> {
  const groups = aliasGroups(options.alias ?? {});
  const spread = (names: unknown) =>
    new Set(list(names).flatMap((name) => [name, ...(groups.get(name) ?? [])]));
  const booleans = spread(options.boolean);
  const strings = spread(options.string);
  const collected = spread(options.collect);
  const negatable = spread(options.negatable);
  const allBooleans = options.boolean === true;
  const rest: Array<string | number> = [];
  const result: Nested = { _: rest };

  function set(key: string, raw: Scalar, arg: string, append = true): void {
    const isKnown = booleans.has(key) || strings.has(key) || groups.has(key) ||
      (allBooleans && /^--[^=]+$/.test(arg));
    if (!isKnown && options.unknown?.(arg, key, raw) === false) return;
    const value = typeof raw === "string" && !strings.has(key) && isNumeric(raw)
      ? Number(raw)
      : raw;
    for (const name of [key, ...(groups.get(key) ?? [])]) {
      put(result, name, value, append && collected.has(key));
    }
  }

  /** Sets a flag without `=` and says whether it took the next argument as its value. */
  function setLoose(
    key: string,
    next: string | undefined,
    arg: string,
    mayTake: boolean,
  ): boolean {
    if (next && mayTake && !booleans.has(key)) return set(key, next, arg), true;
    if (next === "true" || next === "false") {
      return set(key, next === "true", arg), true;
    }
    set(key, strings.has(key) ? "" : true, arg);
    return false;
  }

  /** `--name`, `--name=value` and `--no-name`; whether the next argument was taken. */
  function setLong(arg: string, next: string | undefined): boolean {
    const body = arg.slice(2);
    const equals = body.indexOf("=", 1);
    if (equals > 0 && equals < body.length - 1) {
      const key = body.slice(0, equals), value = body.slice(equals + 1);
      set(key, booleans.has(key) ? value !== "false" : value, arg);
      return false;
    }
    if (body.startsWith("no-") && negatable.has(body.slice(3))) {
      set(body.slice(3), false, arg, false);
      return false;
    }
    return setLoose(body, next, arg, !allBooleans && !next?.startsWith("-"));
  }

  /** `-n`, `-n5`, `-n=value` and joined flags; whether the next argument was taken. */
  function setShort(arg: string, next: string | undefined): boolean {
    for (let at = 1; at < arg.length - 1; at++) {
      const letter = arg.charAt(at), tail = arg.slice(at + 1);
      if (tail === "-") {
        set(letter, "-", arg);
        return false;
      }
      const isLetter = /[A-Za-z]/.test(letter);
      if (isLetter && tail.startsWith("=")) {
        set(letter, tail.slice(1), arg);
        return false;
      }
      const isNumberTail = isLetter && /^-?\d+(\.\d*)?(e-?\d+)?$/.test(tail);
      if (isNumberTail || /^\W/.test(tail)) {
        set(letter, tail, arg);
        return false;
      }
      set(letter, strings.has(letter) ? "" : true, arg);
    }
    return setLoose(arg.slice(-1), next, arg, !/^--?[^-]/.test(next ?? ""));
  }

  const dashes = args.indexOf("--");
  const flags = dashes < 0 ? args : args.slice(0, dashes);
  const after = dashes < 0 ? [] : args.slice(dashes + 1);
  for (let i = 0; i < flags.length; i++) {
    const arg = flags[i] ?? "";
    if (/^--./s.test(arg)) {
      if (setLong(arg, flags[i + 1])) i++;
    } else if (/^-[^-]/s.test(arg)) {
      if (setShort(arg, flags[i + 1])) i++;
    } else {
      if (options.unknown?.(arg) !== false) {
        rest.push(strings.has("_") || !isNumeric(arg) ? arg : Number(arg));
      }
      if (options.stopEarly) {
        rest.push(...flags.slice(i + 1));
        break;
      }
    }
  }

  for (const [key, value] of Object.entries(options.default ?? {})) {
    if (has(result, key)) continue;
    for (const name of [key, ...(groups.get(key) ?? [])]) {
      put(result, name, value, false);
    }
  }
  for (const key of booleans) {
    if (!has(result, key)) {
      put(result, key, collected.has(key) ? [] : false, false);
    }
  }
  for (const key of collected) {
    if (!has(result, key)) put(result, key, [], false);
  }
  if (options["--"]) result["--"] = after;
  else rest.push(...after);
  return result as ReturnType<
    typeof parseArgs<
      TDoubleDash,
      TBooleans,
      TStrings,
      TCollectable,
      TNegatable,
      TDefaults,
      TAliases
    >
  >;
}
