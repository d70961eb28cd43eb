/**
 * Masked language modelling as one program: forward, loss, backward and AdamW over all parameters of the encoder.
 *
 * @module
 */
import type { RandomStream } from "../../src/base/random.ts";
import type { DeviceTensor, Executor, Session } from "../../src/exec/executor.ts";
import {
  crossEntropy,
  type DimBindings,
  grad,
  type HostTensor,
  input,
  makeProgram,
  reduceMean,
} from "../../src/graph/mod.ts";
import {
  bert,
  type BertConfig,
  maskedModelHead,
  maskedModelHeadParameters,
} from "../../src/models/bert.ts";
import { type ForwardContext, plainLinear } from "../../src/models/forward_context.ts";
import { drawParameter } from "../../src/models/parameters.ts";
import { encoderInputs, tokenFeeds, tokenRows } from "../../src/models/token_rows.ts";
import { decayMask, flatten, type Layout, makeLayout, viewsOf } from "../../src/train/slots.ts";
import {
  adamW,
  optimiserInputs,
  type OptimiserSettings,
  optimiserVectors,
} from "../../src/train/optimiser.ts";
import type { MaskedBatch } from "./masked_batches.ts";

/** The state vectors on the host, by name (`theta`, `m`, `v`, `c1`, `c2`). */
export type PretrainingVectors = Readonly<Record<(typeof optimiserVectors)[number], Float32Array>>;

/** The layout of everything that pretraining trains. */
export function pretrainingLayout(config: BertConfig): Layout {
  return makeLayout([...bert.encoderParameters(config), ...maskedModelHeadParameters(config)]);
}

/** Fresh state. */
export function initialVectors(config: BertConfig, stream: RandomStream): PretrainingVectors {
  const layout = pretrainingLayout(config);
  const specs = new Map(
    [...bert.encoderParameters(config), ...maskedModelHeadParameters(config)].map((
      spec,
    ) => [spec.name, spec]),
  );
  const zeros = () => new Float32Array(layout.size);
  return {
    theta: flatten(layout, ({ name }) => drawParameter(specs.get(name)!, stream)),
    m: zeros(),
    v: zeros(),
    c1: new Float32Array(1),
    c2: new Float32Array(1),
  };
}

/** What a batch is to a program. */
interface BatchFeeds {
  readonly dims: DimBindings;
  readonly feeds: Readonly<Record<string, HostTensor>>;
}

/**
 * Sizes and tensors of a batch.
 *
 * @param names The program's inputs.
 * @param heads The encoder's heads.
 */
function batchFeeds(batch: MaskedBatch, names: Iterable<string>, heads: number): BatchFeeds {
  const rows = tokenRows(batch);
  return {
    dims: {
      batch: batch.size,
      seq: batch.length,
      tokens: rows.count,
      masked: batch.chosen.length,
    },
    feeds: {
      ...tokenFeeds(batch, { heads, pooling: "first", paddingPosition: null }, names),
      chosen: {
        type: "i32",
        shape: [batch.chosen.length],
        data: batch.chosen.map((place) => rows.rowOf[place]!),
      },
      labels: { type: "i32", shape: [batch.labels.length], data: batch.labels },
    },
  };
}

/** A pretraining step that keeps its state on the device. */
export class MaskedModelTrainer {
  readonly #executor: Executor;
  readonly #session: Session;
  readonly #lossSession: Session;
  readonly #batchFeeds: (batch: MaskedBatch) => BatchFeeds;
  #state: Record<string, DeviceTensor>;

  private constructor(
    executor: Executor,
    sessions: { readonly step: Session; readonly loss: Session },
    state: Record<string, DeviceTensor>,
    batchFeeds: (batch: MaskedBatch) => BatchFeeds,
  ) {
    this.#executor = executor;
    this.#session = sessions.step;
    this.#lossSession = sessions.loss;
    this.#state = state;
    this.#batchFeeds = batchFeeds;
  }

  /** Builds and loads the program and uploads the state. */
  static async create(
    executor: Executor,
    config: BertConfig,
    optimiser: OptimiserSettings,
    vectors: PretrainingVectors,
  ): Promise<MaskedModelTrainer> {
    const layout = pretrainingLayout(config);
    const state = optimiserInputs(layout.size, false);
    const views = viewsOf(layout, state.theta);
    const parameter = (name: string) => views.get(name)!;
    const context: ForwardContext = {
      parameter,
      linear: (layers, x) => plainLinear(parameter, layers, x),
      mask: () => null,
    };
    const hidden = bert.encode(config, encoderInputs(config.heads), context, new Map(), "all");
    const logits = maskedModelHead(config, hidden, input("chosen", ["masked"], "i32"), context);
    const loss = reduceMean(crossEntropy(logits, input("labels", ["masked"], "i32")));
    const [gradient] = grad(loss, [state.theta]);
    const update = adamW(state, gradient!, input("learningRate", []), optimiser, decayMask(layout));
    const program = makeProgram({
      ...Object.fromEntries(optimiserVectors.map((name) => [`${name}.next`, update.state[name]])),
      loss,
      gradientNorm: update.gradientNorm,
    });
    const session = await executor.load(program, {
      resident: optimiserVectors.map((name) => `${name}.next`),
    });
    const uploaded = Object.fromEntries(optimiserVectors.map((name) => {
      const host: HostTensor = { type: "f32", shape: [vectors[name].length], data: vectors[name] };
      return [name, executor.upload(host)];
    }));
    const lossSession = await executor.load(makeProgram({ loss }));
    return new MaskedModelTrainer(
      executor,
      { step: session, loss: lossSession },
      uploaded,
      (batch) => batchFeeds(batch, program.inputs.keys(), config.heads),
    );
  }

  /** One step; returns the mean loss over the hidden tokens and the gradient's norm. */
  async step(
    batch: MaskedBatch,
    learningRate: number,
  ): Promise<{ readonly loss: number; readonly gradientNorm: number }> {
    const { dims, feeds } = this.#batchFeeds(batch);
    const result = await this.#session.run({
      feeds: {
        ...this.#state,
        ...feeds,
        learningRate: { type: "f32", shape: [], data: Float32Array.of(learningRate) },
      },
      dims,
      keep: optimiserVectors.map((name) => `${name}.next`),
      read: ["loss", "gradientNorm"],
    });
    for (const name of optimiserVectors) {
      this.#executor.dispose(this.#state[name]!);
      this.#state[name] = result.kept[`${name}.next`]!;
    }
    return {
      loss: Number(result.read["loss"]!.data[0]),
      gradientNorm: Number(result.read["gradientNorm"]!.data[0]),
    };
  }

  /** The mean loss over a batch's hidden tokens, without a step. */
  async loss(batch: MaskedBatch): Promise<number> {
    const { dims, feeds } = this.#batchFeeds(batch);
    const { read } = await this.#lossSession.run({
      feeds: { theta: this.#state["theta"]!, ...feeds },
      dims,
      read: ["loss"],
    });
    return Number(read["loss"]!.data[0]);
  }

  /** The state on the host. */
  async vectors(): Promise<PretrainingVectors> {
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
