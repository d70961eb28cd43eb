/**
 * The training loop: one step at a time, with evaluations and rank events, and checkpoints as values.
 *
 * @module
 */
import { ruleOf } from "../methods/adapter.ts";
import type { Json } from "../base/canonical_json.ts";
import { RandomStream } from "../base/random.ts";
import type { DeviceTensor } from "../exec/executor.ts";
import {
  checkActions,
  droppedSlots,
  type GrowAction,
  type RankAction,
} from "../methods/rank_actions.ts";
import type { RankPolicy } from "../methods/rank_policy.ts";
import { warmupSteps } from "../study/grid/steps.ts";
import { firstBatch } from "../tasks/batches.ts";
import type { Assembly } from "./assemble.ts";
import { DeviceRun, loadPrograms, type QueuedStep, settle } from "./device_run.ts";
import { afterEvaluation, isAtPlateau, noPlateau } from "./plateau.ts";
import { noScores, rowView, scoresOf, slotScoresOf } from "./policy_view.ts";
import type { LoadedPrograms } from "./programs.ts";
import {
  afterAction,
  importanceEvent,
  isCacheOnly,
  roomFor,
  toldOf,
  withRoom,
} from "./rank_events.ts";
import { checkScoring, firstCapacities, firstState } from "./run_start.ts";
import { startStream } from "./seeds.ts";
import {
  type Checkpoint,
  DivergenceError,
  type RunState,
  type TrainingEvent,
  type TrainingRequest,
} from "./run_types.ts";
import { activeRanks, countActive } from "./slots.ts";
import { bestOf, takeSnapshot } from "./snapshots.ts";
import {
  epochsAt,
  evaluationsOf,
  isBoundary,
  type RunStage,
  runStages,
  stageOf,
} from "./stages.ts";
import { nextLearningRates } from "./step_feeds.ts";
import { initialVectors, moveToAssembly, startRows, type StateVectors } from "./vectors.ts";

/** A run under way. */
export class Trainer {
  /** Optimiser steps of all stages; of a run that ends at a plateau those that it may take. */
  readonly totalSteps: number;
  readonly #request: TrainingRequest;
  readonly #root: RandomStream;
  readonly #stages: readonly RunStage[];
  readonly #evaluateAt: ReadonlySet<number>;
  readonly #policy: RankPolicy<Json> | null;
  readonly #device: DeviceRun;
  #at: RunState;
  /** What stopped the run after the steps that were already told of; thrown by whatever is asked next. */
  #failure: unknown = null;
  #isDisposed = false;
  #eventMillis = 0;

  private constructor(request: TrainingRequest, programs: LoadedPrograms, at: RunState) {
    this.#request = request;
    this.#at = at;
    this.#root = RandomStream.fromSeed(request.seed);
    this.#stages = runStages(request.settings, request.stages);
    this.totalSteps = this.#stages.reduce((sum, { steps }) => sum + steps, 0);
    this.#evaluateAt = new Set(evaluationsOf(request.settings, this.#stages));
    this.#device = new DeviceRun(request, programs, at.history);
    this.#policy = ruleOf(request.assembly.method.adapter);
  }

  /** Starts a run, or goes on from a checkpoint. */
  static async create(request: TrainingRequest, from: Checkpoint | null): Promise<Trainer> {
    checkScoring(request);
    const capacities = from?.capacities ?? firstCapacities(request);
    const programs = await loadPrograms(request, capacities);
    try {
      return Trainer.#start(request, programs, capacities, from);
    } catch (error) {
      request.programs.giveBack(programs);
      throw error;
    }
  }

  static #start(
    request: TrainingRequest,
    programs: LoadedPrograms,
    capacities: RunState["capacities"],
    from: Checkpoint | null,
  ): Trainer {
    if (from !== null) {
      const { vectors, ...at } = from;
      const trainer = new Trainer(request, programs, at);
      trainer.#upload(vectors);
      return trainer;
    }
    const trainer = new Trainer(request, programs, firstState(request, capacities));
    trainer.#at = { ...trainer.#at, peakParameters: trainer.activeParameters() };
    const { assembly: { encoder, method } } = request;
    const stream = startStream(request);
    const given = startRows(method.adapter, request.assembly, request.directions);
    trainer.#upload(
      initialVectors(programs.assembly, encoder, trainer.#at.order, stream, given),
    );
    return trainer;
  }

  /** The rank of each adapted module before the first step. */
  get openingRanks(): Readonly<Record<string, number>> {
    return this.#at.openingRanks;
  }

  /** Steps done. */
  get step(): number {
    return this.#at.step;
  }

  /** Whether all steps are done, or the run is at its plateau. */
  get isDone(): boolean {
    return this.#failure === null && (this.#at.step >= this.totalSteps || this.isAtPlateau);
  }

  /** Whether the score on held-out examples has not risen for as many evaluations as the settings have patience for. */
  get isAtPlateau(): boolean {
    const { until } = this.#request.settings.train;
    return until !== undefined && isAtPlateau(until.plateau, this.#at.plateau ?? noPlateau);
  }

  /** The stages of the run, one for a single task. */
  get stages(): readonly RunStage[] {
    return this.#stages;
  }

  /** Where the numbers lie now. */
  get assembly(): Assembly {
    return this.#device.assembly;
  }

  /** The loaded programs, for evaluations after training. */
  get programs(): LoadedPrograms {
    return this.#device.programs;
  }

  /** Milliseconds of rank events since this trainer was made, scoring included; null for a run that has none. */
  get eventMillis(): number | null {
    return this.#policy === null ? null : this.#eventMillis;
  }

  /** The weights of adapted layers that both programs are fed, where the method merges into them. */
  get fedWeights(): Readonly<Record<string, DeviceTensor>> {
    return this.#device.fedWeights;
  }

  /** Everything but the vectors. */
  get progress(): RunState {
    return this.#at;
  }

  /** The rank of each adapted module: slots that are on and not masked. */
  ranks(): Readonly<Record<string, number>> {
    return activeRanks(this.#at.order, this.#at.off);
  }

  /** Adapter parameters that are trained: what the policy says, else those of slots that are on and not masked. */
  activeParameters(): number {
    return this.parametersAt(this.ranks());
  }

  /** As {@linkcode activeParameters}, with other ranks where the policy says nothing. */
  parametersAt(ranks: Readonly<Record<string, number>>): number {
    return this.#policy?.trainedNumbers?.(this.#at.policyState) ??
      countActive(this.#device.assembly.modules, ranks, this.#request.costs);
  }

  /** Adapter parameters that were trained, averaged over the steps so far; what is trained now where no step is done. */
  meanTrained(): number {
    const { trainedSum, countedSteps, step } = this.#at;
    const now = this.activeParameters();
    return step === 0 ? now : (trainedSum + now * (step - countedSteps)) / step;
  }

  /** Counts the steps up to an event with the parameters that they trained. */
  #countTrained(done: number): void {
    const { trainedSum, countedSteps } = this.#at;
    this.#at = {
      ...this.#at,
      trainedSum: trainedSum + this.activeParameters() * (done - countedSteps),
      countedSteps: done,
    };
  }

  #upload(vectors: StateVectors): void {
    this.#device.upload(vectors, this.#at);
  }

  /** One optimiser step, with the rank event and the evaluation that are due after it. */
  async next(): Promise<readonly TrainingEvent[]> {
    return await this.advance(1);
  }

  /**
   * Steps until a rank event, an evaluation or the end is due after one, and that event; the losses are read together.
   *
   * Whatever stops the run in one of the steps is thrown by the next call, when the steps before it have been told of.
   *
   * @param limit Steps at most. Default: as many as the executor queues well, which is one on the CPU.
   *
   * @throws {DivergenceError} If a loss or a gradient norm is not finite; the error tells the first such step.
   */
  async advance(
    limit: number = this.#request.executor.runsAhead,
  ): Promise<readonly TrainingEvent[]> {
    if (this.#failure !== null) throw this.#failure;
    const queued: QueuedStep[] = [];
    try {
      do queued.push(await this.#queueStep()); while (queued.length < limit && !this.#isDue());
    } catch (error) {
      this.#failure = error;
    }
    const events: TrainingEvent[] = [...await this.#settle(queued)];
    if (this.#failure !== null) {
      if (events.length === 0) throw this.#failure;
      return events;
    }
    const done = this.#at.step;
    const isEvaluated = this.#evaluateAt.has(done);
    const isDue = this.#policy?.isDue(this.#at.policyState, done - 1, isEvaluated) ?? false;
    if (isDue) {
      const started = performance.now();
      events.push(...await this.#rankEvent(done - 1, isEvaluated));
      this.#eventMillis += performance.now() - started;
    }
    const isYetToCome = isEvaluated && !events.some(({ kind }) => kind === "evaluation");
    if (isYetToCome) events.push(...await this.#evaluate());
    if (isBoundary(this.#stages, done)) this.#startStage();
    return events;
  }

  /** Begins a stage after another one as a run of its own would: with a fresh optimiser, from the first batch. */
  #startStage(): void {
    this.#at = { ...this.#at, cursor: firstBatch, isRatePinned: false };
    this.#device.renewMoments();
  }

  /** Whether the run cannot go on before an event after the last step. */
  #isDue(): boolean {
    const { step, policyState } = this.#at;
    return step >= this.totalSteps || this.#evaluateAt.has(step) ||
      (this.#policy?.isDue(policyState, step - 1) ?? false);
  }

  /** Starts a step; what it computes may still be under way afterwards. */
  async #queueStep(): Promise<QueuedStep> {
    const state = this.#at;
    const stage = stageOf(this.#stages, state.step);
    const { batch, cursor } = stage.batches.next(state.cursor);
    const queued = await this.#device.queueStep({
      state,
      totalSteps: this.totalSteps,
      stage,
      batch,
      ...nextLearningRates(this.#request, state, stage),
      isFrozen: this.#policy === null || !this.#hasImportance ||
        (this.#policy.statisticsFrozen?.(state.policyState, state.step) ?? false),
    });
    this.#at = { ...this.#at, step: state.step + 1, cursor };
    return queued;
  }

  /** Reads what steps computed; after one that diverged, the run stands before it and has failed. */
  async #settle(queued: readonly QueuedStep[]): Promise<readonly TrainingEvent[]> {
    const { values, waitedMillis } = await this.#device.readSteps(queued);
    const { events, divergence } = settle(
      queued,
      values,
      waitedMillis,
      (done) => epochsAt(this.#stages, done),
    );
    if (divergence !== null) {
      this.#failure = divergence.error;
      this.#at = { ...this.#at, step: divergence.index };
    }
    return events;
  }

  async #rankEvent(index: number, isEvaluated: boolean): Promise<readonly TrainingEvent[]> {
    const { programs } = this.#device;
    const { assembly } = programs;
    const before = await this.#device.download();
    const { order } = this.#at;
    const stage = stageOf(this.#stages, index);
    const given = await scoresOf(this.#request, { programs, vectors: before, order, stage });
    const asked = this.#request.assembly.method.adapter!.policy!.scores === undefined
      ? noScores
      : given;
    const wrong = given.flatMap(({ scores }) => scores).find((score) => !Number.isFinite(score));
    if (wrong !== undefined) throw new DivergenceError(index + 1, wrong, "importance");
    const ranksBefore = this.ranks();
    this.#countTrained(index + 1);
    const stream = this.#root.fork("policy").fork(index);
    const seen = rowView({ assembly, order, vectors: before, stream, isEvaluated });
    const { decision, state } = this.#policy!.decide(this.#at.policyState, index, asked, seen);
    checkActions(this.#request.assembly.method.adapter!.policy!.kind, decision);
    this.#at = { ...this.#at, policyState: state };
    const evaluations = await this.#apply(decision.actions, before, index);
    if (isCacheOnly(decision)) return [];
    this.#at = {
      ...this.#at,
      rankEvents: this.#at.rankEvents + 1,
      ranksMoved: this.#at.ranksMoved + droppedSlots(decision).length,
      peakParameters: Math.max(this.#at.peakParameters, this.activeParameters()),
    };
    const scores = decision.scores ?? given;
    if (scores.length > 0) {
      const lastScores = {
        step: index + 1,
        threshold: decision.threshold ?? null,
        modules: scores,
      };
      this.#at = { ...this.#at, lastScores };
    }
    const ranksAfter = this.ranks();
    const told = toldOf({ step: index + 1, decision, scores, ranksBefore, ranksAfter });
    const isEvaluatedFirst = decision.actions[0]?.type === "evaluate";
    return isEvaluatedFirst ? [...evaluations, ...told] : [...told, ...evaluations];
  }

  /** Does what a policy decided, in the state and on the device; what is evaluated meanwhile is reported. */
  async #apply(
    actions: readonly RankAction[],
    before: StateVectors,
    index: number,
  ): Promise<readonly TrainingEvent[]> {
    const events: TrainingEvent[] = [];
    let vectors = before, uploaded = before, growths = 0;
    const upload = () => {
      if (vectors !== uploaded) this.#upload(vectors);
      uploaded = vectors;
    };
    for (const action of actions) {
      if (action.type === "evaluate") {
        upload();
        const started = performance.now();
        events.push(...await this.#evaluate());
        // It has a time of its own.
        this.#eventMillis -= performance.now() - started;
        continue;
      }
      if (action.type === "grow") vectors = await this.#withRoom(action, vectors);
      const context = { assembly: this.#device.assembly, index, root: this.#root, growths };
      const after = afterAction(context, { state: this.#at, vectors }, action);
      if (action.type === "merge") await this.#device.merge(after.state.history.at(-1)!);
      if (action.type === "grow") growths++;
      this.#at = after.state;
      vectors = after.vectors;
    }
    upload();
    return events;
  }

  /** Makes room for new slots where there is none; the vectors come back under the layout that has it. */
  async #withRoom(action: GrowAction, vectors: StateVectors): Promise<StateVectors> {
    const capacities = roomFor(this.#at, action);
    if (capacities === null) return vectors;
    const from = this.#device.assembly;
    await this.#device.makeRoom(capacities);
    const to = this.#device.assembly;
    this.#at = withRoom(this.#at, capacities, from, to);
    return moveToAssembly(from, to, vectors);
  }

  get #hasImportance(): boolean {
    return this.#request.assembly.method.adapter?.policy?.scores?.type === "importance";
  }

  async #evaluate(): Promise<readonly TrainingEvent[]> {
    const snapshot = await takeSnapshot(this.#request, this.#stages, this.#at, this.#device);
    const best = bestOf(this.#request.task, this.#at.best, snapshot);
    this.#at = { ...this.#at, last: snapshot, best };
    const { task, settings: { train } } = this.#request;
    const { until } = train;
    if (until !== undefined) {
      const { totalSteps } = this;
      const warmup = warmupSteps(train, totalSteps);
      const context = { task, rule: until.plateau, policy: this.#policy, totalSteps, warmup };
      this.#at = { ...this.#at, plateau: afterEvaluation(context, this.#at, snapshot) };
    }
    const events: TrainingEvent[] = [{ kind: "evaluation", snapshot }];
    if (this.#hasImportance) {
      const statistics = await this.#device.download(["sensitivity", "uncertainty"]);
      const { step, order } = snapshot;
      const scores = slotScoresOf(this.#device.assembly, order, statistics);
      events.push(importanceEvent(step, scores));
    }
    return events;
  }

  /** A value from which {@linkcode Trainer.create} goes on. */
  async checkpoint(): Promise<Checkpoint> {
    if (this.#failure !== null) throw this.#failure;
    return { ...this.#at, vectors: await this.#device.download() };
  }

  /** Frees the state on the device and gives the programs back. Disposing twice does nothing more. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#device.dispose();
  }
}
