/**
 * The thread that computes for executors of other threads, see `remote.ts`: it has the native library, and they have code of a study.
 *
 * So nothing that it receives is trusted. The options of sessions are its own, and models are checked.
 *
 * @module
 */
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { answerThread } from "../base/ask_thread.ts";
import { checkedModel } from "../graph/foreign_model.ts";
import type { HostTensor } from "../graph/mod.ts";
import { hostTensor } from "./host_program.ts";
import { nativeProfile } from "./native.ts";
import type { OnnxRuntimeProfile } from "./onnx.ts";
import type { Asked, SentTensor, Told } from "./remote.ts";

class Served {
  #profile: OnnxRuntimeProfile | null = null;
  readonly #sessions = new Map<number, InferenceSession>();
  readonly #tensors = new Map<number, Tensor>();
  readonly #few: number;

  constructor(few: number) {
    this.#few = few;
  }

  get #runtime() {
    if (this.#profile === null) throw new TypeError("The executor was not started");
    return this.#profile;
  }

  hear(told: Told): void {
    if (told.kind === "free") {
      for (const number of told.numbers) this.#tensors.delete(number);
      return;
    }
    const { number, tensor } = told;
    try {
      // What another thread can still change is copied.
      const isShared = !(tensor.data.buffer instanceof ArrayBuffer);
      const data = isShared ? tensor.data.slice() : tensor.data;
      this.#tensors.set(number, hostTensor(this.#runtime.runtime, { ...tensor, data }));
    } catch {
      // Whoever asks for the tensor receives that there is none.
    }
  }

  #tensor(number: number): Tensor {
    const tensor = this.#tensors.get(number);
    if (tensor === undefined) throw new TypeError(`There is no tensor ${number}`);
    return tensor;
  }

  #session(number: number): InferenceSession {
    const session = this.#sessions.get(number);
    if (session === undefined) throw new TypeError(`There is no session ${number}`);
    return session;
  }

  /** The runtime's tensor for what was sent. */
  #fed(sent: SentTensor | number): Tensor {
    if (typeof sent === "number") return this.#tensor(sent);
    const Made = this.#runtime.runtime.Tensor as unknown as new (...parts: unknown[]) => Tensor;
    return new Made(sent.type, sent.data, sent.dims);
  }

  async answer(asked: Asked): Promise<unknown> {
    if (asked.kind === "start") {
      this.#profile = await nativeProfile(asked.threads);
      return this.#profile.name;
    }
    if (asked.kind === "load") {
      const { runtime, sessionOptions } = this.#runtime;
      const session = await runtime.InferenceSession.create(
        checkedModel(asked.bytes),
        sessionOptions(),
      );
      const number = this.#sessions.size === 0 ? 1 : Math.max(...this.#sessions.keys()) + 1;
      this.#sessions.set(number, session);
      return number;
    }
    if (asked.kind === "release") {
      const session = this.#session(asked.session);
      this.#sessions.delete(asked.session);
      return await session.release();
    }
    if (asked.kind === "read") return asked.numbers.map((number) => this.#tensor(number).data);
    const feeds = Object.fromEntries(
      Object.entries(asked.feeds).map(([name, sent]) => [name, this.#fed(sent)]),
    );
    const made = await this.#session(asked.session).run(feeds, [...asked.fetches]);
    return asked.fetches.map((name, i): SentTensor => {
      const { type, dims, size, data } = made[name]!;
      if (size <= this.#few) return { type, dims, data: data as HostTensor["data"] };
      this.#tensors.set(asked.numbers[i]!, made[name]!);
      return { type, dims };
    });
  }
}

/**
 * Computes for the executor at the other end of a port.
 *
 * @param few Outputs of at most so many numbers are sent with the run that made them. Default 1024.
 */
export function serveExecutor(port: MessagePort, few = 1024): void {
  const served = new Served(few);
  answerThread((asked: Asked) => served.answer(asked), (told: Told) => served.hear(told), port);
}
