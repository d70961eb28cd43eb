/**
 * The thread that starts others where the main one has given up libraries; see `threads.ts`. No code of a study runs here.
 *
 * @module
 */
import { type Heard, hearThread, type ToThread } from "../../base/ask_thread.ts";
import { type Launch, launchComputing, launchThread, type Port } from "./threads.ts";

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
  const say = (heard: Heard) => port.postMessage(heard);
  hearThread(worker, say);
  if (computing !== null) {
    const { port1, port2 } = new MessageChannel();
    computing.postMessage({ port: port1 }, [port1]);
    worker.postMessage({ told: { port: port2 } satisfies Port } satisfies ToThread, [port2]);
    computing.onerror = (event) => {
      event.preventDefault();
      say({ lost: event.message });
    };
  }
  port.onmessageerror = () => say({ lost: "a question cannot be read" });
  port.onmessage = ({ data }: MessageEvent<ToThread>) => {
    if (!("closed" in data)) return worker.postMessage(data);
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
