/**
 * Asking another thread, and answering there, over a worker or over a port that leads to one.
 *
 * Questions have numbers, so that many may be open. A thread that answers holds a lock for as long as it lives: a worker that
 * ends by itself tells nobody, but its lock is given back.
 *
 * @module
 */
import { UsageError } from "./input_error.ts";

/** A way to a thread, or from one to who asks it. */
export type Way = Worker | MessagePort;

/** What a thread receives: a question, what needs no answer, or that nobody asks any more. */
export type ToThread =
  | { readonly id: number; readonly asked: unknown }
  | { readonly told: unknown }
  | { readonly closed: true };

/** What is heard of a thread: an answer, an error in place of one, something before it, or why it answers nothing more. */
export type Heard =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly thrown: Thrown }
  | { readonly id: number; readonly said: unknown }
  | { readonly lost: string };

/** What a thread says; the name of its lock first. */
type FromThread = Heard | { readonly lives: string };

interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

interface Open {
  resolve(value: unknown): void;
  reject(error: Error): void;
  hear(said: unknown): void;
}

const unread = "a message cannot be read";

function thrownOf(thrown: unknown): Thrown {
  const { name, message, stack = "" } = thrown instanceof Error ? thrown : new Error(`${thrown}`);
  return { name, message, stack };
}

function errorOf({ name, message, stack }: Thrown): Error {
  const error = name === "UsageError" ? new UsageError(message) : new Error(message);
  return Object.assign(error, { name, stack });
}

/**
 * Hears a thread; it is lost where it ends, throws what nobody catches, or says what cannot be read.
 *
 * @param signal Ends the wait for its end. Default: nothing does.
 */
export function hearThread(
  way: Way,
  hear: (heard: Heard) => void,
  signal: AbortSignal = new AbortController().signal,
): void {
  const hearEnd = () => hear({ lost: "it ended by itself" });
  way.onmessage = ({ data }: MessageEvent<FromThread>) => {
    if (!("lives" in data)) return hear(data);
    // What it said last may arrive in the turn in which its lock does.
    const wait = navigator.locks.request(data.lives, { signal }, () => {});
    wait.then(() => setTimeout(hearEnd), () => {});
  };
  way.onmessageerror = () => hear({ lost: unread });
  if (!(way instanceof Worker)) return;
  way.onerror = (event) => {
    event.preventDefault();
    hear({ lost: event.message });
  };
}

/** A thread as who asks it sees it. */
export class AskedThread {
  readonly #way: Way;
  readonly #what: string;
  readonly #open = new Map<number, Open>();
  readonly #closing = new AbortController();
  #last = 0;
  #lost: Error | null = null;

  /**
   * Takes over what a way brings.
   *
   * @param what What the thread does, as errors say it, such as `that reads a study`.
   */
  constructor(way: Way, what: string) {
    this.#way = way;
    this.#what = what;
    hearThread(way, (said) => this.#hear(said), this.#closing.signal);
  }

  /** Whether it answers nothing more. */
  get isLost(): boolean {
    return this.#lost !== null;
  }

  /**
   * Asks a question.
   *
   * @param hear Told what the thread says before it answers. Default: nobody is.
   *
   * @throws {Error} What was thrown there, with its name, message and stack, a {@linkcode UsageError} as one; or if the thread
   * cannot answer, or the question cannot be sent.
   */
  ask<T>(asked: unknown, hear: (said: unknown) => void = () => {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#lost !== null) throw this.#lost;
      const id = ++this.#last;
      this.#send({ id, asked });
      this.#open.set(id, { resolve, reject, hear });
    });
  }

  /** Tells it what needs no answer. */
  tell(told: unknown): void {
    this.#send({ told });
  }

  /** Ends a worker; at the other end of a port, nobody asks any more. */
  close(): void {
    this.#closing.abort();
    if (this.#way instanceof Worker) return this.#way.terminate();
    this.#send({ closed: true });
    this.#way.close();
  }

  #send(message: ToThread): void {
    this.#way.postMessage(message);
  }

  #hear(heard: Heard): void {
    if ("lost" in heard) {
      this.#lost ??= new Error(`The thread ${this.#what} gives no answer: ${heard.lost}`);
      for (const { reject } of this.#open.values()) reject(this.#lost);
      return this.#open.clear();
    }
    const open = this.#open.get(heard.id);
    if ("said" in heard) return open?.hear(heard.said);
    this.#open.delete(heard.id);
    if ("value" in heard) open?.resolve(heard.value);
    else open?.reject(errorOf(heard.thrown));
  }
}

/**
 * Answers who asks, for as long as this thread lives.
 *
 * @param answer Answers a question; what it throws is thrown where it was asked.
 * @param hear Told what needs no answer. Default: nobody is.
 * @param way The way to who asks. Default: who started this thread.
 */
export function answerThread<Asked, Told = never>(
  answer: (asked: Asked, say: (said: unknown) => void) => unknown,
  hear: (told: Told) => void = () => {},
  way: Way = self as unknown as Worker,
): void {
  const post = (message: FromThread) => way.postMessage(message);
  const lives = crypto.randomUUID();
  const [alive, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  navigator.locks.request(lives, () => {
    post({ lives });
    alive.resolve();
    return closed.promise;
  });
  way.onmessage = async ({ data }: MessageEvent<ToThread>) => {
    await alive.promise;
    if ("closed" in data) return closed.resolve();
    if ("told" in data) return hear(data.told as Told);
    const { id, asked } = data;
    try {
      post({ id, value: await answer(asked as Asked, (said) => post({ id, said })) });
    } catch (thrown) {
      post({ id, thrown: thrownOf(thrown) });
    }
  };
  way.onmessageerror = () => post({ lost: unread });
}
