/**
 * The thread that starts others where the main one has given up libraries; see `threads.ts`. No code of a study runs here.
 *
 * @module
 */
import {
  type FromLaunched,
  type Launch,
  launchComputing,
  launchThread,
  type ToLaunched,
} from "./threads.ts";

/** The part of a thread's global scope that is used; the types of this project are those of a window. */
interface LauncherScope {
  onmessage: ((event: MessageEvent<Launch>) => void) | null;
  postMessage(message: "ready"): void;
}

const scope = self as unknown as LauncherScope;

/** Computes for the executors of the main thread, of which one is at work at a time. */
let computing: Worker | null = null;

/** Starts a thread that makes runs, with one that computes for it where it needs that. */
function launchRuns(port: MessagePort, isComputing: boolean): void {
  const worker = launchThread();
  const computing = isComputing ? launchComputing() : null;
  if (computing !== null) {
    const { port1, port2 } = new MessageChannel();
    computing.postMessage({ port: port1 }, [port1]);
    worker.postMessage({ kind: "computing", port: port2 }, [port2]);
  }
  const say = (said: FromLaunched) => port.postMessage(said);
  worker.onmessage = ({ data }) => say({ message: data });
  worker.onmessageerror = () => say({ error: "it sent a message that cannot be read" });
  for (const thread of [worker, ...(computing === null ? [] : [computing])]) {
    thread.onerror = (event) => {
      event.preventDefault();
      say({ error: event.message });
    };
  }
  port.onmessage = ({ data }: MessageEvent<ToLaunched>) => {
    if ("message" in data) return worker.postMessage(data.message);
    worker.terminate();
    computing?.terminate();
    port.close();
  };
}

scope.onmessage = ({ data: { kind, port } }) => {
  if (kind === "compute") (computing ??= launchComputing()).postMessage({ port }, [port]);
  else launchRuns(port, kind === "run and compute");
};

scope.postMessage("ready");
