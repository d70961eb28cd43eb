/**
 * Work on a study that is only read: in a thread that may read, and do nothing else.
 *
 * A study module is code. Where its runs are made, its methods have to be called, and it has what the command has. Where it is only
 * read, it has no library, network, variable, program or file to write, whatever the command itself was given.
 *
 * @module
 */
import { UsageError } from "../../base/input_error.ts";

export type Answer<T> =
  | { readonly kind: "done"; readonly value: T }
  | {
    readonly kind: "error";
    readonly name: string;
    readonly message: string;
    readonly stack: string;
  };

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

/** What some work of a thread comes to. */
export async function answerOf<T>(work: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { kind: "done", value: await work() };
  } catch (thrown) {
    const { name, message, stack = "" } = thrown instanceof Error
      ? thrown
      : new Error(String(thrown));
    const isUsage = thrown instanceof UsageError;
    return { kind: "error", name: isUsage ? "UsageError" : name, message, stack };
  }
}

/** @throws {Error} What was thrown there, with its name, message and stack; a {@linkcode UsageError} stays one. */
export function valueOf<T>(answer: Answer<T>): T {
  if (answer.kind === "done") return answer.value;
  const { name, message, stack } = answer;
  const error = name === "UsageError" ? new UsageError(message) : new Error(message);
  throw Object.assign(error, name === "UsageError" ? { stack } : { name, stack });
}

/**
 * Sends a thread one message and gives its answer.
 *
 * @param url The thread's module, which calls {@linkcode answerApart}.
 *
 * @throws {Error} What was thrown there.
 */
export async function askApart<Asked, Answered>(url: URL, message: Asked): Promise<Answered> {
  const worker = new Worker(url, { type: "module", deno: { permissions: onlyReading } });
  try {
    const { promise, resolve, reject } = Promise.withResolvers<Answer<Answered>>();
    worker.onmessage = ({ data }: MessageEvent<Answer<Answered>>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(message);
    return valueOf(await promise);
  } finally {
    worker.terminate();
  }
}

/** The part of a thread's global scope that is used; the types of this project are those of a window. */
interface ThreadScope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
}

/** Makes a module the thread of {@linkcode askApart}: it answers each message with what `work` gives. */
export function answerApart<Asked, Answered>(work: (asked: Asked) => Promise<Answered>): void {
  const scope = self as unknown as ThreadScope;
  scope.onmessage = async ({ data }: MessageEvent<Asked>) => {
    scope.postMessage(await answerOf(() => work(data)));
  };
}
