/**
 * Standard output and standard error, so written that no reader and no text can harm the work.
 *
 * @module
 */
import { errorMessage } from "../base/input_error.ts";
import { printable } from "../base/printable.ts";

/** A stream that bytes are written to. */
interface ByteSink {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
}

const encoder = new TextEncoder();

/**
 * One of the process's streams.
 *
 * Where nobody reads any more (`| head -1`), or where the disk behind it is full, the text is lost and the work goes on.
 */
export class Output {
  readonly #sink: ByteSink;
  readonly #onLost: (reason: string) => void;
  #isLost = false;

  /** @param onLost Told once why text is lost, where it is for another reason than that nobody reads. Default: nobody. */
  constructor(sink: ByteSink, onLost: (reason: string) => void = () => {}) {
    this.#sink = sink;
    this.#onLost = onLost;
  }

  #lose(error: unknown): void {
    const isIo = error instanceof Deno.errors.BrokenPipe ||
      error instanceof Error && typeof Reflect.get(error, "code") === "string";
    if (!isIo) throw error;
    if (!this.#isLost && !(error instanceof Deno.errors.BrokenPipe)) {
      this.#onLost(errorMessage(error));
    }
    this.#isLost = true;
  }

  /** Writes text; its control characters, but for line ends and tabs, are written as code points. */
  write(text: string): Promise<void> {
    return this.command(printable(text));
  }

  /** Writes text as it is, with what it tells the terminal to do. */
  async command(text: string): Promise<void> {
    if (this.#isLost) return;
    try {
      const bytes = encoder.encode(text);
      for (let at = 0; at < bytes.length;) at += await this.#sink.write(bytes.subarray(at));
    } catch (error) {
      this.#lose(error);
    }
  }

  /** Writes text at once, where a signal leaves no time to wait. */
  writeNow(text: string): void {
    if (this.#isLost) return;
    try {
      const bytes = encoder.encode(printable(text));
      for (let at = 0; at < bytes.length;) at += this.#sink.writeSync(bytes.subarray(at));
    } catch (error) {
      this.#lose(error);
    }
  }
}

/** Standard error. */
export const errorOutput: Output = new Output(Deno.stderr);

/** Standard output; standard error says once if it cannot be written. */
export const standardOutput: Output = new Output(
  Deno.stdout,
  (reason) =>
    errorOutput.writeNow(`Standard output cannot be written, the work goes on: ${reason}\n`),
);
