/**
 * Work on a study that is only read: in a thread that may read, and do nothing else.
 *
 * A study module is code. Where its runs are made, its methods have to be called, and it has what the command has. Where it is only
 * read, it has no library, network, variable, program or file to write, whatever the command itself was given.
 *
 * @module
 */
import { AskedThread } from "../../base/ask_thread.ts";

/** What a study may do that is only read. */
const onlyReading: Deno.PermissionOptionsObject = {
  read: "inherit",
  write: false,
  net: false,
  env: false,
  ffi: false,
  run: false,
  sys: false,
  import: false,
};

/**
 * Asks a new thread one question.
 *
 * @param url The thread's module, which calls `answerThread`.
 * @param what What it does, see {@linkcode AskedThread}.
 *
 * @throws {Error} What was thrown there, or if it gives no answer.
 */
export async function askApart<Answer>(url: URL, what: string, asked: unknown): Promise<Answer> {
  const worker = new Worker(url, { type: "module", deno: { permissions: onlyReading } });
  const thread = new AskedThread(worker, what);
  try {
    return await thread.ask<Answer>(asked);
  } finally {
    thread.close();
  }
}
