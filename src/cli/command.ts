/**
 * A command described once: what it takes, what its help says, and examples of it.
 *
 * @module
 */
import { columnsOf, wrapped } from "../base/text_width.ts";
import { UsageError } from "../base/input_error.ts";
import { askForPlaces, type Place } from "./access.ts";
import { type Arguments, outputColumns, readArguments, say } from "./terminal.ts";

/** An option of a command. */
export interface CommandOption {
  /** Without the hyphens. */
  readonly name: string;
  /** What its value is called in the help, such as `DIR`; a flag has none. */
  readonly value?: string;
  /** Whether it may be given several times. Default false. */
  readonly isList?: boolean;
  /** Whether its value may be left out; it is given as `--name=VALUE`, and several times. Default false. */
  readonly isOptional?: boolean;
  readonly text: string;
}

/** A command line and what it does. */
interface Example {
  readonly line: string;
  readonly text: string;
}

/** What a command takes and what its help says. */
export interface Command {
  /** The name of its task, such as `sweep`. */
  readonly name: string;
  /** What it does, in a sentence without a full stop. */
  readonly summary: string;
  /** Its arguments that are no options, as the first line of the help writes them, such as `[STUDY]`; empty for none. */
  readonly takes: string;
  /** How many of them it takes at most. Default 1. */
  readonly most?: number;
  /** How many of them it wants at least. Default 0. */
  readonly least?: number;
  /** What they are, by the words of `takes`. */
  readonly explained?: readonly { readonly name: string; readonly text: string }[];
  readonly options: readonly CommandOption[];
  /** At least one. */
  readonly examples: readonly Example[];
  /** The files and folders that its arguments name: it uses them wherever they are. Default none. */
  readonly places?: (parsed: Arguments) => readonly Place[];
  /** What else there is to know, a paragraph each. Default none. */
  readonly notes?: readonly string[];
}

const common: readonly CommandOption[] = [
  { name: "help", text: "print this text" },
  { name: "trace", text: "after an error, print where in the code it came from" },
];

/** Where explanations begin: beside their names, or below them in a narrow terminal. */
const explanationColumns = { wide: 21, narrow: 6 };

const wideColumns = 60;

/** Columns at which lines end where there is no terminal. */
export const defaultColumns = 110;

function entry(name: string, text: string, columns: number): readonly string[] {
  const start = `  ${name}`;
  const column = explanationColumns[columns < wideColumns ? "narrow" : "wide"];
  const indent = " ".repeat(column);
  const lines = wrapped(text, columns - column);
  return columnsOf(start) + 2 <= column
    ? [start.padEnd(column) + lines[0], ...lines.slice(1).map((line) => indent + line)]
    : [start, ...lines.map((line) => indent + line)];
}

/** The first line of a command's help. */
export function usageLine({ name, takes }: Pick<Command, "name" | "takes">): string {
  return ["Usage: deno task", name, ...(takes === "" ? [] : [takes]), "[options]"].join(" ");
}

/**
 * The help of a command.
 *
 * @param columns Columns at which lines end.
 */
export function helpText(command: Command, columns: number): string {
  const { summary, explained = [], options, examples, notes = [] } = command;
  const optionName = ({ name, value, isOptional }: CommandOption) =>
    value === undefined ? `--${name}` : isOptional ? `--${name}[=${value}]` : `--${name} ${value}`;
  return [
    ...wrapped(usageLine(command), columns, 2),
    ...wrapped(`${summary}.`, columns),
    "",
    ...explained.flatMap(({ name, text }) => entry(name, text, columns)),
    ...[...options, ...common].flatMap((option) => entry(optionName(option), option.text, columns)),
    ...notes.flatMap((note) => ["", ...wrapped(note, columns)]),
    "",
    "Examples:",
    ...examples.flatMap(({ line, text }) => [
      `  ${line}`,
      ...wrapped(`      ${text}`, columns, 6),
    ]),
  ].join("\n");
}

/**
 * Reads the arguments of a command.
 *
 * @throws {UsageError} If an option is not known, or there are more or fewer arguments than it takes.
 */
export function readCommand(args: readonly string[], command: Command): Arguments {
  const { options, most = 1, least = 0 } = command;
  const known = [...options, ...common];
  const named = (is: (option: CommandOption) => boolean) =>
    known.filter(is).map(({ name }) => name);
  const parsed = readArguments(args, {
    strings: named(({ value, isList, isOptional }) =>
      value !== undefined && isList !== true && isOptional !== true
    ),
    lists: named(({ isList }) => isList === true),
    optionals: named(({ isOptional }) => isOptional === true),
    flags: named(({ value }) => value === undefined),
  });
  if (parsed.flag("help")) return parsed;
  const { positional } = parsed;
  const more = `deno task ${command.name} --help says more`;
  const setting = positional.find((text) =>
    /^(?:model|(?:train|adapter|options)\.[\w.]+)=/.test(text)
  );
  if (setting !== undefined && options.some(({ name }) => name === "set")) {
    throw new UsageError(
      `Found "${setting}", which is a setting; give it by --set ${setting}\n${usageLine(command)}`,
    );
  }
  if (positional.length > most) {
    const extra = positional.slice(most).map((text) => JSON.stringify(text)).join(", ");
    throw new UsageError(`Found ${extra}, want no more arguments\n${usageLine(command)}\n${more}`);
  }
  if (positional.length < least) {
    throw new UsageError(`An argument is missing\n${usageLine(command)}\n${more}`);
  }
  return parsed;
}

/** The files and folders that the arguments of a command name, none where they ask for its help. */
export function placesOf(parsed: Arguments, { places }: Command): readonly Place[] {
  return parsed.flag("help") ? [] : places?.(parsed) ?? [];
}

/** A command that can be called. */
export interface CallableCommand {
  /** Runs it with its arguments; returns the exit code. */
  (args: readonly string[]): Promise<number>;
  readonly command: Command;
}

/** A command of its description and its work; with `--help` it prints its help instead. */
export function commandOf(
  command: Command,
  work: (parsed: Arguments) => Promise<number>,
): CallableCommand {
  const call = async (args: readonly string[]): Promise<number> => {
    const parsed = readCommand(args, command);
    if (!parsed.flag("help")) {
      await askForPlaces(command.name, placesOf(parsed, command));
      return await work(parsed);
    }
    await say(helpText(command, outputColumns() ?? defaultColumns));
    return 0;
  };
  return Object.assign(call, { command });
}
