/**
 * The thread that computes for executors of threads that have code of a study; see `threads.ts`. None of that runs here.
 *
 * @module
 */
import { serveExecutor } from "../../exec/serve.ts";
import type { Port } from "./threads.ts";

(self as unknown as { onmessage: (event: MessageEvent<Port>) => void }).onmessage = ({ data }) =>
  serveExecutor(data.port);
