/**
 * The heartbeat of leases, in a thread of its own: native steps block the thread that computes.
 *
 * @module
 */
import { type Owner, ownerText } from "./lease.ts";

/** What the thread receives. */
export type ToHeart =
  | { readonly kind: "start"; readonly beatMillis: number }
  | { readonly kind: "add"; readonly path: string; readonly owner: Owner }
  | { readonly kind: "remove"; readonly path: string };

/** Beats in the files of owners until it is closed. */
export class Heartbeat {
  readonly #beatMillis: number;
  #thread: Worker | null = null;

  /** @param beatMillis Milliseconds from one beat to the next. */
  constructor(beatMillis: number) {
    this.#beatMillis = beatMillis;
  }
  add(path: string, owner: Owner): void {
    if (this.#thread === null) {
      this.#thread = new Worker(new URL("./heartbeat_thread.ts", import.meta.url), {
        type: "module",
      });
      this.#tell({ kind: "start", beatMillis: this.#beatMillis });
    }
    this.#tell({ kind: "add", path, owner });
  }
  remove(path: string): void {
    this.#tell({ kind: "remove", path });
  }
  close(): void {
    this.#thread?.terminate();
    this.#thread = null;
  }

  #tell(message: ToHeart): void {
    this.#thread?.postMessage(message);
  }
}

/**
 * Beats once in an owner's file.
 *
 * @returns False if the file is not there any more: the lease was released or taken over.
 */
export function beatIn(path: string, owner: Owner, beat: number): boolean {
  try {
    const file = Deno.openSync(path, { write: true });
    try {
      file.writeSync(new TextEncoder().encode(ownerText(owner, beat)));
    } finally {
      file.close();
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
