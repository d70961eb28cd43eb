/**
 * The parameters of an encoder and of its heads: names (those of Hugging Face checkpoints), shapes, initial values.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";
import type { HostTensor } from "../graph/mod.ts";
import type { EncoderConfig } from "./config.ts";

/** How a parameter starts where no checkpoint gives it. */
export type Initial =
  | { readonly type: "normal"; readonly deviation: number }
  | { readonly type: "uniform"; readonly bound: number }
  | { readonly type: "constant"; readonly value: number };

/** One parameter of a network. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: Initial;
  /** Whether weight decay applies: false for biases and norms. */
  readonly decay: boolean;
}

function weight(name: string, shape: readonly number[], deviation: number): ParameterSpec {
  return { name, shape, initial: { type: "normal", deviation }, decay: true };
}

function filled(name: string, size: number, value: number): ParameterSpec {
  return { name, shape: [size], initial: { type: "constant", value }, decay: false };
}

/** The parameters of the encoder proper, in the order of the forward pass. */
export function encoderParameters(config: EncoderConfig): readonly ParameterSpec[] {
  const { hidden, intermediate, initializerRange: deviation } = config;
  const linear = (name: string, out: number, from: number) => [
    weight(`${name}.weight`, [out, from], deviation),
    filled(`${name}.bias`, out, 0),
  ];
  const norm = (name: string) => [
    filled(`${name}.weight`, hidden, 1),
    filled(`${name}.bias`, hidden, 0),
  ];
  const layer = (prefix: string) => [
    ...linear(`${prefix}.attention.self.query`, hidden, hidden),
    ...linear(`${prefix}.attention.self.key`, hidden, hidden),
    ...linear(`${prefix}.attention.self.value`, hidden, hidden),
    ...linear(`${prefix}.attention.output.dense`, hidden, hidden),
    ...norm(`${prefix}.attention.output.LayerNorm`),
    ...linear(`${prefix}.intermediate.dense`, intermediate, hidden),
    ...linear(`${prefix}.output.dense`, hidden, intermediate),
    ...norm(`${prefix}.output.LayerNorm`),
  ];
  return [
    weight("embeddings.word_embeddings.weight", [config.vocabulary, hidden], deviation),
    weight("embeddings.position_embeddings.weight", [config.maxPositions, hidden], deviation),
    weight("embeddings.token_type_embeddings.weight", [config.tokenTypes, hidden], deviation),
    ...norm("embeddings.LayerNorm"),
    ...Array.from({ length: config.layers }, (_, i) => layer(`encoder.layer.${i}`)).flat(),
  ];
}

/** The parameters of the dense layer between the pooled vector and the classifier. */
export function poolerParameters(config: EncoderConfig): readonly ParameterSpec[] {
  const { hidden, initializerRange } = config;
  return [
    weight("pooler.dense.weight", [hidden, hidden], initializerRange),
    filled("pooler.dense.bias", hidden, 0),
  ];
}

/** The parameters of a task head with `outputs` outputs: the pooler, where the config has one, and the classifier. */
export function headParameters(config: EncoderConfig, outputs: number): readonly ParameterSpec[] {
  const { hidden, initializerRange } = config;
  return [
    ...(config.pooler ? poolerParameters(config) : []),
    weight("classifier.weight", [outputs, hidden], initializerRange),
    filled("classifier.bias", outputs, 0),
  ];
}

/** The parameters of the head for masked language modelling; its output matrix is the word embedding. */
export function maskedModelHeadParameters(config: EncoderConfig): readonly ParameterSpec[] {
  const { hidden, initializerRange } = config;
  return [
    weight("cls.predictions.transform.dense.weight", [hidden, hidden], initializerRange),
    filled("cls.predictions.transform.dense.bias", hidden, 0),
    filled("cls.predictions.transform.LayerNorm.weight", hidden, 1),
    filled("cls.predictions.transform.LayerNorm.bias", hidden, 0),
    filled("cls.predictions.bias", config.vocabulary, 0),
  ];
}

/** Numbers in a shape. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Fresh values of a parameter, drawn from the stream forked under its name. */
export function drawParameter(spec: ParameterSpec, stream: RandomStream): Float32Array {
  const count = countOf(spec.shape);
  const { initial } = spec;
  if (initial.type === "constant") return new Float32Array(count).fill(initial.value);
  const own = stream.fork(spec.name);
  if (initial.type === "normal") return Float32Array.from(own.normals(count, initial.deviation));
  return Float32Array.from({ length: count }, () => (2 * own.next() - 1) * initial.bound);
}

/** Fresh values of many parameters by name. */
export function drawParameters(
  specs: readonly ParameterSpec[],
  stream: RandomStream,
): ReadonlyMap<string, HostTensor> {
  return new Map(specs.map((spec) => [
    spec.name,
    { type: "f32", shape: spec.shape, data: drawParameter(spec, stream) },
  ]));
}
