/**
 * The forward pass begun in the middle: what enters a layer is kept, and later passes start from there.
 *
 * Where only the parameters of a layer and of those above it change, what enters it does not, so that a pass computes the
 * rest alone.
 *
 * @module
 */
import type { Executor, Session } from "../exec/executor.ts";
import { input, makeProgram, optimise, type Program, type Tensor } from "../graph/mod.ts";
import { evaluationPass } from "../methods/adapter.ts";
import type { Assembly } from "./assemble.ts";
import type { AssemblyRequest } from "./assembly_request.ts";
import { forward, type ForwardPlan, survey } from "./forward.ts";
import { viewsOf } from "./slots.ts";

/** Name of the output, and of the input, with the states that enter a layer, `[tokens, hidden]`. */
export function enteringName(layer: number): string {
  return `entering.${layer}`;
}

function evaluationPlan(
  request: AssemblyRequest,
  { layout, groups }: Pick<Assembly, "layout" | "groups">,
): ForwardPlan {
  const views = viewsOf(layout, input("theta", [layout.size]));
  return { request, survey: survey(request, views), views, groups };
}

/**
 * The evaluation program that gives, besides the logits, what enters some layers.
 *
 * @param assembly What the request was assembled to.
 */
function statesProgram(
  request: AssemblyRequest,
  assembly: Pick<Assembly, "layout" | "groups">,
  layers: readonly number[],
): Program {
  const states = new Map<string, Tensor>();
  const { logits } = forward(evaluationPlan(request, assembly), evaluationPass, (layer, x) => {
    if (layers.includes(layer)) states.set(enteringName(layer), x);
    return x;
  });
  return optimise(makeProgram({ logits, ...Object.fromEntries(states) }));
}

/**
 * The evaluation program that is fed what enters a layer and computes no layer below.
 *
 * @param assembly What the request was assembled to.
 */
export function resumedProgram(
  request: AssemblyRequest,
  assembly: Pick<Assembly, "layout" | "groups">,
  layer: number,
): Program {
  const { logits } = forward(
    evaluationPlan(request, assembly),
    evaluationPass,
    (at, x) => at === layer ? input(enteringName(layer), x.shape) : x,
  );
  return optimise(makeProgram({ logits }));
}

/** The programs with which one model is evaluated again and again, loaded when they are needed. */
export class ResumedPrograms {
  readonly #executor: Executor;
  readonly #request: AssemblyRequest;
  /** What the programs have their layout from. */
  readonly assembly: Assembly;
  readonly #sessions = new Map<string, Promise<Session>>();

  /**
   * Nothing is loaded yet.
   *
   * @param assembly What the request was assembled to.
   */
  constructor(executor: Executor, request: AssemblyRequest, assembly: Assembly) {
    this.#executor = executor;
    this.#request = request;
    this.assembly = assembly;
  }

  /** The whole evaluation program. */
  whole(): Promise<Session> {
    return this.#load("whole", () => this.assembly.evaluationProgram);
  }

  /** That which also gives what enters some layers, which may stay on the device. */
  withStates(layers: readonly number[]): Promise<Session> {
    return this.#load(
      `states of ${layers}`,
      () => statesProgram(this.#request, this.assembly, layers),
      layers.map(enteringName),
    );
  }

  /** That which starts at a layer; where each program has weights of its own, it takes the place of the one before. */
  async from(layer: number): Promise<Session> {
    const own = `from ${layer}`;
    const others = [...this.#sessions.keys()].filter((key) =>
      key.startsWith("from") && key !== own
    );
    if (!this.#executor.sharesConstants) await this.#release(others);
    return await this.#load(own, () => resumedProgram(this.#request, this.assembly, layer));
  }

  #load(key: string, build: () => Program, resident: readonly string[] = []): Promise<Session> {
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const loading = this.#executor.load(build(), { resident });
    this.#sessions.set(key, loading);
    // The next request tries anew.
    loading.catch(() => this.#sessions.delete(key));
    return loading;
  }

  /** Releases what was loaded; it is loaded anew where it is asked for again. */
  async release(): Promise<void> {
    await this.#release([...this.#sessions.keys()]);
  }

  async #release(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const loading = this.#sessions.get(key)!;
      this.#sessions.delete(key);
      // One that could not be loaded was reported to those who asked for it.
      const session = await loading.catch(() => null);
      await session?.release();
    }
  }
}
