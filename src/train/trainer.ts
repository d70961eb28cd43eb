/**
 * The training loop: one step at a time, with evaluations and rank events, and checkpoints as values.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { RandomStream } from "../base/random.ts";
import type { DeviceTensor } from "../exec/executor.ts";
import type { HostTensor } from "../graph/mod.ts";
import type {
  EditDecision,
  MergeDecision,
  MoveDecision,
  RankDecision,
  RankPolicy,
  SlotScores,
} from "../methods/rank_policy.ts";
import { learningRateAt, stepsPerEpoch } from "../spec/total_steps.ts";
import type { ModuleShape } from "../spec/types.ts";
import { firstBatch } from "../tasks/batches.ts";
import { primaryMetric } from "../tasks/metrics.ts";
import { type Assembly, fedName, rateFactorName, type StateVector } from "./assemble.ts";
import { ablationScores } from "./ablation_scores.ts";
import { evaluateAll } from "./evaluate.ts";
import { batchDims, dropoutFeeds, slotFeeds, targetFeeds } from "./feeds.ts";
import { RunWeights } from "./fed_weights.ts";
import { blockOf, nextBlock, updatesOfBlock } from "./merging.ts";
import { type LoadedPrograms, stepNumbers } from "./programs.ts";
import { type QueuedStep, settle } from "./queued_step.ts";
import { ResidentFeeds } from "./resident_feeds.ts";
import { activeRanks, countActive, initialOrder, ranksOf } from "./slots.ts";
import {
  classMask,
  epochsAt,
  evaluationsOf,
  isBoundary,
  type RunStage,
  runStages,
  stageOf,
} from "./stages.ts";
import {
  type Checkpoint,
  DivergenceError,
  type Snapshot,
  type TrainingEvent,
  type TrainingRequest,
} from "./run_types.ts";
import {
  applyEdit,
  applyMove,
  cachedRows,
  freshMoments,
  initialVectors,
  maskedPositions,
  moveToAssembly,
  orderAfter,
  rowView,
  slotScoresOf,
  type StateVectors,
  zeroAt,
} from "./vectors.ts";

/** Sums of slot scores by module. */
function summed(scores: SlotScores): Readonly<Record<string, number>> {
  return Object.fromEntries(
    scores.map(({ module, scores }) => [module, scores.reduce((sum, score) => sum + score, 0)]),
  );
}

/** Slots that an event dropped, masked, merged or gave other numbers, of those that there were before. */
function changedSlots(decision: RankDecision, before: Readonly<Record<string, number>>): number {
  if (decision.kind === "move") return decision.drop.length;
  if (decision.kind === "mask") return decision.off.length;
  if (decision.kind === "merge") return Object.values(before).reduce((sum, rank) => sum + rank, 0);
  return decision.moved ??
    new Set(decision.rows.map(({ module, slot }) => `${module}/${slot}`)).size;
}

/** Whether rows are only kept for later, which is no event of ranks. */
function isCacheOnly(decision: RankDecision): boolean {
  return decision.kind === "edit" && decision.isCaching && decision.rows.length === 0;
}

/** A run under way. */
export class Trainer {
  readonly totalSteps: number;
  readonly #request: TrainingRequest;
  readonly #root: RandomStream;
  readonly #stages: readonly RunStage[];
  readonly #evaluateAt: ReadonlySet<number>;
  readonly #policy: RankPolicy<Json> | null;
  #programs: LoadedPrograms;
  #device: Partial<Record<StateVector, DeviceTensor>> = {};
  #at: Omit<Checkpoint, "vectors">;
  readonly #resident: ResidentFeeds;
  readonly #weights: RunWeights;
  /** What stopped the run after the steps that were already told of; thrown by whatever is asked next. */
  #failure: unknown = null;
  #isDisposed = false;
  #eventMillis = 0;

  private constructor(
    request: TrainingRequest,
    programs: LoadedPrograms,
    at: Omit<Checkpoint, "vectors">,
  ) {
    this.#request = request;
    this.#programs = programs;
    this.#at = at;
    this.#root = RandomStream.fromSeed(request.seed);
    this.#resident = new ResidentFeeds(request.executor);
    this.#stages = runStages(request.settings, request.stages);
    this.totalSteps = this.#stages.reduce((sum, { steps }) => sum + steps, 0);
    this.#evaluateAt = new Set(evaluationsOf(request.settings, this.#stages));
    this.#weights = new RunWeights(
      request.executor,
      programs.assembly.fedWeights,
      request.assembly.encoder.tensors,
      at.history.map((block) => updatesOfBlock(request.assembly, block)),
    );
    this.#policy = request.assembly.method.adapter?.dynamics?.policy ?? null;
  }

  /** Starts a run, or goes on from a checkpoint. */
  static async create(request: TrainingRequest, from: Checkpoint | null): Promise<Trainer> {
    const { assembly: asked } = request;
    if (
      asked.method.adapter?.dynamics?.scores.type === "ablation" &&
      request.stages.some(({ scoring }) => scoring === undefined)
    ) {
      throw new RangeError(
        'Cannot start a run that scores ranks by ablation: found no examples, want some as "scoring"',
      );
    }
    const adapted = asked.ranks.filter(({ rank }) => rank > 0);
    const capacities = from?.capacities ?? Object.fromEntries(
      adapted.map(({ module, rank }) => [
        module.name,
        asked.method.adapter?.capacity(rank) ?? rank,
      ]),
    );
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
    capacities: Checkpoint["capacities"],
    from: Checkpoint | null,
  ): Trainer {
    const { assembly: asked, settings } = request;
    const adapted = asked.ranks.filter(({ rank }) => rank > 0);
    if (from !== null) {
      const { vectors, ...at } = from;
      const trainer = new Trainer(request, programs, at);
      trainer.#upload(vectors);
      return trainer;
    }
    const root = RandomStream.fromSeed(request.seed);
    const policy = asked.method.adapter?.dynamics?.policy ?? null;
    const stages = runStages(settings, request.stages);
    const policyState = policy === null ? null : policy.start({
      modules: adapted.map(({ module }) => module),
      ranks: adapted.map(({ rank }) => rank),
      finalTotal: request.finalTotal,
      totalSteps: stages.reduce((sum, { steps }) => sum + steps, 0),
      stepsPerEpoch: stepsPerEpoch(settings, stages[0]!.trainExamples),
      stages: stages.map(({ task, firstStep, steps, classes }) => ({
        task,
        firstStep,
        steps,
        classes,
      })),
    });
    const opening = policyState === null
      ? undefined
      : policy?.opening?.(policyState, root.fork("policy").fork("opening"));
    const order = initialOrder(
      adapted.map(({ module: { name }, rank }) => ({
        name,
        rank: opening === undefined ? rank : opening[name] ?? 0,
      })),
    );
    const trainer = new Trainer(request, programs, {
      step: 0,
      cursor: firstBatch,
      order,
      capacities,
      policyState,
      cache: null,
      history: [],
      openingRanks: ranksOf(order),
      off: [],
      isMaskPermanent: false,
      isRatePinned: false,
      rankEvents: 0,
      ranksMoved: 0,
      peakParameters: 0,
      best: null,
      last: null,
    });
    trainer.#at = { ...trainer.#at, peakParameters: trainer.activeParameters() };
    const stream = trainer.#root.fork("init");
    trainer.#upload(initialVectors(programs.assembly, asked.encoder, order, stream));
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

  /** Whether all steps are done. */
  get isDone(): boolean {
    return this.#failure === null && this.#at.step >= this.totalSteps;
  }

  /** The stages of the run, one for a single task. */
  get stages(): readonly RunStage[] {
    return this.#stages;
  }

  /** Where the numbers lie now. */
  get assembly(): Assembly {
    return this.#programs.assembly;
  }

  /** The loaded programs, for evaluations after training. */
  get programs(): LoadedPrograms {
    return this.#programs;
  }

  /** Milliseconds of rank events since this trainer was made, scoring included; null for a run that has none. */
  get eventMillis(): number | null {
    return this.#policy === null ? null : this.#eventMillis;
  }

  /** The weights of adapted layers that both programs are fed, where the method merges into them. */
  get fedWeights(): Readonly<Record<string, DeviceTensor>> {
    return this.#weights.feeds;
  }

  /** Everything but the vectors. */
  get progress(): Omit<Checkpoint, "vectors"> {
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
      countActive(this.#programs.assembly.modules, ranks, this.#request.costs);
  }

  #upload(vectors: StateVectors): void {
    const { executor } = this.#request;
    for (const held of Object.values(this.#device)) executor.dispose(held);
    const { assembly } = this.#programs;
    this.#device = Object.fromEntries(assembly.stateVectors.map((name) => {
      const data = vectors[name]!;
      return [name, executor.upload({ type: "f32", shape: [data.length], data })];
    }));
    this.#uploadSlots();
  }

  #uploadSlots(): void {
    const { assembly } = this.#programs;
    const { inputs } = assembly.stepProgram;
    const hosts: [string, HostTensor][] = Object.entries(slotFeeds(assembly, this.#at.order));
    if (inputs.has("gate")) hosts.push(["gate", this.#gate()]);
    this.#resident.setSlots(Object.fromEntries(hosts.filter(([name]) => inputs.has(name))));
  }

  /** Zero where a permanent mask is, one elsewhere. */
  #gate(): HostTensor {
    const { assembly } = this.#programs;
    const size = assembly.layout.size;
    const gate = new Float32Array(size).fill(1);
    if (this.#at.isMaskPermanent) {
      for (const at of maskedPositions(assembly, this.#at.order, this.#at.off)) gate[at] = 0;
    }
    return { type: "f32", shape: [size], data: gate };
  }

  async #download(names: readonly StateVector[]): Promise<StateVectors> {
    const hosts = await this.#request.executor.readAll(names.map((name) => this.#device[name]!));
    // Reading copies; only the interpreter hands out double precision.
    const entries = hosts.map(({ data }, i) => [
      names[i]!,
      data instanceof Float32Array ? data : Float32Array.from(data as Float64Array),
    ]);
    return Object.fromEntries(entries);
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
    const isEvaluated = this.#isEvaluated(done);
    const isDue = this.#policy?.isDue(this.#at.policyState, done - 1, isEvaluated) ?? false;
    const evaluate = async () => {
      if (isEvaluated) events.push(...await this.#evaluate(epochsAt(this.#stages, done)));
    };
    // What is kept had better not hold what the event begins, which is not trained yet.
    const comesAfter = isDue && this.#evaluatesFirst;
    if (comesAfter) await evaluate();
    if (isDue) {
      const started = performance.now();
      events.push(...await this.#rankEvent(done - 1));
      this.#eventMillis += performance.now() - started;
    }
    if (!comesAfter) await evaluate();
    if (isBoundary(this.#stages, done)) this.#startStage();
    return events;
  }

  /** Begins a stage after another one as a run of its own would: with a fresh optimiser, from the first batch. */
  #startStage(): void {
    this.#at = { ...this.#at, cursor: firstBatch, isRatePinned: false };
    const { executor } = this.#request;
    for (const [name, data] of Object.entries(freshMoments(this.#programs.assembly))) {
      executor.dispose(this.#device[name as StateVector]!);
      this.#device[name as StateVector] = executor.upload({
        type: "f32",
        shape: [data.length],
        data,
      });
    }
  }

  /** Whether the run cannot go on before an event after the last step. */
  #isDue(): boolean {
    const { step, policyState } = this.#at;
    return step >= this.totalSteps || this.#isEvaluated(step) ||
      (this.#policy?.isDue(policyState, step - 1) ?? false);
  }

  /** Whether the settings or the policy ask for an evaluation after `done` steps. */
  #isEvaluated(done: number): boolean {
    return this.#evaluateAt.has(done) ||
      (this.#policy?.wantsEvaluation?.(this.#at.policyState, done - 1) ?? false);
  }

  /** Starts a step; what it computes may still be under way afterwards. */
  async #queueStep(): Promise<QueuedStep> {
    const { settings, executor } = this.#request;
    const { train } = settings;
    const { assembly, step: session } = this.#programs;
    const index = this.#at.step;
    const stage = stageOf(this.#stages, index);
    const { batch, cursor } = stage.batches.next(this.#at.cursor);
    const { adapter } = this.#request.assembly.method;
    const learningRate = this.#at.isRatePinned
      ? train.learningRate
      : (adapter?.learningRate ?? learningRateAt)(index - stage.firstStep, stage.steps, train);
    const dynamics = adapter?.dynamics ?? null;
    const averages = dynamics?.scores.type === "importance" ? dynamics.scores : null;
    const isFrozen = this.#policy === null || averages === null ||
      this.#policy.statisticsFrozen(this.#at.policyState, index);
    const number = (value: number): HostTensor => ({
      type: "f32",
      shape: [],
      data: Float32Array.of(value),
    });
    const dropoutKey = this.#root.fork("dropout").fork(index).nextWord();
    const started = performance.now();
    const packing = executor.sizes === "few" ? "padded" : "packed";
    const poolKey = this.#root.fork("dropout-pool").nextWord();
    const numbers = stepNumbers(assembly);
    const { kept } = await session.run({
      feeds: {
        ...this.#device,
        ...this.#resident.of(assembly, batch, packing, poolKey),
        ...targetFeeds(batch),
        ...(this.#stages.length > 1
          ? { classMask: classMask(assembly.outputs, stage.classes) }
          : {}),
        ...dropoutFeeds(assembly, batch, dropoutKey, packing),
        ...this.#methodFeeds(index, learningRate),
        ...this.#weights.feeds,
        learningRate: number(learningRate),
        sensitivityRate: number(isFrozen ? 0 : 1 - averages.beta1),
        uncertaintyRate: number(isFrozen ? 0 : 1 - averages.beta2),
      },
      dims: batchDims(batch, packing),
      keep: [...assembly.stateVectors.map((name) => `${name}.next`), ...numbers],
    });
    for (const name of assembly.stateVectors) {
      executor.dispose(this.#device[name]!);
      this.#device[name] = kept[`${name}.next`]!;
    }
    this.#at = { ...this.#at, step: index + 1, cursor };
    return {
      index,
      learningRate,
      tokens: batch.tokens,
      millis: performance.now() - started,
      numbers: numbers.map((name) => kept[name]!),
    };
  }

  /** What the method itself feeds a step, under the names of inputs. */
  #methodFeeds(step: number, learningRate: number): Readonly<Record<string, HostTensor>> {
    const { adapter } = this.#request.assembly.method;
    const fed = adapter?.stepFeeds?.({
      step,
      totalSteps: this.totalSteps,
      stage: stageOf(this.#stages, step).index,
      learningRate,
      ranks: Object.values(this.ranks()),
      stream: this.#root.fork("method").fork(step),
    });
    const factor = adapter?.rateFactor?.({ step, totalSteps: this.totalSteps });
    const rate: readonly [string, HostTensor][] = factor === undefined
      ? []
      : [[rateFactorName, { type: "f32", shape: [], data: Float32Array.of(factor) }]];
    return Object.fromEntries(
      [...Object.entries(fed ?? {}), ...rate].map(([name, host]) => [fedName(name), host]),
    );
  }

  /** Reads what steps computed; after one that diverged, the run stands before it and has failed. */
  async #settle(queued: readonly QueuedStep[]): Promise<readonly TrainingEvent[]> {
    const { executor } = this.#request;
    const started = performance.now();
    const held = queued.flatMap(({ numbers }) => numbers);
    const hosts = [...await executor.readAll(held)];
    for (const tensor of held) executor.dispose(tensor);
    const waitedMillis = performance.now() - started;
    const values = queued.map(({ numbers }) =>
      hosts.splice(0, numbers.length).map(({ data }) => Number(data[0]))
    );
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

  async #rankEvent(index: number): Promise<readonly TrainingEvent[]> {
    const policy = this.#policy!;
    const before = await this.#download(this.#programs.assembly.stateVectors);
    const { assembly } = this.#programs;
    const given = await this.#scores(before);
    const wrong = given.flatMap(({ scores }) => scores).find((score) => !Number.isFinite(score));
    if (wrong !== undefined) throw new DivergenceError(index + 1, wrong, "importance");
    const ranksBefore = this.ranks();
    const random = this.#root.fork("policy").fork(index);
    const seen = rowView(assembly, this.#at.order, before, random);
    const { decision, state } = policy.decide(this.#at.policyState, index, given, seen);
    const scores = ("scores" in decision ? decision.scores : null) ?? given;
    this.#at = { ...this.#at, policyState: state };
    if (isCacheOnly(decision)) {
      this.#at = { ...this.#at, cache: cachedRows(assembly, before) };
      return [];
    }
    this.#at = { ...this.#at, rankEvents: this.#at.rankEvents + 1 };
    if (decision.kind === "move") {
      await this.#move(decision, before, index);
    } else if (decision.kind === "edit") {
      this.#edit(decision, before);
    } else if (decision.kind === "merge") {
      await this.#merge(decision, before, index);
    } else {
      const positions = maskedPositions(this.#programs.assembly, this.#at.order, decision.off);
      this.#at = {
        ...this.#at,
        off: decision.off,
        isMaskPermanent: this.#at.isMaskPermanent || decision.permanent,
      };
      this.#upload(zeroAt(before, positions));
    }
    const ranksAfter = this.ranks();
    const means = Object.fromEntries(
      scores.map(({ module, scores: own }) => [
        module,
        own.length === 0 ? 0 : own.reduce((sum, score) => sum + score, 0) / own.length,
      ]),
    );
    const changes = Object.entries(ranksAfter)
      .map(([module, to]) => ({
        module,
        from: ranksBefore[module]!,
        to,
        score: means[module] ?? 0,
      }))
      .filter(({ from, to }) => from !== to);
    const moved = changedSlots(decision, ranksBefore);
    this.#at = {
      ...this.#at,
      ranksMoved: this.#at.ranksMoved + (decision.kind === "move" ? decision.drop.length : 0),
      peakParameters: Math.max(this.#at.peakParameters, this.activeParameters()),
    };
    const budget = Object.values(ranksAfter).reduce((sum, rank) => sum + rank, 0);
    const ranks = {
      kind: "ranks",
      step: index + 1,
      budget,
      moved,
      threshold: decision.threshold,
      changes,
    } as const;
    if (scores.length === 0) return [ranks];
    return [ranks, { kind: "importance", step: index + 1, scores: summed(scores) }];
  }

  /** The scores that the policy is given. */
  async #scores(vectors: StateVectors): Promise<SlotScores> {
    const { executor, task, assembly: { method } } = this.#request;
    const { order, step } = this.#at;
    const programs = this.#programs;
    if (this.#hasImportance) return slotScoresOf(programs.assembly, order, vectors);
    if (method.adapter?.dynamics?.scores.type !== "ablation") return [];
    const { scoring, classes } = stageOf(this.#stages, step - 1);
    const theta = vectors.theta!;
    return await ablationScores({
      ...{ executor, programs, theta, order, task, classes },
      examples: scoring!,
    });
  }

  /** Whether an evaluation comes before the event after the same step. */
  get #evaluatesFirst(): boolean {
    const dynamics = this.#request.assembly.method.adapter?.dynamics;
    return dynamics?.evaluatesFirst ?? dynamics?.kind === "merge";
  }

  get #hasImportance(): boolean {
    return this.#request.assembly.method.adapter?.dynamics?.scores.type === "importance";
  }

  #edit(decision: EditDecision, before: StateVectors): void {
    const { assembly } = this.#programs;
    const { order, cache } = this.#at;
    if (decision.isCaching) this.#at = { ...this.#at, cache: cachedRows(assembly, before) };
    if (decision.rows.length === 0) return;
    this.#upload(applyEdit({ assembly, vectors: before, cache, order, decision }));
  }

  async #merge(decision: MergeDecision, before: StateVectors, index: number): Promise<void> {
    const { assembly } = this.#programs;
    const block = blockOf(assembly, before.theta!, this.#at.order, index + 1);
    await this.#weights.merge(updatesOfBlock(this.#request.assembly, block));
    const stream = this.#root.fork("merge").fork(index);
    const { vectors, order } = nextBlock({ assembly, vectors: before, decision, stream });
    this.#at = { ...this.#at, order, history: [...this.#at.history, block] };
    this.#upload(vectors);
  }

  async #move(decision: MoveDecision, before: StateVectors, index: number): Promise<void> {
    let vectors = before;
    const { order: nextOrder } = orderAfter(this.#at.order, decision);
    const capacities = { ...this.#at.capacities };
    for (const [module, rows] of Object.entries(nextOrder)) {
      const needed = Math.max(0, ...rows) + 1;
      while (needed > capacities[module]!) capacities[module] = 2 * capacities[module]!;
    }
    const grown = Object.entries(capacities).some(([name, room]) =>
      room !== this.#at.capacities[name]
    );
    if (grown) {
      const outgrown = this.#programs;
      this.#programs = await loadPrograms(this.#request, capacities);
      this.#request.programs.giveBack(outgrown);
      const old = outgrown.assembly;
      const { assembly } = this.#programs;
      vectors = moveToAssembly(old, assembly, vectors);
      const moved = (snapshot: Snapshot | null) =>
        snapshot === null ? null : {
          ...snapshot,
          theta: moveToAssembly(old, assembly, { theta: snapshot.theta }).theta!,
        };
      const { best, last } = this.#at;
      this.#at = { ...this.#at, capacities, best: moved(best), last: moved(last) };
    }
    const { assembly } = this.#programs;
    const stream = this.#root.fork("directions").fork(index);
    const moved = applyMove({ assembly, vectors, order: this.#at.order, decision, stream });
    const { order } = moved;
    const edited = decision.rows === undefined ? moved.vectors : applyEdit({
      ...{ assembly, vectors: moved.vectors, cache: null, order },
      decision: { rows: decision.rows },
    });
    this.#at = { ...this.#at, order };
    if (decision.resetOptimizer) {
      this.#at = { ...this.#at, isRatePinned: true };
      this.#upload({ ...edited, ...freshMoments(assembly) });
    } else {
      this.#upload(edited);
    }
  }

  async #evaluate(epoch: number): Promise<readonly TrainingEvent[]> {
    const { task, splits } = this.#request;
    const seen = stageOf(this.#stages, this.#at.step - 1).index + 1;
    const judged = { task, splits, seen };
    const evaluations = await evaluateAll(
      { ...this.#programs, fed: this.#weights.feeds },
      this.#device.theta!,
      judged,
    );
    const wrong = evaluations.findLast(({ loss }) => !Number.isFinite(loss));
    if (wrong !== undefined) {
      throw new DivergenceError(this.#at.step, wrong.loss, `loss on "${wrong.split}"`);
    }
    const { theta } = await this.#download(["theta"]);
    const { step, order, off, history } = this.#at;
    const merged = history.length;
    const snapshot: Snapshot = { step, epoch, evaluations, theta: theta!, order, off, merged };
    const metric = primaryMetric(task);
    const valueOf = (of: Snapshot | null) => of?.evaluations[0]?.metrics[metric] ?? -Infinity;
    // Evaluations of a sequence are of ever more classes: none but the last is of all.
    const isBest = task.stages !== undefined || valueOf(snapshot) > valueOf(this.#at.best);
    const best = isBest ? snapshot : this.#at.best;
    this.#at = { ...this.#at, last: snapshot, best };
    const events: TrainingEvent[] = [{ kind: "evaluation", snapshot }];
    if (this.#hasImportance) {
      const statistics = await this.#download(["sensitivity", "uncertainty"]);
      const scores = slotScoresOf(this.#programs.assembly, order, statistics);
      events.push({ kind: "importance", step, scores: summed(scores) });
    }
    return events;
  }

  /** A value from which {@linkcode Trainer.create} goes on. */
  async checkpoint(): Promise<Checkpoint> {
    if (this.#failure !== null) throw this.#failure;
    return { ...this.#at, vectors: await this.#download(this.#programs.assembly.stateVectors) };
  }

  /** Frees the state on the device and gives the programs back. Disposing twice does nothing more. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const { executor } = this.#request;
    for (const held of Object.values(this.#device)) executor.dispose(held);
    this.#device = {};
    this.#resident.dispose();
    this.#weights.dispose();
    this.#request.programs.giveBack(this.#programs);
  }
}

function loadPrograms(
  request: TrainingRequest,
  capacities: Readonly<Record<string, number>>,
): Promise<LoadedPrograms> {
  const key = `${request.programKey}/${JSON.stringify(capacities)}`;
  const capacityOf = (module: ModuleShape) => capacities[module.name]!;
  return request.programs.load(key, { ...request.assembly, capacityOf });
}
