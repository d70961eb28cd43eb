/**
 * The thread that starts others where the main one has given up libraries; see `threads.ts`. No code of a study runs here.
 *
 * @module
 */
import { type FromLaunched, type Launch, launchThread, type ToLaunched } from "./threads.ts";

/** The part of a thread's global scope that is used; the types of this project are those of a window. */
interface LauncherScope {
  onmessage: ((event: MessageEvent<Launch>) => void) | null;
  postMessage(message: "ready"): void;
}

const scope = self as unknown as LauncherScope;

scope.onmessage = ({ data: { port } }) => {
  const worker = launchThread();
  const say = (said: FromLaunched) => port.postMessage(said);
  worker.onmessage = ({ data }) => say({ message: data });
  worker.onmessageerror = () => say({ error: "it sent a message that cannot be read" });
  worker.onerror = (event) => {
    event.preventDefault();
    say({ error: event.message });
  };
  port.onmessage = ({ data }: MessageEvent<ToLaunched>) => {
    if ("message" in data) return worker.postMessage(data.message);
    worker.terminate();
    port.close();
  };
};

scope.postMessage("ready");
