/**
 * What a teacher's forward pass gives: its states by name, statistics of them, and the targets that a student learns from.
 *
 * @module
 */
import type { Executor, RunRequest, Session } from "../../src/exec/executor.ts";
import {
  add,
  constant,
  div,
  gather,
  gemm,
  type HostTensor,
  hostVector,
  input,
  layerNorm,
  makeProgram,
  mul,
  type Program,
  reduceSum,
  reshape,
  sqrt,
  sub,
  type Tensor,
} from "../../src/graph/mod.ts";
import { bert } from "../../src/models/bert.ts";
import { frozenContext } from "../../src/models/forward_context.ts";
import {
  dims,
  type EncoderInputs,
  encoderInputs,
  realRowsName,
  tokenFeeds,
  tokenRows,
} from "../../src/models/token_rows.ts";
import type { CoupleBatch } from "./couples.ts";
import type { Teacher } from "./teacher.ts";

/** A teacher whose vocabulary was cut. */
export type CutTeacher = Pick<Teacher, "config" | "tensors">;

/** The states after the embeddings and after the norms of a layer, by their norms' names. */
export type NormName = string;

/** The norm whose output enters the first layer. */
export const embeddingsNorm: NormName = "embeddings.LayerNorm";

/** The norm after a layer's attention. */
export function attentionNorm(layer: number): NormName {
  return `encoder.layer.${layer}.attention.output.LayerNorm`;
}

/** The norm at the end of a layer. */
export function outputNorm(layer: number): NormName {
  return `encoder.layer.${layer}.output.LayerNorm`;
}

/** The forward pass of a teacher. */
interface TeacherPass {
  readonly inputs: EncoderInputs;
  /** The outputs of all norms, `[tokens, hidden]`. */
  readonly states: ReadonlyMap<NormName, Tensor>;
  /** What the two linear layers take that add to the states, by their paths: `[tokens, in]`. */
  readonly taken: ReadonlyMap<string, Tensor>;
  readonly last: Tensor;
}

function teacherPass({ config, tensors }: CutTeacher): TeacherPass {
  const inputs = encoderInputs(config.heads);
  const states = new Map<NormName, Tensor>();
  const taken = new Map<string, Tensor>();
  const context = frozenContext(tensors, {
    entering: (layer, entered) => {
      states.set(layer === 0 ? embeddingsNorm : outputNorm(layer - 1), entered);
      return entered;
    },
    product: ([first], x) => {
      const [, layer, part] = /^encoder\.layer\.(\d+)\.(.*)$/.exec(first!.path) ?? [];
      if (part === "intermediate.dense") states.set(attentionNorm(Number(layer)), x);
      if (part === "attention.output.dense" || part === "output.dense") taken.set(first!.path, x);
    },
  });
  const last = bert.encode(config, inputs, context, new Map(), "all");
  states.set(outputNorm(config.layers - 1), last);
  return { inputs, states, taken, last };
}

/** 1 for rows of tokens and 0 for that of padding, `[1, tokens]`. */
export function realRows(): Tensor {
  return input(realRowsName, [1, dims.tokens]);
}

/** Sizes and tensors of a batch, for a program's inputs. */
export function batchRequest(
  batch: CoupleBatch,
  heads: number,
  names: Iterable<string>,
): Pick<RunRequest, "dims"> & { readonly feeds: Readonly<Record<string, HostTensor>> } {
  const { couples, size, length } = batch;
  const rows = tokenRows(batch);
  const of = (block: number): HostTensor => ({
    type: "i32",
    shape: [couples],
    data: Int32Array.from({ length: couples }, (_, i) => block * couples + i),
  });
  const wanted = new Set(names);
  const own: Readonly<Record<string, () => HostTensor>> = {
    first: () => of(0),
    second: () => of(1),
    pair: () => of(2),
    changed: () => ({
      type: "i32",
      shape: [rows.count],
      data: rows.placeOf.map((place) => batch.changed[place]!),
    }),
    judged: () => ({
      type: "f32",
      shape: [rows.count],
      data: Float32Array.from(rows.placeOf, (place) => batch.judged[place]!),
    }),
  };
  const layout = { heads, pooling: "mean", paddingPosition: null } as const;
  const known = [...wanted].filter((name) => own[name] === undefined);
  return {
    dims: { batch: size, seq: length, tokens: rows.count, couples },
    feeds: {
      ...tokenFeeds(batch, layout, known),
      ...Object.fromEntries(
        [...wanted].flatMap((name) => own[name] === undefined ? [] : [[name, own[name]()]]),
      ),
    },
  };
}

/** Runs a program on batches and adds up what it gives, in double precision. */
async function summed(
  executor: Executor,
  program: Program,
  batches: readonly CoupleBatch[],
  heads: number,
): Promise<ReadonlyMap<string, Float64Array>> {
  const session = await executor.load(program);
  const read = [...program.outputs.keys()];
  const sums = new Map<string, Float64Array>();
  for (const batch of batches) {
    const result = await session.run({
      ...batchRequest(batch, heads, program.inputs.keys()),
      read,
    });
    for (const name of read) {
      const { data } = result.read[name]!;
      const sum = sums.get(name) ?? new Float64Array(data.length);
      for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + Number(data[i]);
      sums.set(name, sum);
    }
  }
  await session.release();
  return sums;
}

/** Sums over tokens of what a teacher computes. */
export interface TeacherStatistics {
  /** Σ h hᵀ of the outputs of all norms together, `[hidden, hidden]`. */
  readonly moments: Float64Array;
  /** Σ x² of each number that a linear layer takes, by the layer's path. */
  readonly squares: ReadonlyMap<string, Float64Array>;
}

/** Measures a teacher on batches. */
export async function measureTeacher(
  executor: Executor,
  teacher: CutTeacher,
  batches: readonly CoupleBatch[],
): Promise<TeacherStatistics> {
  const { states, taken } = teacherPass(teacher);
  const real = realRows();
  const column = reshape(real, [dims.tokens, 1]);
  const moments = states.values()
    .map((state) => gemm(mul(state, column), state, { transA: true }))
    .reduce((sum, moment) => add(sum, moment));
  const program = makeProgram({
    moments,
    ...Object.fromEntries(
      taken.entries().map(([path, x]) => [path, gemm(real, mul(x, x))]),
    ),
  });
  const sums = await summed(executor, program, batches, teacher.config.heads);
  return {
    moments: sums.get("moments")!,
    squares: new Map([...sums].filter(([name]) => name !== "moments")),
  };
}

/** A norm of a student, fitted to a teacher's: gain and offset, `[width]`, and the variance of what it should give. */
export interface FittedNorm {
  readonly gain: Float32Array;
  readonly offset: Float32Array;
  /** Summed over the numbers of a state. */
  readonly variance: number;
}

/**
 * Fits the norms of a student by least squares: for each number of its state, gain and offset that bring the normalised projection
 * of what the teacher's norm normalises nearest to the projection of what that norm gives.
 *
 * A norm's own gain and offset are undone for that, so what it normalised is known but for its mean and scale, which norms do not
 * depend on.
 *
 * @param projection `[hidden, width]`.
 */
export async function fitNorms(
  executor: Executor,
  teacher: CutTeacher,
  projection: HostTensor,
  batches: readonly CoupleBatch[],
): Promise<ReadonlyMap<NormName, FittedNorm>> {
  const { states } = teacherPass(teacher);
  const width = projection.shape[1]!;
  const onto = constant(projection, "projection");
  const ones = constant(hostVector(new Float32Array(width).fill(1)), "ones");
  const zeros = constant(hostVector(new Float32Array(width)), "zeros");
  const real = realRows();
  const outputs: Record<string, Tensor> = { count: reduceSum(real) };
  for (const [name, state] of states) {
    const [gain, offset] = ["weight", "bias"].map((part) =>
      constant(teacher.tensors.get(`${name}.${part}`)!, `${name}.${part}`)
    );
    const before = div(sub(state, offset!), gain!);
    const x = layerNorm(gemm(before, onto), ones, zeros, teacher.config.layerNormEpsilon);
    const y = gemm(state, onto);
    const products = { x, y, xx: mul(x, x), xy: mul(x, y), yy: mul(y, y) };
    for (const [key, product] of Object.entries(products)) {
      outputs[`${name}/${key}`] = gemm(real, product);
    }
  }
  const sums = await summed(executor, makeProgram(outputs), batches, teacher.config.heads);
  const count = sums.get("count")![0]!;
  return new Map(
    states.keys().map((name): [NormName, FittedNorm] => {
      const mean = (key: string, i: number) => sums.get(`${name}/${key}`)![i]! / count;
      const gain = new Float32Array(width);
      const offset = new Float32Array(width);
      let variance = 0;
      for (let i = 0; i < width; i++) {
        const [x, y] = [mean("x", i), mean("y", i)];
        const slope = (mean("xy", i) - x * y) / (mean("xx", i) - x * x);
        gain[i] = slope;
        offset[i] = y - slope * x;
        variance += mean("yy", i) - y * y;
      }
      return [name, { gain, offset, variance }];
    }),
  );
}

/** Gives a student its targets. */
export interface TargetProgram {
  readonly session: Session;
  readonly inputs: readonly string[];
}

/** Names of the outputs of {@linkcode loadTargets}. */
export function targetName(index: number): string {
  return `target.${index}`;
}

/** The cosine of the teacher's mean states of a couple's two texts. */
export const similarityName = "similarity";

/**
 * Loads the program of the targets, which stay on the device: `target.0`, … `[tokens, width]`, the projected states after the
 * given norms, and `similarity`, `[couples]`.
 */
export async function loadTargets(
  executor: Executor,
  teacher: CutTeacher,
  projection: HostTensor,
  norms: readonly NormName[],
): Promise<TargetProgram> {
  const { inputs, states, last } = teacherPass(teacher);
  const onto = constant(projection, "projection");
  const vectors = gemm(inputs.pool, last);
  const of = (name: string) => gather(vectors, input(name, ["couples"], "i32"));
  const [first, second] = [of("first"), of("second")];
  const along = (a: Tensor, b: Tensor) => reduceSum(mul(a, b), { axes: [1] });
  const lengths = sqrt(mul(along(first, first), along(second, second)));
  const outputs = {
    ...Object.fromEntries(
      norms.map((name, i) => [targetName(i), gemm(states.get(name)!, onto)]),
    ),
    [similarityName]: div(along(first, second), lengths),
  };
  const program = makeProgram(outputs);
  const session = await executor.load(program, { resident: Object.keys(outputs) });
  return { session, inputs: [...program.inputs.keys()] };
}
