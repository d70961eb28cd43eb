/**
 * Processes that are killed: each leads a group of its own, which is killed as a whole.
 *
 * @module
 */
import type { ChildCommand } from "./tortured_study.ts";

/** How a process ended. */
export interface Ended {
  /** Its exit code, or null where a signal ended it. */
  readonly code: number | null;
  /** The events that it told. */
  readonly events: readonly { readonly kind: string; readonly title?: string }[];
  readonly complaints: string;
  /** Whether it had to be killed since it took too long. */
  readonly isBlocked: boolean;
  readonly millis: number;
}

/** A process under way. */
export interface Running {
  readonly ended: Promise<Ended>;
  /** Whether it has ended. */
  readonly hasEnded: () => boolean;
  /** Kills it, or sends it another signal. */
  readonly kill: (signal?: Deno.Signal) => void;
}

/** Milliseconds after which a command that should end is taken for blocked. */
export const blockedMillis = 180_000;

/** Runs a program of the system to its end. */
export async function run(command: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  if (success) return;
  throw new Error(`Cannot ${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

const root = new URL("../../", import.meta.url);

/** Whole lines of JSON; a killed process may leave part of one. */
function eventsIn(text: string): Ended["events"] {
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/**
 * Starts a command.
 *
 * @param environment Variables besides those of this process. Default: none.
 */
export function start(
  command: ChildCommand,
  environment: Readonly<Record<string, string>> = {},
): Running {
  const began = performance.now();
  const child = new Deno.Command("deno", {
    // It leads a group of its own and starts no other process, so that whoever kills it kills the group.
    detached: true,
    args: [
      ...["run", "-q", "-A", "--no-check", "--cached-only", "--node-modules-dir=manual"],
      new URL("child.ts", import.meta.url).href,
      JSON.stringify(command),
    ],
    cwd: root,
    env: { ...environment },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let isOver = false;
  let isBlocked = false;
  const kill = (signal: Deno.Signal = "SIGKILL") => {
    if (isOver) return;
    child.kill(signal);
  };
  const timer = setTimeout(() => {
    isBlocked = true;
    kill();
  }, blockedMillis);
  const end = async (): Promise<Ended> => {
    const [status, text, complaints] = await Promise.all([
      child.status,
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    isOver = true;
    clearTimeout(timer);
    return {
      code: status.signal === null ? status.code : null,
      events: eventsIn(text),
      complaints,
      isBlocked,
      millis: performance.now() - began,
    };
  };
  return { ended: end(), hasEnded: () => isOver, kill };
}
