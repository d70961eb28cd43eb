/**
 * Loaded programs, kept for the next run of the same shape: seeds differ in numbers that are fed, not in the graph.
 *
 * @module
 */
import type { Executor, Session } from "../exec/executor.ts";
import { assemble, type Assembly, type AssemblyRequest } from "./assemble.ts";

/** An assembly whose programs are loaded. */
export interface LoadedPrograms {
  readonly assembly: Assembly;
  readonly step: Session;
  readonly evaluate: Session;
}

/** Keeps the programs that were used last. */
export class ProgramCache {
  readonly #executor: Executor;
  readonly #held = new Map<string, LoadedPrograms>();
  readonly #limit: number;

  /** @param limit Pairs of programs held at most. Default 2. */
  constructor(executor: Executor, limit = 2) {
    this.#executor = executor;
    this.#limit = limit;
  }

  /**
   * The programs of a request.
   *
   * @param key Names everything that the request's graph depends on.
   */
  async load(key: string, request: AssemblyRequest): Promise<LoadedPrograms> {
    const held = this.#held.get(key);
    if (held !== undefined) {
      this.#held.delete(key);
      this.#held.set(key, held);
      return held;
    }
    while (this.#held.size >= this.#limit) {
      const [oldest, programs] = this.#held.entries().next().value!;
      this.#held.delete(oldest);
      await release(programs);
    }
    const assembly = assemble(request);
    const step = await this.#executor.load(assembly.stepProgram, {
      resident: assembly.stateVectors.map((name) => `${name}.next`),
    });
    const evaluate = await this.#executor.load(assembly.evaluationProgram);
    const programs = { assembly, step, evaluate };
    this.#held.set(key, programs);
    return programs;
  }

  /** Releases everything. */
  async clear(): Promise<void> {
    for (const programs of this.#held.values()) await release(programs);
    this.#held.clear();
  }
}

async function release({ step, evaluate }: LoadedPrograms): Promise<void> {
  await step.release();
  await evaluate.release();
}
