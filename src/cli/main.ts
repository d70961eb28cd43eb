/**
 * `ranklab COMMAND`: all commands as one program. It runs no code of a study: each command is a process of its own, which may do
 * what its set in `deno.json` says, and use the files that its arguments name.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { UsageError } from "../base/input_error.ts";
import { completionScript, type Shell, shells } from "./commands.ts";
import { type Place, quoted } from "./access.ts";
import { placesOf, readCommand } from "./command.ts";
import { commandLine, commandSets, programNames } from "./permissions.ts";
import { stopSignals } from "./stop.ts";
import { runCommand, say } from "./terminal.ts";

/** Loads the commands, for their descriptions; of a path that Deno saw in an import it would read all code at each start. */
async function loadCommands(): Promise<typeof import("./commands.ts")> {
  return await import(new URL("./commands.ts", import.meta.url).href);
}

/** What the program does besides its commands. */
const others = [
  { name: "completions", summary: `Prints completions for ${shells.join(" or ")}` },
  {
    name: "permissions",
    summary:
      "Prints the command line that a command with its arguments is started by, and so what it may do",
  },
] as const;

async function helpOfAll(): Promise<string> {
  const commands = (await (await loadCommands()).programCommands()).map(({ command }) => command);
  const width = Math.max(...[...commands, ...others].map(({ name }) => name.length));
  return [
    "Usage: ranklab COMMAND [options]",
    "",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    ...others.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "ranklab COMMAND --help says what a command takes.",
  ].join("\n");
}

function shellOf(name: string | undefined): Shell {
  const shell = shells.find((known) => known === name);
  if (shell !== undefined) return shell;
  throw new UsageError(
    name === undefined
      ? `A shell is missing, want ${shells.join(" or ")}`
      : unknownName("shell", name, shells),
  );
}

/** Arguments that may name files and folders: commands are loaded for these alone, since that takes a while. */
export const mayNamePlaces = /[/\\.]|^--(?:claims|data|model|out|pilot|results|study|trust)\b/;

/** Whether a study in `experiments/` may name files. */
async function mayNameFiles(study: string | undefined): Promise<boolean> {
  if (study === undefined || study.startsWith("-")) return false;
  try {
    const text = await Deno.readTextFile(`experiments/${study}.json`);
    return /"(?:userTasks|extends|file)"|"wheel:/.test(text);
  } catch {
    // Where there is none, the command says so.
    return false;
  }
}

/** What the arguments of a command name, and what the studies among them do. */
async function placesNamed(name: string, args: readonly string[]): Promise<readonly Place[]> {
  const { commandLoaders, withNamedFiles } = await loadCommands();
  const { command } = await commandLoaders[name]!();
  const parsed = readCommand(args, command);
  const places: Place[] = [];
  for (const place of placesOf(parsed, command)) {
    places.push(...await withNamedFiles(place, parsed.text("results")));
  }
  return places;
}

async function startOf(name: string, args: readonly string[]): Promise<readonly string[]> {
  if (!programNames.includes(name)) {
    const known = [...programNames, ...others.map(({ name }) => name)];
    throw new UsageError(unknownName("command", name, known));
  }
  const hasCache = Boolean(Deno.env.get("HF_HOME")) && commandSets[name]?.env?.includes("HF_HOME");
  const cache: readonly Place[] = hasCache
    ? [{ path: (await loadCommands()).hubCache(), option: "HF_HOME" }]
    : [];
  const named = hasCache || args.some((arg) => mayNamePlaces.test(arg)) ||
      await mayNameFiles(args[0])
    ? await placesNamed(name, args)
    : [];
  return commandLine(name, args, [...named, ...cache]);
}

/**
 * Starts Deno with this process's terminal and input, and passes signals on to it.
 *
 * @returns Its exit code: where a signal ended it, 128 and the signal's number.
 */
export async function started(args: readonly string[]): Promise<number> {
  let child: Deno.ChildProcess | null = null;
  const pass = (signal: Deno.Signal) => {
    try {
      child?.kill(signal);
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  // Before it starts: a signal in between would end this process alone.
  for (const signal of stopSignals) Deno.addSignalListener(signal, () => pass(signal));
  child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return (await child.status).code;
}

/**
 * Starts the command that the first argument names with the others.
 *
 * @returns The exit code.
 *
 * @throws {UsageError} If there is no such command; the closest known one is named.
 */
export async function ranklab(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help") {
    await say(await helpOfAll());
    return name === undefined ? 2 : 0;
  }
  if (name === "completions") {
    const commands = (await (await loadCommands()).programCommands()).map(({ command }) => command);
    await say(completionScript(shellOf(rest[0]), "ranklab", commands));
    return 0;
  }
  if (name === "permissions") {
    const [of = "", ...given] = rest;
    await say(["deno", ...await startOf(of, given)].map(quoted).join(" "));
    return 0;
  }
  return await started(await startOf(name, rest));
}

if (import.meta.main) await runCommand(ranklab);
