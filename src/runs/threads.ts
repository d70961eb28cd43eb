/**
 * Threads of a process, and what code of a study may do in them.
 *
 * A study module's code runs where its methods are called, beside the runtime. Whoever may load the runtime's library can call what
 * that is linked with, such as libc's `system`. So before such code runs, the library is loaded, and the permission to load any is
 * given up for good. Threads that are started later need it again: a launcher keeps it, runs nothing but ranklab's own code, and starts
 * them, each with permissions of its own to give up.
 *
 * @module
 */
import { packageFolder } from "../record/packages.ts";

/** The part of a worker that is used. */
export interface Thread {
  onmessage: ((event: MessageEvent) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  onmessageerror: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  terminate(): void;
}

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

/** The module of the threads that make runs. It is the only one that a launcher starts, whoever asks for it. */
const workerModule = new URL("./worker_thread.ts", import.meta.url);

/** The name of threads that give up libraries before code of a study runs there. */
const confinedName = "confined";

function copiedThread(url: URL): Worker {
  return new Worker(url, {
    type: "module",
    name: confinedName,
    deno: { permissions: copied },
  });
}

/** Starts a thread with a copy of the permissions here, for {@linkcode openThread} elsewhere. */
export function launchThread(): Worker {
  return copiedThread(workerModule);
}

/** What a launcher is told: to start a thread, whose messages go through a port. */
export interface Launch {
  readonly port: MessagePort;
}

/** What a launched thread's port is told, besides its messages. */
export type ToLaunched = { readonly message: unknown } | { readonly terminate: true };

/** What a launched thread's port says. */
export type FromLaunched = { readonly message: unknown } | { readonly error: string };

let isConfining = false;
let launcher: Promise<Worker> | null = null;

/** Makes this process one that gives up libraries before code of a study runs: for programs that end by `Deno.exit`. */
export function confineStudies(): void {
  isConfining = true;
}

function mayLoadRuntime(): boolean {
  const path = packageFolder("onnxruntime-node");
  return Deno.permissions.querySync(path === null ? { name: "ffi" } : { name: "ffi", path })
    .state === "granted";
}

/** Loads the runtime's library, where that is allowed, and gives up the permission to load any. */
async function giveUpLibraries(): Promise<void> {
  if (mayLoadRuntime()) {
    try {
      await import("onnxruntime-node");
    } catch {
      // The native executor says it again to those who ask for one.
    }
  }
  await Deno.permissions.revoke({ name: "ffi" });
}

async function startLauncher(): Promise<Worker> {
  const worker = copiedThread(new URL("./launcher_thread.ts", import.meta.url));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.onmessage = () => resolve();
  worker.onerror = ({ message }) => reject(new Error(`Cannot start threads: ${message}`));
  await promise;
  await giveUpLibraries();
  return worker;
}

/**
 * To be called before code of a study runs: in a process that confines studies, and in the threads that it launches, libraries are
 * given up. A thread says for itself whether it is one of those: what it is told may come from a study.
 */
export async function beforeStudyCode(): Promise<void> {
  if (isConfining) await (launcher ??= startLauncher());
  else if ((globalThis as { readonly name?: string }).name === confinedName) {
    await giveUpLibraries();
  }
}

/** A thread behind a launcher. */
class LaunchedThread implements Thread {
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  onmessageerror: ((event: MessageEvent) => void) | null = null;
  readonly #port: MessagePort;

  constructor(from: Worker) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<FromLaunched>) => {
      if ("error" in data) this.onerror?.(new ErrorEvent("error", { message: data.error }));
      else this.onmessage?.(new MessageEvent("message", { data: data.message }));
    };
    port1.onmessageerror = (event) => this.onmessageerror?.(event);
    from.postMessage({ port: port2 } satisfies Launch, [port2]);
  }

  postMessage(message: unknown): void {
    this.#port.postMessage({ message } satisfies ToLaunched);
  }

  terminate(): void {
    this.#port.postMessage({ terminate: true } satisfies ToLaunched);
    this.#port.close();
  }
}

/** Starts a thread that makes runs: by the launcher, where libraries were given up here. */
export async function openThread(): Promise<Thread> {
  return launcher === null
    ? new Worker(workerModule, { type: "module" })
    : new LaunchedThread(await launcher);
}
