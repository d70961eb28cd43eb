/**
 * A step of distillation as one program: the student's forward pass, its three losses, their gradient and AdamW.
 *
 * The states of every layer go to the teacher's projected ones (Romero et al., arXiv 1412.6550; all layers as in Jiao et al., arXiv
 * 1909.10351, section 3). From the mean of a pair's states the cosine of the teacher's vectors of its two texts is read off, so
 * that a pair is compared within the encoder. And from each token's last state whether an edit changed it.
 *
 * @module
 */
import type { DeviceTensor, Executor, Session } from "../../src/exec/executor.ts";
import {
  add,
  crossEntropy,
  gather,
  gemm,
  grad,
  type HostTensor,
  input,
  makeProgram,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  sub,
  type Tensor,
} from "../../src/graph/mod.ts";
import { bert, type BertConfig } from "../../src/models/bert.ts";
import { type ForwardContext, plainLinear } from "../../src/models/forward_context.ts";
import { linearParameters, type ParameterSpec } from "../../src/models/parameters.ts";
import { dims, encoderInputs } from "../../src/models/token_rows.ts";
import { decayMask, type Layout, makeLayout, viewsOf } from "../../src/train/slots.ts";
import {
  adamW,
  optimiserInputs,
  type OptimiserSettings,
  optimiserVectors,
} from "../../src/train/optimiser.ts";
import type { CoupleBatch } from "./couples.ts";
import { batchRequest, realRows, similarityName, targetName } from "./teacher_program.ts";

/** The state vectors on the host, by name (`theta`, `m`, `v`, `c1`, `c2`). */
export type StudentVectors = Readonly<Record<(typeof optimiserVectors)[number], Float32Array>>;

/** How the losses are weighed. */
export interface LossWeights {
  /** Of the states after each layer but the last. */
  readonly layer: number;
  /** Of the last states. */
  readonly last: number;
  /** Of the cosine of a couple. */
  readonly similarity: number;
  /** Of telling edited tokens. */
  readonly edits: number;
}

/** The losses of a batch. */
export interface StudentLosses {
  /** Squared error of the states after each layer, over the variance of the teacher's. */
  readonly states: readonly number[];
  /** Squared error of the cosines, over {@linkcode similarityVariance}. */
  readonly similarity: number;
  /** Nats a token. */
  readonly edits: number;
  /** All, weighed. */
  readonly total: number;
}

/** By what the squared error of cosines is divided: about their variance over couples. */
const similarityVariance = 0.1;

const similarityHead = "distil.similarity";
const editsHead = "distil.edits";

function headParameters({ hidden, initializerRange }: BertConfig): readonly ParameterSpec[] {
  return [
    ...linearParameters(similarityHead, [1, hidden], initializerRange),
    ...linearParameters(editsHead, [2, hidden], initializerRange),
  ];
}

/** The parameters that a student has while it learns: those of its encoder, then those of its two heads. */
export function studentParameters(config: BertConfig): readonly ParameterSpec[] {
  return [...bert.encoderParameters(config), ...headParameters(config)];
}

/** Where they lie in the flat vectors. */
export function studentLayout(config: BertConfig): Layout {
  return makeLayout(studentParameters(config));
}

/** The losses as scalars. */
interface LossTensors {
  readonly states: readonly Tensor[];
  readonly similarity: Tensor;
  readonly edits: Tensor;
}

function lossesOf(
  config: BertConfig,
  parameter: ForwardContext["parameter"],
  variances: readonly number[],
): LossTensors {
  const entered: Tensor[] = [];
  const context: ForwardContext = {
    parameter,
    linear: (layers, x) => plainLinear(parameter, layers, x),
    mask: () => null,
    entering: (layer, states) => {
      if (layer > 0) entered.push(states);
      return states;
    },
  };
  const inputs = encoderInputs(config.heads);
  const last = bert.encode(config, inputs, context, new Map(), "all");
  const real = realRows();
  const perToken = input("perToken", []);
  const states = [...entered, last].map((state, i) => {
    const target = input(targetName(i), [dims.tokens, config.hidden]);
    const difference = sub(state, target);
    const squares = reduceSum(mul(difference, difference), { axes: [1], keepDims: true });
    return mul(mul(reduceSum(gemm(real, squares)), 1 / variances[i]!), perToken);
  });
  const vectors = gather(gemm(inputs.pool, last), input("pair", ["couples"], "i32"));
  const head = (name: string, x: Tensor) =>
    gemm(x, parameter(`${name}.weight`), { transB: true, bias: parameter(`${name}.bias`) });
  const cosines = reshape(head(similarityHead, vectors), ["couples"]);
  const away = sub(cosines, input(similarityName, ["couples"]));
  const entropy = crossEntropy(head(editsHead, last), input("changed", [dims.tokens], "i32"));
  const judged = input("judged", [dims.tokens]);
  return {
    states,
    similarity: mul(reduceMean(mul(away, away)), 1 / similarityVariance),
    edits: mul(reduceSum(mul(entropy, judged)), input("perJudged", [])),
  };
}

/** A student that keeps its state on the device. */
export class Student {
  readonly #executor: Executor;
  readonly #sessions: { readonly step: Session; readonly losses: Session };
  readonly #inputs: readonly string[];
  readonly #heads: number;
  readonly #layers: number;
  #state: Record<string, DeviceTensor>;

  private constructor(
    executor: Executor,
    sessions: { readonly step: Session; readonly losses: Session },
    inputs: readonly string[],
    { heads, layers }: BertConfig,
    state: Record<string, DeviceTensor>,
  ) {
    this.#executor = executor;
    this.#sessions = sessions;
    this.#inputs = inputs;
    this.#heads = heads;
    this.#layers = layers;
    this.#state = state;
  }

  /**
   * Builds and loads the programs and uploads the state.
   *
   * @param variances Of the teacher's projected states after each layer.
   */
  static async create(
    executor: Executor,
    { config, weights, optimiser, variances }: {
      readonly config: BertConfig;
      readonly weights: LossWeights;
      readonly optimiser: OptimiserSettings;
      readonly variances: readonly number[];
    },
    vectors: StudentVectors,
  ): Promise<Student> {
    const layout = studentLayout(config);
    const state = optimiserInputs(layout.size, false);
    const views = viewsOf(layout, state.theta);
    const { states, similarity, edits } = lossesOf(config, (name) => views.get(name)!, variances);
    const parts = [
      ...states.map((loss, i) => mul(loss, i + 1 === states.length ? weights.last : weights.layer)),
      mul(similarity, weights.similarity),
      mul(edits, weights.edits),
    ];
    const total = parts.reduce((sum, part) => add(sum, part));
    const losses = {
      ...Object.fromEntries(states.map((loss, i) => [`states.${i}`, loss])),
      similarityLoss: similarity,
      edits,
      total,
    };
    const [gradient] = grad(total, [state.theta]);
    const update = adamW(state, gradient!, input("learningRate", []), optimiser, decayMask(layout));
    const next = optimiserVectors.map((name) => `${name}.next`);
    const program = makeProgram({
      ...Object.fromEntries(optimiserVectors.map((name) => [`${name}.next`, update.state[name]])),
      ...losses,
      gradientNorm: update.gradientNorm,
    });
    const measured = makeProgram(losses);
    const sessions = {
      step: await executor.load(program, { resident: next }),
      losses: await executor.load(measured),
    };
    const uploaded = Object.fromEntries(optimiserVectors.map((name) => {
      const host: HostTensor = { type: "f32", shape: [vectors[name].length], data: vectors[name] };
      return [name, executor.upload(host)];
    }));
    return new Student(executor, sessions, [...program.inputs.keys()], config, uploaded);
  }

  #request(batch: CoupleBatch, targets: Readonly<Record<string, DeviceTensor>>) {
    const { dims, feeds } = batchRequest(batch, this.#heads, this.#inputs);
    const judged = batch.judged.reduce((sum, value) => sum + value, 0);
    const scalar = (value: number): HostTensor => ({
      type: "f32",
      shape: [],
      data: Float32Array.of(value),
    });
    return {
      dims,
      feeds: {
        ...feeds,
        ...targets,
        perToken: scalar(1 / batch.tokens),
        perJudged: scalar(1 / judged),
      },
    };
  }

  #losses(read: Readonly<Record<string, HostTensor>>): StudentLosses {
    const number = (name: string) => Number(read[name]!.data[0]);
    return {
      states: Array.from({ length: this.#layers }, (_, i) => number(`states.${i}`)),
      similarity: number("similarityLoss"),
      edits: number("edits"),
      total: number("total"),
    };
  }

  get #names(): readonly string[] {
    const layers = Array.from({ length: this.#layers }, (_, i) => `states.${i}`);
    return [...layers, "similarityLoss", "edits", "total"];
  }

  /** One step. */
  async step(
    batch: CoupleBatch,
    targets: Readonly<Record<string, DeviceTensor>>,
    learningRate: number,
  ): Promise<StudentLosses & { readonly gradientNorm: number }> {
    const { dims, feeds } = this.#request(batch, targets);
    const rate: HostTensor = { type: "f32", shape: [], data: Float32Array.of(learningRate) };
    const result = await this.#sessions.step.run({
      feeds: { ...this.#state, ...feeds, learningRate: rate },
      dims,
      keep: optimiserVectors.map((name) => `${name}.next`),
      read: [...this.#names, "gradientNorm"],
    });
    for (const name of optimiserVectors) {
      this.#executor.dispose(this.#state[name]!);
      this.#state[name] = result.kept[`${name}.next`]!;
    }
    const gradientNorm = Number(result.read["gradientNorm"]!.data[0]);
    return { ...this.#losses(result.read), gradientNorm };
  }

  /** The losses of a batch, without a step. */
  async losses(
    batch: CoupleBatch,
    targets: Readonly<Record<string, DeviceTensor>>,
  ): Promise<StudentLosses> {
    const { dims, feeds } = this.#request(batch, targets);
    const { read } = await this.#sessions.losses.run({
      feeds: { theta: this.#state["theta"]!, ...feeds },
      dims,
      read: this.#names,
    });
    return this.#losses(read);
  }

  /** The state on the host. */
  async vectors(): Promise<StudentVectors> {
    const read = async (name: string) =>
      (await this.#executor.read(this.#state[name]!)).data as Float32Array;
    return {
      theta: await read("theta"),
      m: await read("m"),
      v: await read("v"),
      c1: await read("c1"),
      c2: await read("c2"),
    };
  }
}
