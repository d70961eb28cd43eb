/**
 * Loaded programs, kept for the next run of the same shape: seeds differ in numbers that are fed, not in the graph. What is fed
 * and the same in several runs is kept with them.
 *
 * @module
 */
import type { Executor, Session } from "../exec/executor.ts";
import { assemble, type Assembly } from "./assemble.ts";
import type { AssemblyRequest } from "./assembly_request.ts";
import { DropoutPools, KeptFeeds } from "./feeds.ts";
import { ResumedPrograms } from "./resumed.ts";

/** An assembly whose programs are loaded. */
export interface LoadedPrograms {
  /** What the loaded programs were made from. */
  readonly assembly: Assembly;
  /** The loaded `stepProgram`; its state vectors can stay on the device. */
  readonly step: Session;
  /** The loaded `evaluationProgram`. */
  readonly evaluate: Session;
  /** What `evaluate` is fed of batches. */
  readonly keptFeeds: KeptFeeds;
  /** Evaluations that begin at a layer, loaded when a method asks for them. */
  readonly resumed: ResumedPrograms;
}

/** The outputs of a step that are one number each, in a fixed order. */
export function stepNumbers({ stepProgram }: Pick<Assembly, "stepProgram">): readonly string[] {
  return ["loss", "gradientNorm", "regulariser"].filter((name) => stepProgram.outputs.has(name));
}

interface Held {
  readonly building: Promise<LoadedPrograms>;
  /** What `building` gave, once it has. */
  loaded: LoadedPrograms | null;
  /** Runs that asked for them and have not given them back. */
  users: number;
}

/** Keeps the programs that were used last; those in use are not released, and none is built twice at a time. */
export class ProgramCache {
  /** What steps are fed that runs may share. */
  readonly pools: DropoutPools = new DropoutPools();
  readonly #executor: Executor;
  /** The one used last comes last. */
  readonly #held = new Map<string, Held>();
  readonly #limit: number;

  /**
   * An empty cache on one executor.
   *
   * @param limit Pairs of programs held at most, unless more are in use. Default 2.
   */
  constructor(executor: Executor, limit = 2) {
    this.#executor = executor;
    this.#limit = limit;
  }

  /**
   * The programs of a request, until they are given back.
   *
   * @param key Names everything that the request's graph depends on.
   *
   * @throws {ExecutorError} If the runtime refuses a program; the next request tries anew.
   */
  async load(key: string, request: AssemblyRequest): Promise<LoadedPrograms> {
    // Building begins when this call has noted what it holds.
    const held: Held = this.#held.get(key) ??
      { building: Promise.resolve().then(() => this.#build(request)), loaded: null, users: 0 };
    held.users++;
    this.#held.delete(key);
    this.#held.set(key, held);
    try {
      held.loaded = await held.building;
      return held.loaded;
    } catch (error) {
      if (this.#held.get(key) === held) this.#held.delete(key);
      throw error;
    }
  }

  /** Says that one of those who loaded programs needs them no more; they stay until there is need of their room. */
  giveBack(programs: LoadedPrograms): void {
    for (const held of this.#held.values()) {
      if (held.loaded === programs) held.users--;
    }
  }

  /** Releases everything. */
  async clear(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const { building } of all) {
      // One that cannot be built is reported to those who asked for it.
      const loaded = await building.catch(() => null);
      if (loaded !== null) await release(loaded);
    }
  }

  async #build(request: AssemblyRequest): Promise<LoadedPrograms> {
    await this.#makeRoom();
    const assembly = assemble(request);
    const step = await this.#executor.load(assembly.stepProgram, {
      resident: [
        ...assembly.stateVectors.map((name) => `${name}.next`),
        ...stepNumbers(assembly),
      ],
    });
    try {
      const evaluate = await this.#executor.load(assembly.evaluationProgram);
      const resumed = new ResumedPrograms(this.#executor, request, assembly);
      return { assembly, step, evaluate, keptFeeds: new KeptFeeds(), resumed };
    } catch (error) {
      await step.release();
      throw error;
    }
  }

  /** Releases what nobody uses, the oldest first, until no more pairs are held than the limit says. */
  async #makeRoom(): Promise<void> {
    for (const [key, { loaded, users }] of [...this.#held]) {
      if (this.#held.size <= this.#limit) return;
      if (users > 0 || loaded === null) continue;
      this.#held.delete(key);
      await release(loaded);
    }
  }
}

async function release({ step, evaluate, resumed }: LoadedPrograms): Promise<void> {
  await step.release();
  await evaluate.release();
  await resumed.release();
}
