/**
 * A small task on the golden encoder: texts of random tokens, labelled by whether one token occurs.
 *
 * @module
 */
import { RandomStream } from "../../src/base/random.ts";
import type { Executor } from "../../src/exec/executor.ts";
import type { BoundMethod } from "../../src/methods/method.ts";
import { findMethod } from "../../src/methods/table.ts";
import type { EncoderConfig } from "../../src/models/architectures.ts";
import { targetModules } from "../../src/models/config.ts";
import {
  defaultSettings,
  type ModulePart,
  overlaySettings,
  type PartialTrainSettings,
} from "../../src/study/schema/settings.ts";
import { createBatchStream, evaluationBatches } from "../../src/tasks/batches.ts";
import type { Encoded, Task } from "../../src/tasks/types.ts";
import type { Assembly, StateVector } from "../../src/train/assemble.ts";
import type { EncoderWeights } from "../../src/train/assembly_request.ts";
import type { EvaluationSplit } from "../../src/train/evaluate.ts";
import { groupParameter, sliceOf } from "../../src/train/slots.ts";
import { ProgramCache } from "../../src/train/programs.ts";
import { rootOf } from "../../src/train/seeds.ts";
import type { Checkpoint, TrainingEvent, TrainingRequest } from "../../src/train/run_types.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { goldenModel } from "../models/fixture.ts";

/** No dropout at all. */
export const noDropout = { hidden: 0, attention: 0, head: 0, adapter: 0 } as const;

/** The task: does token 7 occur? */
export const tinyTask: Task = {
  name: "tiny",
  title: "Tiny",
  output: { type: "classification", labels: ["absent", "present"] },
  metrics: ["accuracy"],
  splits: {},
  source: "user",
};

/** Texts with their labels. */
export interface Examples {
  readonly encoded: readonly Encoded[];
  readonly targets: readonly number[];
}

/** Texts of 4 to `longest` tokens. */
export function makeExamples(
  count: number,
  vocabulary: number,
  longest: number,
  seed: number,
): Examples {
  const stream = RandomStream.fromSeed(seed).fork("examples");
  const encoded = Array.from({ length: count }, (): Encoded => {
    const length = 4 + stream.int(longest - 3);
    const ids = Int32Array.from({ length }, () => 5 + stream.int(vocabulary - 5));
    ids[0] = 2;
    ids[length - 1] = 3;
    if (stream.int(2) === 1) ids.fill(7, 1, 1 + Math.ceil(length / 2));
    return { ids, types: new Int32Array(length) };
  });
  return { encoded, targets: encoded.map(({ ids }) => ids.includes(7) ? 1 : 0) };
}

const golden: EncoderWeights = goldenModel();

/** The golden encoder's first layer, for runs on a software GPU: their time goes with the number of nodes. */
export const oneLayer: EncoderWeights = { ...golden, config: { ...golden.config, layers: 1 } };

/** What differs from run to run. */
export interface TinyRun {
  readonly method: string;
  readonly options?: Readonly<Record<string, unknown>>;
  /** Final rank of each module; default 2. */
  readonly rank?: number;
  /** Parts of a layer that get no rank; default none. */
  readonly withoutRank?: readonly ModulePart[];
  readonly seed?: number;
  readonly train?: PartialTrainSettings;
  readonly encoder?: EncoderWeights;
  /** Longest text in tokens; default 14. */
  readonly longest?: number;
  /** Total rank at the end; default `rank` times the modules. */
  readonly finalTotal?: number;
  /** Numbers that all ranks may cost together; default no cap. */
  readonly cap?: number;
  /** Changes the method after its options are bound. */
  readonly change?: (method: BoundMethod) => BoundMethod;
}

/** All modules of an encoder that take an adapter, by name. */
export function moduleNames(config: EncoderConfig = golden.config): readonly string[] {
  return targetModules(config).map(({ name }) => name);
}

/** Programs by what they run on and the run that asked for them. */
const held = new WeakMap<Executor, WeakMap<TinyRun, ProgramCache>>();

/** The programs of a run, which those who ask with the very same value share: to build them takes longer than to train. */
function programsOf(executor: Executor, run: TinyRun): ProgramCache {
  const own = held.get(executor) ?? new WeakMap<TinyRun, ProgramCache>();
  held.set(executor, own);
  const programs = own.get(run) ?? new ProgramCache(executor, 8);
  own.set(run, programs);
  return programs;
}

/** The request of a run: 16 steps of 4 texts at a constant rate, dropout on, unless `train` says otherwise. */
export function trainingRequest(executor: Executor, run: TinyRun): TrainingRequest {
  const { rank = 2, seed = 1, encoder = golden, longest = 14, change = (method) => method } = run;
  const method = findMethod(run.method);
  const options = method.parseOptions(run.options ?? {});
  const settings = overlaySettings(defaultSettings, {
    train: {
      steps: 16,
      batchSize: 4,
      learningRate: 5e-3,
      warmup: 0,
      schedule: "constant",
      maxLength: 16,
      evaluateEpochs: false,
      dropout: { hidden: 0.1, attention: 0.1, head: 0.1, adapter: 0.1 },
      ...run.train,
    },
  });
  const bound = change(method.bind(options));
  const modules = bound.adapter === null
    ? []
    : targetModules(encoder.config, method.moduleParts(options) ?? undefined);
  const initialRank = Math.round(method.initialFactor(options) * rank);
  const { vocabulary } = encoder.config;
  const train = makeExamples(26, vocabulary, longest, 1);
  const dev = makeExamples(30, vocabulary, longest, 2);
  const { batchSize, maxLength } = settings.train;
  const padding = { batchSize, maxLength, padId: 0 };
  const evaluated = (name: string, examples: Examples): EvaluationSplit => ({
    name,
    batches: evaluationBatches({ ...examples, ...padding }),
    targets: examples.targets,
    ids: examples.targets.map((_, i) => i),
  });
  const scores = bound.adapter?.policy?.scores;
  return {
    executor,
    programs: programsOf(executor, run),
    programKey: "tiny",
    assembly: {
      encoder,
      output: tinyTask.output,
      method: bound,
      ranks: modules.map((module) => ({
        module,
        rank: run.withoutRank?.includes(module.part) ? 0 : initialRank,
      })),
      train: settings.train,
      hasHeadRate: settings.train.headLearningRate !== undefined,
    },
    task: tinyTask,
    settings,
    seed,
    finalTotal: run.finalTotal ?? rank * modules.length,
    costs: method.costs(method.parseOptions(options)),
    cap: run.cap === undefined ? null : { most: run.cap, perRank: method.costs(options).perRank },
    stages: [{
      task: tinyTask.name,
      batches: createBatchStream(
        { ...train, ...padding },
        rootOf({ seed, settings }, "order").fork("order"),
      ),
      trainExamples: train.targets.length,
      classes: null,
      ...(scores?.type === "removal"
        ? { scoring: evaluated("scoring", makeExamples(scores.examples, vocabulary, longest, 3)) }
        : {}),
    }],
    splits: [evaluated("dev", dev)],
  };
}

/** A step's event. */
export type StepEvent = Extract<TrainingEvent, { readonly kind: "step" }>;
/** A rank event. */
export type RanksEvent = Extract<TrainingEvent, { readonly kind: "ranks" }>;
/** An evaluation. */
export type EvaluationEvent = Extract<TrainingEvent, { readonly kind: "evaluation" }>;

/** A trainer that is disposed of with the scope that holds it by `using`. */
export async function started(
  request: TrainingRequest,
  from: Checkpoint | null = null,
): Promise<Trainer & Disposable> {
  const trainer = await Trainer.create(request, from);
  return Object.assign(trainer, { [Symbol.dispose]: () => trainer.dispose() });
}

/** A run before and after some steps (default: all): its checkpoints, what it told, and rows of its vectors by slot. */
export async function runTo(executor: Executor, run: TinyRun, steps?: number) {
  using trainer = await started(trainingRequest(executor, run));
  const rowsAt =
    ({ vectors }: Checkpoint, { assembly }: Pick<Trainer, "assembly">) =>
    (module: string, part: string, slot: number, name: StateVector = "theta") =>
      rowOf(assembly, vectors[name]!, module, part, slot);
  const before = await trainer.checkpoint();
  const rowBefore = rowsAt(before, { assembly: trainer.assembly });
  const events = await trainTo(trainer, steps);
  const after = await trainer.checkpoint();
  const { assembly } = trainer;
  return { before, rowBefore, events, after, assembly, row: rowsAt(after, { assembly }) };
}

/** Trains until `step` steps are done (default: to the end) and returns what happened. */
export async function trainTo(
  trainer: Trainer,
  step = trainer.totalSteps,
): Promise<readonly TrainingEvent[]> {
  const events: TrainingEvent[] = [];
  while (trainer.step < step) events.push(...await trainer.next());
  return events;
}

/** The events of one kind. */
export function ofKind<Kind extends TrainingEvent["kind"]>(
  events: readonly TrainingEvent[],
  kind: Kind,
): readonly Extract<TrainingEvent, { readonly kind: Kind }>[] {
  return events.filter((event): event is Extract<TrainingEvent, { readonly kind: Kind }> =>
    event.kind === kind
  );
}

/** The losses of all steps. */
export function lossesOf(events: readonly TrainingEvent[]): readonly number[] {
  return ofKind(events, "step").map(({ loss }) => loss);
}

/** Events without the time that they took. */
export function timeless(events: readonly TrainingEvent[]): readonly unknown[] {
  return events.map((event) => event.kind === "step" ? { ...event, stepMillis: 0 } : event);
}

/** Physical row `row` of a part of a module, cut from a vector of the state. */
export function rowOf(
  assembly: Assembly,
  vector: Float32Array,
  module: string,
  part: string,
  row: number,
): Float32Array {
  const group = assembly.groups.find((candidate) =>
    candidate.part.name === part && candidate.modules.some(({ name }) => name === module)
  );
  if (group === undefined) throw new RangeError(`No part "${part}" of module "${module}"`);
  const index = group.modules.findIndex(({ name }) => name === module);
  const { offset } = sliceOf(assembly.layout, groupParameter(group));
  const start = offset + (index * group.capacity + row) * group.rowLength;
  return vector.slice(start, start + group.rowLength);
}

/** Fails where two vectors differ in a single bit. */
export function assertBitEqual(
  found: Float32Array | undefined,
  wanted: Float32Array | undefined,
  what: string,
): void {
  if (found === undefined || wanted === undefined || found.length !== wanted.length) {
    throw new Error(`${what}: found ${found?.length} numbers, want ${wanted?.length}`);
  }
  const bits = (values: Float32Array) => new Uint32Array(values.slice().buffer);
  const a = bits(found), b = bits(wanted);
  const at = a.findIndex((word, i) => word !== b[i]);
  if (at >= 0) throw new Error(`${what}[${at}]: found ${found[at]}, want ${wanted[at]} to the bit`);
}

/** Fails where two states differ in a single bit. */
export function assertStatesEqual(
  found: Readonly<Partial<Record<StateVector, Float32Array>>>,
  wanted: Readonly<Partial<Record<StateVector, Float32Array>>>,
  what: string,
): void {
  const names = Object.keys(wanted) as StateVector[];
  if (Object.keys(found).sort().join() !== [...names].sort().join()) {
    throw new Error(`${what}: found vectors ${Object.keys(found)}, want ${names}`);
  }
  for (const name of names) assertBitEqual(found[name], wanted[name], `${what}: ${name}`);
}
