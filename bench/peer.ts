/**
 * The other side of the comparison: `peer/peer.py` as a process that answers a request at a time.
 *
 * @module
 */
import type { MethodOptions } from "../src/study/schema/study.ts";

const root = new URL("../", import.meta.url);
/** The interpreter that the peer's libraries are installed for. */
export const peerPython = decodeURIComponent(new URL(".cache/peer/bin/python", root).pathname);
const script = decodeURIComponent(new URL("bench/peer/peer.py", root).pathname);

/** How the peer is installed, for where it is missing. */
export const installPeer: string =
  "python3 -m venv .cache/peer && .cache/peer/bin/pip install -r bench/peer/requirements.txt";

/** What the peer builds; the fields are those of `peer.py`. */
export interface PeerCase {
  /** A Hugging Face folder with config and weights. */
  readonly folder: string;
  /** `none` trains the head over a frozen encoder. */
  readonly method: "lora" | "adalora" | "none";
  /** The rank, for AdaLoRA the average at the end. */
  readonly rank: number;
  readonly initialRank: number;
  readonly alpha: number;
  /** Rate for hidden states, attention and head alike. */
  readonly dropout: number;
  readonly adapterDropout: number;
  readonly labels: number;
  readonly learningRate: number;
  readonly clipNorm: number;
  readonly regulariserWeight: number;
  /** When AdaLoRA masks; the others ignore it. */
  readonly schedule: MethodOptions;
  readonly threads: number;
  /** `cuda` is an error where PyTorch finds no card. */
  readonly device: "cpu" | "cuda";
  readonly seed: number;
  /** An adapter file of ranklab to start from, or null for fresh values. */
  readonly trained: string | null;
}

/** What the peer says of itself once a case is loaded. */
export interface PeerFacts {
  readonly torch: string;
  readonly transformers: string;
  readonly peft: string;
  readonly threads: number;
  readonly attention: string;
  readonly blas: string;
  readonly capability: string;
  /** `cpu`, or the card's name. */
  readonly device: string;
  /** Numbers that are trained. */
  readonly trained: number;
}

/** Resident memory of a process in bytes; null where the system does not tell. */
export interface MemoryUse {
  /** Before the libraries, after them, after loading the model. */
  readonly bareBytes: number | null;
  readonly importedBytes: number | null;
  readonly loadedBytes: number | null;
  readonly peakBytes: number;
}

/** A tokenised example as the peer takes it. */
export interface PeerExample {
  readonly ids: readonly number[];
  readonly types: readonly number[];
  readonly label: number;
}

interface Requests {
  readonly load: { readonly in: PeerCase; readonly out: PeerFacts };
  readonly batch: {
    readonly in: { readonly ids: readonly (readonly number[])[]; readonly labels: number[] };
    readonly out: { readonly shape: readonly number[] };
  };
  readonly train: {
    readonly in: { readonly steps: number };
    readonly out: { readonly millis: readonly number[]; readonly losses: readonly number[] };
  };
  readonly evaluate: {
    readonly in: { readonly passes: number };
    readonly out: { readonly millis: readonly number[] };
  };
  readonly epoch: {
    readonly in: { readonly examples: readonly PeerExample[]; readonly batchSize: number };
    readonly out: { readonly batches: number };
  };
  readonly advance: {
    readonly in: { readonly steps: number };
    readonly out: { readonly millis: number };
  };
  readonly memory: { readonly in: Record<never, never>; readonly out: MemoryUse };
}

type Answer<Out> =
  | ({ readonly ok: true } & Out)
  | { readonly ok: false; readonly error: string };

/** A running peer; it waits without using a processor until it is asked. */
export class Peer {
  readonly #process: Deno.ChildProcess;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  #text = "";

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#requests = process.stdin.getWriter();
    this.#answers = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Starts the peer, or returns null where it is not installed. */
  static async start(): Promise<Peer | null> {
    try {
      await Deno.stat(peerPython);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
    const command = new Deno.Command(peerPython, {
      args: ["-W", "ignore", script],
      // None of the caller's variables: some of them choose slower kernels (OPENBLAS_CORETYPE, OMP_*).
      clearEnv: true,
      env: { HF_HUB_OFFLINE: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    return new Peer(command.spawn());
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @throws {Error} If the peer fails or has ended; the message holds what it said.
   */
  async ask<Name extends keyof Requests>(
    op: Name,
    request: Requests[Name]["in"],
  ): Promise<Requests[Name]["out"]> {
    await this.#requests.write(new TextEncoder().encode(JSON.stringify({ op, ...request }) + "\n"));
    const answer = JSON.parse(await this.#line(op)) as Answer<Requests[Name]["out"]>;
    if (!answer.ok) throw new Error(`The peer could not "${op}": ${answer.error}`);
    return answer;
  }

  async #line(op: string): Promise<string> {
    let end = this.#text.indexOf("\n");
    while (end < 0) {
      const { value, done } = await this.#answers.read();
      if (done) throw new Error(`The peer ended before it answered to "${op}"`);
      this.#text += value;
      end = this.#text.indexOf("\n");
    }
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return line;
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    await this.#requests.close();
    await this.#answers.cancel();
    await this.#process.status;
  }
}
