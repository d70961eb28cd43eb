/**
 * Threads of a process, and what code of a study may do in them.
 *
 * Whoever may load the native runtime can call what that is linked with, such as libc's `system`, and whoever calls its functions
 * can have it read and write files of which Deno knows nothing. So before code of a study runs in a thread, the permission to load
 * libraries is given up for good, and none has been loaded. A launcher keeps it, runs nothing but ranklab's own code, and starts two
 * kinds of threads: those that make runs, without that permission, and those that compute for them, see `exec/serve.ts`.
 *
 * @module
 */
import type { Way } from "../../base/ask_thread.ts";
import type { ExecutorKind } from "../../exec/executor.ts";
import { computeElsewhere } from "../../exec/native.ts";

/** All that the process may do, as a copy that is not shared with it. */
const copied: Deno.PermissionOptionsObject = {
  read: "inherit",
  write: "inherit",
  net: "inherit",
  env: "inherit",
  ffi: "inherit",
  run: "inherit",
  sys: "inherit",
  import: "inherit",
};

/** What the native runtime's library needs to be loaded. */
const computing: Deno.PermissionOptionsObject = {
  read: "inherit",
  write: false,
  net: false,
  env: false,
  ffi: "inherit",
  run: false,
  sys: false,
  import: false,
};

const workerModule = new URL("./worker_thread.ts", import.meta.url);

function confinedThread(url: URL, permissions: Deno.PermissionOptionsObject): Worker {
  return new Worker(url, { type: "module", deno: { permissions } });
}

/** Starts a thread that makes runs and may load no library, for {@linkcode openThread} elsewhere. */
export function launchThread(): Worker {
  return confinedThread(workerModule, { ...copied, ffi: false });
}

/** Starts a thread that computes for executors elsewhere, each of which is sent to it as a {@linkcode Port}. */
export function launchComputing(): Worker {
  return confinedThread(new URL("./computing_thread.ts", import.meta.url), computing);
}

/** A message with the way to somebody else. */
export interface Port {
  readonly port: MessagePort;
}

/** What a launcher receives: to start a thread that is asked through a port, or to have an executor computed for. */
export type Launch = Port & {
  /** The thread, and whether it needs one that computes for it; or an executor of this thread. */
  readonly kind: "run" | "run and compute" | "compute";
};

let isConfining = false;
let launcher: Promise<Worker> | null = null;

/** Makes this process one that gives up libraries before code of a study runs: for programs that end by `Deno.exit`. */
export function confineStudies(): void {
  isConfining = true;
}

/** Tells a launcher, and gives the port through which what it starts is reached. */
function launch(from: Worker, kind: Launch["kind"]): MessagePort {
  const { port1, port2 } = new MessageChannel();
  from.postMessage({ kind, port: port2 } satisfies Launch, [port2]);
  return port1;
}

async function startLauncher(): Promise<Worker> {
  const worker = confinedThread(new URL("./launcher_thread.ts", import.meta.url), copied);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.onmessage = () => resolve();
  worker.onerror = ({ message }) => reject(new Error(`Cannot start threads: ${message}`));
  await promise;
  await Deno.permissions.revoke({ name: "ffi" });
  computeElsewhere(() => Promise.resolve(launch(worker, "compute")));
  return worker;
}

/** To be called before code of a study runs: in a process that confines studies, libraries are given up. */
export async function beforeStudyCode(): Promise<void> {
  if (isConfining) await (launcher ??= startLauncher());
}

/**
 * Starts a thread that makes runs: by the launcher, where libraries were given up here.
 *
 * @param executor What it computes with.
 */
export async function openThread(executor: ExecutorKind): Promise<Way> {
  if (launcher === null) return new Worker(workerModule, { type: "module" });
  return launch(await launcher, executor === "cpu" ? "run and compute" : "run");
}
