/**
 * The run of a distillation: what it is made of, its loop, and the points at which it can be continued.
 *
 * @module
 */
import { RandomStream } from "../../src/base/random.ts";
import type { DeviceTensor, Executor } from "../../src/exec/executor.ts";
import type { BertConfig } from "../../src/models/bert.ts";
import { drawParameter } from "../../src/models/parameters.ts";
import { flatten } from "../../src/train/slots.ts";
import {
  batchCouples,
  type CoupleBatch,
  epochOrder,
  makeCouple,
  type PassageIndex,
} from "./couples.ts";
import { type Lexicon, mostEdits } from "./edits.ts";
import {
  projectStates,
  startFromTeacher,
  studentConfig,
  type StudentShape,
  targetNorms,
} from "./start.ts";
import {
  type LossWeights,
  Student,
  studentLayout,
  type StudentLosses,
  studentParameters,
  type StudentVectors,
} from "./student_program.ts";
import {
  batchRequest,
  type CutTeacher,
  fitNorms,
  loadTargets,
  measureTeacher,
  similarityName,
  targetName,
} from "./teacher_program.ts";
import { specialIds } from "./vocabulary.ts";

/** How an encoder is distilled. */
export interface DistilSettings {
  readonly seed: number;
  readonly shape: StudentShape;
  /** Pieces of the vocabulary. */
  readonly vocabulary: number;
  readonly steps: number;
  /** Couples a step; each gives three texts. */
  readonly batchSize: number;
  readonly learningRate: number;
  /** Steps at the beginning with rising rate. */
  readonly warmup: number;
  /** Steps at the end with falling rate; the rate is constant between. */
  readonly decay: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly clipNorm: number;
  readonly weights: LossWeights;
  /** Batches on which the teacher's states are measured before the first step. */
  readonly measured: number;
  /** Batches kept out of training, on which the losses are measured at the end. */
  readonly heldOut: number;
}

/** The settings of the committed encoder. */
export const distilSettings: DistilSettings = {
  seed: 1,
  shape: { layers: 4, hidden: 192, intermediate: 768, maxPositions: 256 },
  vocabulary: 20000,
  steps: 6000,
  batchSize: 16,
  learningRate: 1.2e-3,
  warmup: 100,
  decay: 800,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-6,
  clipNorm: 1,
  weights: { layer: 1, last: 3, similarity: 1, edits: 1 },
  measured: 8,
  heldOut: 24,
};

/**
 * The learning rate of a step, counted from 0: it rises over `warmup` steps, stays, and falls to 0 over the last `decay`
 * steps. Since only the end depends on the number of steps, a checkpoint from before serves runs of any length.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { distilRate } from "./distil.ts";
 * const settings = { steps: 10, learningRate: 1, warmup: 2, decay: 4 };
 * assertEquals([0, 1, 2, 6, 7, 9].map((step) => distilRate(step, settings)), [0.5, 1, 1, 1, 0.75, 0.25]);
 * ```
 */
export function distilRate(
  step: number,
  { steps, learningRate, warmup, decay }: Pick<
    DistilSettings,
    "steps" | "learningRate" | "warmup" | "decay"
  >,
): number {
  return learningRate * Math.min(1, (step + 1) / warmup, (steps - step) / decay);
}

/** The texts of a distillation. */
export interface DistilTexts {
  readonly index: PassageIndex;
  readonly lexicon: Lexicon;
}

/** Where a run stands after a step. */
export interface DistilProgress extends StudentLosses {
  readonly step: number;
  readonly gradientNorm: number;
  readonly tokens: number;
  readonly stepMillis: number;
}

/** A run that is under way. */
export interface Distillation {
  readonly config: BertConfig;
  /** The part of the teacher's squared states that the projection keeps. */
  readonly keptShare: number;
  /** Steps done. */
  readonly step: number;
  next(): Promise<DistilProgress>;
  vectors(): Promise<StudentVectors>;
  /** Mean losses over the batches that were kept out. */
  heldOutLosses(): Promise<StudentLosses>;
}

/** Batches of a run by name: texts and edits follow from the seed and the batch's number. */
function batchMaker(
  { index, lexicon }: DistilTexts,
  { seed, batchSize, heldOut }: Pick<DistilSettings, "seed" | "batchSize" | "heldOut">,
) {
  const fewest = (heldOut + 1) * batchSize;
  if (index.passages.length < fewest) {
    throw new RangeError(
      `Cannot distil on these texts: found ${index.passages.length} passages, want ${fewest} at least, ` +
        `for ${heldOut} batches that are kept apart and one to learn from`,
    );
  }
  const root = RandomStream.fromSeed(seed);
  const lengths = index.passages.map(({ ids }) => ids.length);
  const kept = root.fork("held-out").permutation(lengths.length).slice(0, heldOut * batchSize);
  const isKept = new Set(kept);
  const training = lengths.keys().filter((i) => !isKept.has(i)).toArray();
  const make = (rows: readonly number[], stream: RandomStream): CoupleBatch =>
    batchCouples(
      rows.map((row, i) => makeCouple(index, row, lexicon, stream.fork(i))),
      specialIds,
    );
  let epoch = -1;
  let order: readonly (readonly number[])[] = [];
  const perEpoch = Math.floor(training.length / batchSize);
  return {
    heldOut: () =>
      Array.from(
        { length: heldOut },
        (_, i) =>
          make(
            kept.slice(i * batchSize, (i + 1) * batchSize),
            root.fork("held-out-couples").fork(i),
          ),
      ),
    /** The batch of a step, counted from 0. */
    at: (step: number) => {
      const own = Math.floor(step / perEpoch);
      if (own !== epoch) {
        epoch = own;
        order = epochOrder(
          training.map((row) => lengths[row]!),
          batchSize,
          root.fork("order").fork(epoch),
        );
      }
      const rows = order[step % perEpoch]!.map((i) => training[i]!);
      return make(rows, root.fork("couples").fork(step));
    },
  };
}

/** Checks that a pair of the longest texts, one of them edited, has positions for all its tokens. */
function checkPositions({ maxPositions }: BertConfig, { index }: DistilTexts): void {
  const longest = index.passages.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const wanted = 3 + 2 * longest + mostEdits(longest);
  if (maxPositions >= wanted) return;
  throw new RangeError(
    `Cannot distil into ${maxPositions} positions: want ${wanted} at least, for pairs of texts of ${longest} tokens`,
  );
}

/**
 * Starts a run, or continues it after `from.step` steps with the vectors that it had then.
 *
 * A continued run sees what an uninterrupted one would.
 *
 * @throws {RangeError} If the student's shape does not fit the teacher or the texts, or there are too few texts.
 */
export async function startDistillation(
  executor: Executor,
  { teacher, settings, texts }: {
    readonly teacher: CutTeacher;
    readonly settings: DistilSettings;
    readonly texts: DistilTexts;
  },
  from: { readonly step: number; readonly vectors: StudentVectors } | null,
): Promise<Distillation> {
  const config = studentConfig(teacher.config, settings.shape);
  checkPositions(config, texts);
  const root = RandomStream.fromSeed(settings.seed);
  const batches = batchMaker(texts, settings);
  const sample = Array.from({ length: settings.measured }, (_, i) => batches.at(i));
  const statistics = await measureTeacher(executor, teacher, sample);
  const { matrix: projection, share } = projectStates(
    statistics.moments,
    config.hidden,
    root.fork("turn"),
  );
  const norms = await fitNorms(executor, teacher, projection, sample);
  const targets = targetNorms(teacher.config.layers, config.layers);
  const layout = studentLayout(config);
  const fresh = (): StudentVectors => {
    const values = startFromTeacher({ teacher, statistics, projection, norms }, config);
    const specs = new Map(studentParameters(config).map((spec) => [spec.name, spec]));
    const zeros = () => new Float32Array(layout.size);
    return {
      theta: flatten(
        layout,
        ({ name }) => values.get(name) ?? drawParameter(specs.get(name)!, root.fork("heads")),
      ),
      m: zeros(),
      v: zeros(),
      c1: new Float32Array(1),
      c2: new Float32Array(1),
    };
  };
  const student = await Student.create(executor, {
    config,
    weights: settings.weights,
    optimiser: settings,
    variances: targets.map((name) => norms.get(name)!.variance),
  }, from?.vectors ?? fresh());
  const program = await loadTargets(executor, teacher, projection, targets);
  const names = [...targets.map((_, i) => targetName(i)), similarityName];

  /** Calls with a batch's targets, and frees them. */
  const withTargets = async <T>(
    batch: CoupleBatch,
    use: (targets: Readonly<Record<string, DeviceTensor>>) => Promise<T>,
  ): Promise<T> => {
    const request = batchRequest(batch, teacher.config.heads, program.inputs);
    const { kept } = await program.session.run({ ...request, keep: names });
    try {
      return await use(kept);
    } finally {
      for (const tensor of Object.values(kept)) executor.dispose(tensor);
    }
  };

  let done = from?.step ?? 0;
  return {
    config,
    keptShare: share,
    get step() {
      return done;
    },
    next: async () => {
      const started = performance.now();
      const batch = batches.at(done);
      const rate = distilRate(done, settings);
      const losses = await withTargets(batch, (own) => student.step(batch, own, rate));
      if (!Number.isFinite(losses.total)) {
        throw new RangeError(
          `Distillation diverged at step ${done + 1}: found loss ${losses.total}, ` +
            "want a finite one (lower learningRate)",
        );
      }
      done += 1;
      return {
        ...losses,
        step: done,
        tokens: batch.tokens,
        stepMillis: performance.now() - started,
      };
    },
    vectors: () => student.vectors(),
    heldOutLosses: async () => {
      const all: StudentLosses[] = [];
      for (const batch of batches.heldOut()) {
        all.push(await withTargets(batch, (own) => student.losses(batch, own)));
      }
      return meanLosses(all);
    },
  };
}

/** The means of losses. */
export function meanLosses(all: readonly StudentLosses[]): StudentLosses {
  const mean = (of: (losses: StudentLosses) => number) =>
    all.reduce((sum, losses) => sum + of(losses), 0) / all.length;
  return {
    states: all[0]!.states.map((_, i) => mean(({ states }) => states[i]!)),
    similarity: mean(({ similarity }) => similarity),
    edits: mean(({ edits }) => edits),
    total: mean(({ total }) => total),
  };
}
