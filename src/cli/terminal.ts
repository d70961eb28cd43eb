/**
 * What the commands have in common: output, errors as messages, exit codes.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { unknownName } from "../base/suggest.ts";
import { printable, wrapped } from "../base/text_width.ts";
import { errorMessage, UsageError } from "../base/input_error.ts";
import { confineStudies } from "../runs/pool/threads.ts";
import { StoppedError } from "../runs/events.ts";

/** The exit code of a command that was stopped: 128 and the number of SIGINT. */
export const stoppedExitCode = 130;

/** Writes a line to standard output; see {@linkcode Output}. */
export function say(line: string): Promise<void> {
  return standardOutput.write(`${line}\n`);
}

/** Writes a line to standard error. */
export function complain(line: string): Promise<void> {
  return errorOutput.write(`${line}\n`);
}

const usualColumns = 80;

/** Columns of the terminal that a stream writes to; null where it writes to something else, which sets no limit. */
function columnsOfTerminal(stream: { isTerminal(): boolean }): number | null {
  if (!stream.isTerminal()) return null;
  const { columns } = Deno.consoleSize();
  return columns > 0 ? columns : usualColumns;
}

/** Columns of the terminal that {@linkcode say} writes to, or null. */
export function outputColumns(): number | null {
  return columnsOfTerminal(Deno.stdout);
}

/** Writes sentences to standard output; on a terminal they are broken between words. */
export async function sayWrapped(text: string): Promise<void> {
  const columns = outputColumns();
  const lines = columns === null
    ? [text]
    : text.split("\n").flatMap((line) => line === "" ? [""] : wrapped(line, columns));
  await say(lines.join("\n"));
}

/**
 * Writes a status that the next one replaces on a terminal; elsewhere nothing is shown.
 *
 * @param textFor Gives the status in so many columns.
 */
export async function showStatus(textFor: (columns: number) => string): Promise<void> {
  const columns = columnsOfTerminal(Deno.stderr);
  if (columns === null) return;
  // The last column stays free: some terminals wrap when it is written.
  await errorOutput.command(`\r\x1b[2K${printable(textFor(columns - 1))}`);
}

/** Removes the status. */
export function clearStatus(): Promise<void> {
  return showStatus(() => "");
}

interface ArgumentSpec {
  /** Options with a value, such as `--data DIR`. */
  readonly strings?: readonly string[];
  /** Options with a value that may be given several times, such as `--only task=RTE`. */
  readonly lists?: readonly string[];
  /** Options whose value may be left out, such as `--trust` or `--trust=HASH`; they may be given several times. */
  readonly optionals?: readonly string[];
  /** Flags, such as `--dry-run`. */
  readonly flags?: readonly string[];
}

/** Arguments by name. */
export interface Arguments {
  readonly positional: readonly string[];
  readonly text: (name: string) => string | null;
  /** The values of an option that may be given several times, in their order. */
  readonly list: (name: string) => readonly string[];
  /** The values of an option whose value may be left out, null where it was, in their order. */
  readonly optional: (name: string) => readonly (string | null)[];
  readonly flag: (name: string) => boolean;
}

/** Stands for a value that was left out; no argument of a process holds it. */
const noValue = "\0";

/** Arguments with a negative number joined to the option that it is given to, since by itself it would be read as an option. */
function withNegatives(args: readonly string[], valued: ReadonlySet<string>): readonly string[] {
  return args.flatMap((arg, i) => {
    const isNumber = (text: string | undefined) => text !== undefined && /^-\.?\d/.test(text);
    if (valued.has(arg) && isNumber(args[i + 1])) return [`${arg}=${args[i + 1]}`];
    return i > 0 && isNumber(arg) && valued.has(args[i - 1]!) ? [] : [arg];
  });
}

/**
 * Reads a command's arguments.
 *
 * @throws {UsageError} If an option is not known; the closest known one is named.
 */
export function readArguments(args: readonly string[], spec: ArgumentSpec): Arguments {
  const strings = [...spec.strings ?? []];
  const lists = [...spec.lists ?? []];
  const optionals = [...spec.optionals ?? []];
  const flags = [...spec.flags ?? []];
  // Without a value, an option must not take the next argument for it.
  const bare = new Set(optionals.map((name) => `--${name}`));
  const unknown: string[] = [];
  const valued = new Set([...strings, ...lists].map((name) => `--${name}`));
  const parsed = parseArgs(
    withNegatives(args, valued).map((arg) => bare.has(arg) ? `${arg}=${noValue}` : arg),
    {
      string: [...strings, ...lists, ...optionals],
      collect: [...lists, ...optionals],
      boolean: flags,
      unknown: (name) => {
        if (name.startsWith("-")) unknown.push(name);
        return !name.startsWith("-");
      },
    },
  ) as Readonly<Record<string, unknown>>;
  const known = [...strings, ...lists, ...optionals, ...flags].map((name) => `--${name}`);
  const [first] = unknown;
  if (first !== undefined) {
    throw new UsageError(unknownName("option", first.split("=")[0]!, known));
  }
  const given = (name: string, value: unknown): string => {
    if (value === "") throw new UsageError(`Option "--${name}" has no value, want one after it`);
    return String(value);
  };
  return {
    positional: (parsed["_"] as readonly unknown[]).map(String),
    text: (name) => parsed[name] === undefined ? null : given(name, parsed[name]),
    list: (name) =>
      (parsed[name] as readonly unknown[] | undefined ?? []).map((value) => given(name, value)),
    optional: (name) =>
      (parsed[name] as readonly unknown[] | undefined ?? [])
        .map((value) => value === noValue ? null : given(name, value)),
    flag: (name) => parsed[name] === true,
  };
}

/**
 * A whole number given as an option.
 *
 * @throws {UsageError} If it is none, or below `least`.
 */
export function wholeNumber(value: string | null, name: string, least = 1): number | null {
  if (value === null) return null;
  const number = Number(value);
  if (Number.isInteger(number) && number >= least) return number;
  throw new UsageError(
    `Option "--${name}" is "${value}", want a whole number of at least ${least}`,
  );
}

/** What is said beside an error of Deno's that a permission is missing. */
const permissionAdvice =
  "A command may use ranklab's folder and the paths that its arguments name, not those that results name: " +
  "name the path too, by --model or --data, or give the study's own file as STUDY; docs/trust.md says more";

/**
 * A number given as an option.
 *
 * @throws {UsageError} If it is none, or below 0.
 */
export function numberFromZero(value: string | null, name: string): number | null {
  if (value === null) return null;
  const number = Number(value);
  if (value.trim() !== "" && Number.isFinite(number) && number >= 0) return number;
  throw new UsageError(`Option "--${name}" is "${value}", want a number of at least 0`);
}

/**
 * Runs a command: an error becomes its message on standard error and an exit code, 2 for wrong arguments, 130 where a signal
 * stopped it, else 1.
 */
export async function runCommand(
  command: (args: readonly string[]) => Promise<number>,
): Promise<void> {
  let code: number;
  confineStudies();
  try {
    code = await command(Deno.args);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const wasStopped = error instanceof StoppedError;
    if (wasStopped) await sayWrapped(error.message);
    else await complain(`error: ${error.message}`);
    if (/Requires (?:read|write|net|env|ffi|run|sys|import) access/.test(error.message)) {
      await complain(permissionAdvice);
    }
    if (Deno.args.includes("--trace")) await complain(error.stack ?? "");
    code = wasStopped ? stoppedExitCode : error instanceof UsageError ? 2 : 1;
  }
  Deno.exit(code);
}

interface ByteSink {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
}

const encoder = new TextEncoder();

/**
 * One of the process's streams.
 *
 * Where nobody reads any more (`| head -1`), or where the disk behind it is full, the text is lost and the work goes on.
 */
export class Output {
  readonly #sink: ByteSink;
  readonly #onLost: (reason: string) => void;
  #isLost = false;

  /** @param onLost Told once why text is lost, where it is for another reason than that nobody reads. Default: nobody. */
  constructor(sink: ByteSink, onLost: (reason: string) => void = () => {}) {
    this.#sink = sink;
    this.#onLost = onLost;
  }

  #lose(error: unknown): void {
    const isIo = error instanceof Deno.errors.BrokenPipe ||
      error instanceof Error && typeof Reflect.get(error, "code") === "string";
    if (!isIo) throw error;
    if (!this.#isLost && !(error instanceof Deno.errors.BrokenPipe)) {
      this.#onLost(errorMessage(error));
    }
    this.#isLost = true;
  }

  /** Writes text; its control characters, but for line ends and tabs, are written as code points. */
  write(text: string): Promise<void> {
    return this.command(printable(text));
  }

  /** Writes text as it is, with what it tells the terminal to do. */
  async command(text: string): Promise<void> {
    if (this.#isLost) return;
    try {
      const bytes = encoder.encode(text);
      for (let at = 0; at < bytes.length;) at += await this.#sink.write(bytes.subarray(at));
    } catch (error) {
      this.#lose(error);
    }
  }

  /** Writes text at once, where a signal leaves no time to wait. */
  writeNow(text: string): void {
    if (this.#isLost) return;
    try {
      const bytes = encoder.encode(printable(text));
      for (let at = 0; at < bytes.length;) at += this.#sink.writeSync(bytes.subarray(at));
    } catch (error) {
      this.#lose(error);
    }
  }
}

/** Standard error. */
export const errorOutput: Output = new Output(Deno.stderr);

/** Standard output; standard error says once if it cannot be written. */
const standardOutput: Output = new Output(
  Deno.stdout,
  (reason) =>
    errorOutput.writeNow(`Standard output cannot be written, the work goes on: ${reason}\n`),
);
