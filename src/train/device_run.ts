/**
 * What a run holds on its device: loaded programs, the vectors of its state, feeds that stay from step to step, and the
 * steps that are queued there.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import type { DeviceTensor, Executor } from "../exec/executor.ts";
import { type HostTensor, hostVector } from "../graph/mod.ts";
import type { ModuleShape } from "../study/types.ts";
import type { Batch } from "../tasks/types.ts";
import type { Assembly, StateVector } from "./assemble.ts";
import { RunWeights } from "./fed_weights.ts";
import { batchDims, type DropoutPools, inputFeeds, poolsFor } from "./feeds.ts";
import { updatesOfBlock } from "./row_edits.ts";
import { type LoadedPrograms, stepNumbers } from "./programs.ts";
import {
  DivergenceError,
  type RunState,
  type TrainingEvent,
  type TrainingRequest,
} from "./run_types.ts";
import { rootOf } from "./seeds.ts";
import { eventFeeds, type NextStep, stepFeeds, type StepStreams } from "./step_feeds.ts";
import type { MergedBlock } from "./stored_tensors.ts";
import { freshMoments, type StateVectors } from "./vectors.ts";

/** Loads the programs of a run for the rows that each adapted module is to have room for. */
export function loadPrograms(
  request: TrainingRequest,
  capacities: RunState["capacities"],
): Promise<LoadedPrograms> {
  const key = `${request.programKey}/${JSON.stringify(capacities)}`;
  const capacityOf = (module: ModuleShape) => capacities[module.name]!;
  return request.programs.load(key, { ...request.assembly, capacityOf });
}

/** What was read of steps, in their order. */
interface StepsRead {
  /** Each step's numbers, as {@linkcode stepNumbers} orders them. */
  readonly values: readonly (readonly number[])[];
  /** Time that reading took. */
  readonly waitedMillis: number;
}

/** The device side of one run. */
export class DeviceRun {
  readonly #request: TrainingRequest;
  readonly #streams: StepStreams;
  /** A word that belongs to the run's dropout, from which the dropout pools are drawn. */
  readonly #poolKey: number;
  readonly #resident: ResidentFeeds;
  readonly #weights: RunWeights;
  #programs: LoadedPrograms;
  #held: Partial<Record<StateVector, DeviceTensor>> = {};

  /**
   * The vectors are uploaded later; the programs are given back by {@linkcode dispose}.
   *
   * @param history What the run has merged into its weights.
   */
  constructor(
    request: TrainingRequest,
    programs: LoadedPrograms,
    history: readonly MergedBlock[],
  ) {
    this.#request = request;
    this.#programs = programs;
    const dropout = rootOf(request, "dropout");
    this.#streams = {
      dropout: dropout.fork("dropout"),
      method: RandomStream.fromSeed(request.seed).fork("method"),
    };
    this.#poolKey = dropout.fork("dropout-pool").nextWord();
    this.#resident = new ResidentFeeds(request.executor, request.programs.pools);
    this.#weights = new RunWeights(
      request.executor,
      programs.assembly.fedWeights,
      request.assembly.encoder.tensors,
      history.map((block) => updatesOfBlock(request.assembly, block)),
    );
  }

  /** The loaded programs. */
  get programs(): LoadedPrograms {
    return this.#programs;
  }

  /** Where the numbers lie now. */
  get assembly(): Assembly {
    return this.#programs.assembly;
  }

  /** The weights of adapted layers that both programs are fed, where the method merges into them. */
  get fedWeights(): Readonly<Record<string, DeviceTensor>> {
    return this.#weights.feeds;
  }

  /** The parameters. */
  get theta(): DeviceTensor {
    return this.#held.theta!;
  }

  /** Replaces the vectors, and what a rank event changes besides. */
  upload(vectors: StateVectors, state: RunState): void {
    const { executor } = this.#request;
    for (const held of Object.values(this.#held)) executor.dispose(held);
    this.#held = Object.fromEntries(this.assembly.stateVectors.map((name) => {
      const data = vectors[name]!;
      return [name, executor.upload(hostVector(data))];
    }));
    this.#resident.setSlots(eventFeeds(this.assembly, state));
  }

  /** Replaces the optimiser's vectors by those of a run that begins. */
  renewMoments(): void {
    const { executor } = this.#request;
    for (const [name, data] of Object.entries(freshMoments(this.assembly))) {
      executor.dispose(this.#held[name as StateVector]!);
      this.#held[name as StateVector] = executor.upload(hostVector(data));
    }
  }

  /** Copies of vectors. */
  async download(
    names: readonly StateVector[] = this.assembly.stateVectors,
  ): Promise<StateVectors> {
    const hosts = await this.#request.executor.readAll(names.map((name) => this.#held[name]!));
    // Reading copies; only the interpreter hands out double precision.
    const entries = hosts.map(({ data }, i) => [
      names[i]!,
      data instanceof Float32Array ? data : Float32Array.from(data as Float64Array),
    ]);
    return Object.fromEntries(entries);
  }

  /** Starts a step; what it computes may still be under way afterwards. */
  async queueStep(next: NextStep): Promise<QueuedStep> {
    const { executor } = this.#request;
    const { assembly, step: session } = this.#programs;
    const { batch } = next;
    const started = performance.now();
    const numbers = stepNumbers(assembly);
    const { kept } = await session.run({
      feeds: {
        ...this.#held,
        ...this.#resident.of(assembly, batch, this.#poolKey),
        ...this.#weights.feeds,
        ...stepFeeds(this.#request, assembly, next, this.#streams),
      },
      dims: batchDims(batch),
      keep: [...assembly.stateVectors.map((name) => `${name}.next`), ...numbers],
    });
    for (const name of assembly.stateVectors) {
      executor.dispose(this.#held[name]!);
      this.#held[name] = kept[`${name}.next`]!;
    }
    return {
      index: next.state.step,
      learningRate: next.learningRate,
      tokens: batch.tokens,
      millis: performance.now() - started,
      numbers: numbers.map((name) => kept[name]!),
    };
  }

  /** Waits for steps and reads what they computed. */
  async readSteps(queued: readonly QueuedStep[]): Promise<StepsRead> {
    const { executor } = this.#request;
    const started = performance.now();
    const held = queued.flatMap(({ numbers }) => numbers);
    const hosts = [...await executor.readAll(held)];
    for (const tensor of held) executor.dispose(tensor);
    const waitedMillis = performance.now() - started;
    const values = queued.map(({ numbers }) =>
      hosts.splice(0, numbers.length).map(({ data }) => Number(data[0]))
    );
    return { values, waitedMillis };
  }

  /** Merges slots into the weights that are fed. */
  async merge(block: MergedBlock): Promise<void> {
    await this.#weights.merge(updatesOfBlock(this.#request.assembly, block));
  }

  /** Loads programs with other capacities in place of those so far; the vectors are still to be uploaded. */
  async makeRoom(capacities: RunState["capacities"]): Promise<void> {
    const outgrown = this.#programs;
    this.#programs = await loadPrograms(this.#request, capacities);
    this.#request.programs.giveBack(outgrown);
  }

  /** Frees everything and gives the programs back; to be called once. */
  dispose(): void {
    const { executor } = this.#request;
    for (const held of Object.values(this.#held)) executor.dispose(held);
    this.#held = {};
    this.#resident.dispose();
    this.#weights.dispose();
    this.#request.programs.giveBack(this.#programs);
  }
}

/** What a run is fed under each name. */
type MixedFeeds = Readonly<Record<string, HostTensor | DeviceTensor>>;

/** The feeds of one run that are uploaded once and used in many steps. */
class ResidentFeeds {
  readonly #executor: Executor;
  /** Pools that runs on this executor have drawn. */
  readonly #drawn: DropoutPools;
  /** What changes at rank events only. */
  #slots: Readonly<Record<string, DeviceTensor>> = {};
  /** Dropout pools by name and width. */
  readonly #pools = new Map<string, DeviceTensor>();

  constructor(executor: Executor, drawn: DropoutPools) {
    this.#executor = executor;
    this.#drawn = drawn;
  }

  /** Replaces what changes at rank events only. */
  setSlots(hosts: Readonly<Record<string, HostTensor>>): void {
    this.#dispose(this.#slots);
    this.#slots = this.#upload(hosts);
  }

  /**
   * What a step on a batch is fed besides its state, targets, dropout keys and rates.
   *
   * @param poolKey A 32-bit word that belongs to the run, from which the dropout pools are drawn.
   */
  of(assembly: Assembly, batch: Batch, poolKey: number): MixedFeeds {
    return {
      ...this.#slots,
      ...this.#poolsOf(assembly, batch, poolKey),
      ...inputFeeds(assembly, batch),
    };
  }

  #poolsOf(assembly: Assembly, batch: Batch, key: number): Readonly<Record<string, DeviceTensor>> {
    return Object.fromEntries(
      poolsFor(assembly, batch).map((pool) => {
        const size = `${pool.name}/${pool.width}`;
        const held = this.#pools.get(size) ??
          this.#executor.upload(this.#drawn.of(pool, assembly.dropout, key));
        this.#pools.set(size, held);
        return [pool.name, held];
      }),
    );
  }

  #upload(hosts: Readonly<Record<string, HostTensor>>): Readonly<Record<string, DeviceTensor>> {
    return Object.fromEntries(
      Object.entries(hosts).map(([name, host]) => [name, this.#executor.upload(host)]),
    );
  }

  #dispose(tensors: Readonly<Record<string, DeviceTensor>>): void {
    for (const tensor of Object.values(tensors)) this.#executor.dispose(tensor);
  }

  /** Frees everything. Disposing twice does nothing more. */
  dispose(): void {
    this.#dispose(this.#slots);
    for (const tensor of this.#pools.values()) this.#executor.dispose(tensor);
    this.#slots = {};
    this.#pools.clear();
  }
}

/** A step that was started, and what is to be read of it. */
export interface QueuedStep {
  readonly index: number;
  readonly learningRate: number;
  readonly tokens: number;
  /** Time until the step was started; on executors that do not queue, until it was done. */
  readonly millis: number;
  /** Loss, gradient norm and, where the method has one, the regulariser. */
  readonly numbers: readonly DeviceTensor[];
}

/** What steps came to: the events of those before any divergence, and which step diverged. */
interface SettledSteps {
  readonly events: readonly TrainingEvent[];
  readonly divergence: { readonly index: number; readonly error: DivergenceError } | null;
}

function divergenceOf(step: number, loss: number, gradientNorm: number): DivergenceError | null {
  if (!Number.isFinite(loss)) return new DivergenceError(step, loss);
  if (Number.isFinite(gradientNorm)) return null;
  return new DivergenceError(step, gradientNorm, "gradient norm");
}

/**
 * Tells of steps in their order, up to the first that diverged.
 *
 * @param values What was read of each step, in the order of its `numbers`.
 * @param waitedMillis Time that reading took, shared by all of them alike.
 * @param epochsAt Passes over training data when so many steps are done.
 */
export function settle(
  queued: readonly QueuedStep[],
  values: readonly (readonly number[])[],
  waitedMillis: number,
  epochsAt: (done: number) => number,
): SettledSteps {
  const events: TrainingEvent[] = [];
  for (const [i, { index, learningRate, tokens, millis }] of queued.entries()) {
    const [loss = NaN, gradientNorm = NaN, regulariser = 0] = values[i]!;
    const error = divergenceOf(index + 1, loss, gradientNorm);
    if (error !== null) return { events, divergence: { index, error } };
    events.push({
      kind: "step",
      step: index + 1,
      epoch: epochsAt(index + 1),
      loss,
      regulariser,
      gradientNorm,
      learningRate,
      stepMillis: millis + waitedMillis / queued.length,
      tokens,
    });
  }
  return { events, divergence: null };
}
