/**
 * What a run's programs are made from.
 *
 * @module
 */
import type { HostTensor } from "../graph/mod.ts";
import type { BoundMethod } from "../methods/method.ts";
import type { EncoderConfig } from "../models/architectures.ts";
import type { ModuleShape } from "../study/types.ts";
import type { TrainSettings } from "../study/schema/settings.ts";
import type { TaskOutput } from "../tasks/types.ts";

/** An encoder's shape and weights, by checkpoint name. */
export interface EncoderWeights {
  /** Shape by which the graph is built. */
  readonly config: EncoderConfig;
  /** Every parameter of the encoder, and pretrained ones of its head where it has such. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** What a run's programs are made from. */
export interface AssemblyRequest {
  /** Weights become constants of the programs unless they are trained or fed. */
  readonly encoder: EncoderWeights;
  /** Sets the head's outputs and the loss: cross entropy, or squared error. */
  readonly output: TaskOutput;
  /** Stages of the run; with more than one, the classes that the loss is over are fed, and rows may be longer. Default 1. */
  readonly stages?: number;
  /** Says what is trained and what is added to the encoder. */
  readonly method: BoundMethod;
  /** Adapted modules with their initial ranks; empty for methods without adapters. */
  readonly ranks: readonly { readonly module: ModuleShape; readonly rank: number }[];
  /** Rows a module has room for; default what the adapter says. */
  readonly capacityOf?: (module: ModuleShape, rank: number) => number;
  /**
   * Whether the weights of adapted layers are part of the programs or fed to each run. Default: fed for methods that merge into
   * them while training.
   */
  readonly weights?: "constant" | "fed";
  /** Settings that are built into the graph; learning rate and seed are fed instead. */
  readonly train: Pick<
    TrainSettings,
    "dropout" | "beta1" | "beta2" | "epsilon" | "weightDecay" | "clipNorm" | "regressionBias"
  >;
  /** Whether the head's learning rate is fed apart from that of all else. Default false. */
  readonly hasHeadRate?: boolean;
}
