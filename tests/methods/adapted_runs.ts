/** Runs of a method on the golden encoder, and what every adapter has to hold to: resume, merging, ablation. */
import { assert, assertEquals } from "@std/assert";
import { nativeExecutor } from "../../src/exec/native.ts";
import { mergedTensors, updatesOf, type WeightUpdate } from "../../src/methods/weight_update.ts";
import { bert } from "../../src/models/bert.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../src/record/checkpoint_file.ts";
import { assemble } from "../../src/train/assemble.ts";
import { batchDims, inputFeeds } from "../../src/train/feeds.ts";
import { flatten } from "../../src/train/slots.ts";
import { type LoadedPrograms, ProgramCache } from "../../src/train/programs.ts";
import type { Checkpoint, TrainingEvent } from "../../src/train/run_types.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { exportTensors } from "../../src/train/stored_tensors.ts";
import { withoutModules } from "../../src/train/vectors.ts";
import { goldenModel } from "../models/fixture.ts";
import {
  assertBitEqual,
  assertStatesEqual,
  moduleNames,
  started,
  timeless,
  type TinyRun,
  trainingRequest,
  trainTo,
} from "../train/fixture.ts";
import { assertAlmost } from "../graph/numbers.ts";

/** What the runs of this folder run on. */
export const executor = await nativeExecutor(1);

const golden = goldenModel();

/** What makes a request of a run: that of one task, or of a sequence. */
export type RequestOf = typeof trainingRequest;

/** A run that has ended, with its programs still loaded. */
export interface EndedRun extends Disposable {
  readonly run: TinyRun;
  readonly requestOf: RequestOf;
  readonly trainer: Trainer;
  readonly events: readonly TrainingEvent[];
  readonly end: Checkpoint;
}

/** Trains to the end; the trainer is disposed of with the scope that holds the run by `using`. */
export async function ended(
  run: TinyRun,
  requestOf: RequestOf = trainingRequest,
): Promise<EndedRun> {
  const trainer = await Trainer.create(requestOf(executor, run), null);
  const events = await trainTo(trainer);
  const end = await trainer.checkpoint();
  return { run, requestOf, trainer, events, end, [Symbol.dispose]: () => trainer.dispose() };
}

/** What evaluates: a trainer, or a part of one. */
interface Evaluating {
  readonly programs: Pick<LoadedPrograms, "assembly" | "evaluate">;
  readonly fedWeights: Trainer["fedWeights"];
}

/** Logits of all development texts, batch after batch. */
export async function logitsOf(
  trainer: Evaluating,
  run: TinyRun,
  theta: Float32Array,
): Promise<readonly number[]> {
  const { assembly, evaluate } = trainer.programs;
  const logits: number[] = [];
  for (const batch of trainingRequest(executor, run).splits[0]!.batches) {
    const { read } = await evaluate.run({
      feeds: {
        theta: { type: "f32", shape: [theta.length], data: theta },
        ...trainer.fedWeights,
        ...inputFeeds(assembly, batch),
      },
      dims: batchDims(batch),
      read: ["logits"],
    });
    logits.push(...Array.from(read["logits"]!.data, Number));
  }
  return logits;
}

/** The updates of a run as an export would write them. */
export function exportedUpdates({ trainer, end }: EndedRun): readonly WeightUpdate[] {
  const { assembly } = trainer;
  const tensors = new Map(
    exportTensors(assembly, end.vectors.theta!, end.order, end.history)
      .map((part) => [part.name, part]),
  );
  const ranks = Object.values(end.order).map((rows) => rows.length);
  // Modules without a rank count, as in training.
  const average = ranks.reduce((sum, rank) => sum + rank, 0) / moduleNames().length;
  return updatesOf(
    { tensors, off: end.off, scale: assembly.adapter!.scale(average) },
    assembly.adapter!,
    assembly.modules.map(({ module }) => module),
    ({ layer, part }) => bert.modulePath(layer, part),
  );
}

/** Logits of an encoder without adapters under the head that a run has trained. */
export async function plainLogits(
  { trainer, requestOf, end }: EndedRun,
  tensors: typeof golden.tensors,
): Promise<readonly number[]> {
  const run: TinyRun = { method: "head", encoder: { config: golden.config, tensors } };
  const parts = new Map(
    exportTensors(trainer.assembly, end.vectors.theta!, end.order).map((part) => [part.name, part]),
  );
  // Nothing is trained: the evaluation is all that has to be loaded.
  const assembly = assemble(requestOf(executor, run).assembly);
  const evaluate = await executor.load(assembly.evaluationProgram);
  const theta = flatten(assembly.layout, (slot) => parts.get(slot.name)!.data);
  const logits = await logitsOf({ programs: { assembly, evaluate }, fedWeights: {} }, run, theta);
  await evaluate.release();
  return logits;
}

/** Fails unless the exported updates, merged into the weights, give the logits that the adapters give. */
export async function assertMerges(ended: EndedRun): Promise<void> {
  const { trainer, run, end } = ended;
  const adapted = await logitsOf(trainer, run, end.vectors.theta!);
  const bare = await plainLogits(ended, golden.tensors);
  const effect = Math.max(...bare.map((value, i) => Math.abs(value - adapted[i]!)));
  assert(effect > 0.1, `the adapters change logits by ${effect} at most`);
  const merged = mergedTensors(golden.tensors, exportedUpdates(ended), new Map());
  assertAlmost(await plainLogits(ended, merged), adapted, 1e-5 * Math.max(1, effect));
}

/** Fails unless switching off the rows of all modules leaves the encoder alone. */
export async function assertAblates(ended: EndedRun): Promise<void> {
  const { trainer, run, end } = ended;
  const names = trainer.assembly.modules.map(({ module }) => module.name);
  const off = withoutModules(trainer.assembly, end.vectors.theta!, names);
  assertAlmost(
    await logitsOf(trainer, run, off),
    await plainLogits(ended, golden.tensors),
    1e-5,
  );
}

/** A checkpoint as it comes back from its file. */
export function throughFile(checkpoint: Checkpoint): Checkpoint {
  const timings = { trainMillis: 1, evaluateMillis: 2, wallMillis: 3, startedAt: "2026-01-01" };
  const beside = { run: "0123", journals: { steps: { bytes: 7, sha256: "89ab" } }, timings };
  const back = decodeCheckpoint(encodeCheckpoint({ checkpoint, ...beside }), "file");
  assertEquals({ ...back, checkpoint }, { ...beside, checkpoint });
  return back.checkpoint;
}

/** Fails unless the run, cut in two by a stored checkpoint, tells and ends as the whole one to the bit. */
export async function assertResumes(
  { run, requestOf, events, end }: EndedRun,
  cuts: readonly number[],
): Promise<void> {
  // Programs of their own, built anew for the first cut and used again by the others.
  const programs = new ProgramCache(executor, 16);
  const request = () => ({ ...requestOf(executor, run), programs });
  for (const cut of cuts) {
    using first = await started(request());
    const before = timeless(await trainTo(first, cut));
    using second = await started(request(), throughFile(await first.checkpoint()));
    assertEquals(second.step, cut);
    const after = timeless(await trainTo(second));
    assertEquals([...before, ...after], timeless(events), `events when cut at ${cut}`);
    const { vectors, best, last, ...rest } = await second.checkpoint();
    const { vectors: wanted, best: wantedBest, last: wantedLast, ...wantedRest } = end;
    assertStatesEqual(vectors, wanted, `state when cut at ${cut}`);
    assertBitEqual(best!.theta, wantedBest!.theta, `best when cut at ${cut}`);
    assertBitEqual(last!.theta, wantedLast!.theta, `last when cut at ${cut}`);
    assertEquals([best, last, rest], [wantedBest, wantedLast, wantedRest]);
  }
  await programs.clear();
}
