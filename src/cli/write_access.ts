/**
 * Where a command may write: its task in `deno.json` names a few folders, and for any other one Deno is asked.
 *
 * @module
 */
import { isAbsolute, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../base/usage_error.ts";

/** How a command was started. */
export interface Started {
  /** The name of its permission set in `deno.json`, which is that of its task. */
  readonly task: string;
  /** The path of its main module. */
  readonly main: string;
  readonly args: readonly string[];
}

function quoted(text: string): string {
  const escaped = text.replaceAll("'", "'\\''");
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${escaped}'`;
}

/**
 * The command line that does the same and may write to one folder more.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { permittedLine } from "./write_access.ts";
 * assertEquals(
 *   permittedLine({ task: "sweep", main: "src/cli/sweep.ts", args: ["--results", "/data/my runs"] }, "/data/my runs"),
 *   "deno run -q -P=sweep '--allow-write=/data/my runs' src/cli/sweep.ts --results '/data/my runs'",
 * );
 * ```
 */
export function permittedLine({ task, main, args }: Started, folder: string): string {
  return ["deno", "run", "-q", `-P=${task}`, `--allow-write=${folder}`, main, ...args]
    .map(quoted).join(" ");
}

function startedAs(task: string): Started {
  const path = fileURLToPath(Deno.mainModule);
  const near = relative(Deno.cwd(), path);
  const main = near.startsWith("..") || isAbsolute(near) ? path : near;
  return { task, main, args: Deno.args };
}

/**
 * Makes sure that a command may write to a folder, before anything is computed: where its task does not allow that, Deno asks at
 * a terminal.
 *
 * @param task The name of the command's task.
 * @param option The option that named the folder, for the error.
 *
 * @throws {UsageError} If it may not; the message has the command line that may.
 */
export async function askToWrite(task: string, folder: string, option: string): Promise<void> {
  const { state } = await Deno.permissions.request({ name: "write", path: folder });
  if (state === "granted") return;
  throw new UsageError(
    `Cannot write to "${folder}", which ${option} names: deno.json lets "deno task ${task}" write to other folders only; ` +
      `allow it by\n  ${permittedLine(startedAs(task), folder)}`,
  );
}
