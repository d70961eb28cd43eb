/**
 * `ranklab COMMAND`: all commands as one program.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { UsageError } from "../base/usage_error.ts";
import { commandLoaders, programCommands } from "./commands.ts";
import { completionScript, type Shell, shells } from "./completions.ts";
import { permissionsLine } from "./permissions.ts";
import { runCommand, say } from "./terminal.ts";

/** What the program does besides its commands. */
const others = [
  { name: "completions", summary: `Prints completions for ${shells.join(" or ")}` },
  {
    name: "permissions",
    summary:
      "Prints the command line of a command that gives Deno's permissions to what it needs alone",
  },
] as const;

async function helpOfAll(): Promise<string> {
  const commands = (await programCommands()).map(({ command }) => command);
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

/**
 * Runs the command that the first argument names with the others.
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
    const commands = (await programCommands()).map(({ command }) => command);
    await say(completionScript(shellOf(rest[0]), "ranklab", commands));
    return 0;
  }
  if (name === "permissions") {
    const [of] = rest;
    if (of === undefined || !Object.hasOwn(commandLoaders, of)) {
      throw new UsageError(unknownName("command", of ?? "", Object.keys(commandLoaders)));
    }
    await say(permissionsLine(of));
    return 0;
  }
  const load = Object.hasOwn(commandLoaders, name) ? commandLoaders[name] : undefined;
  if (load === undefined) {
    const known = [...Object.keys(commandLoaders), ...others.map(({ name }) => name)];
    throw new UsageError(unknownName("command", name, known));
  }
  return await (await load())(rest);
}

if (import.meta.main) await runCommand(ranklab);
