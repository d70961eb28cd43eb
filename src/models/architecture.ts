/**
 * What one family of encoders is: the interface that `architectures.ts` has a table of.
 *
 * @module
 */
import type { Tensor } from "../graph/mod.ts";
import type { ModulePart } from "../study/schema/settings.ts";
import type { ModuleShape } from "../study/types.ts";
import type { EncoderShape } from "./config.ts";
import type { ForwardContext, WantedStates } from "./forward_context.ts";
import type { ParameterSpec } from "./parameters.ts";
import type { EncoderInputs } from "./token_rows.ts";

/** A family of encoders; `C` is its config. */
export interface Architecture<C extends EncoderShape> {
  /** The `architecture` of its configs. */
  readonly name: C["architecture"];
  /** The values of `model_type` in a `config.json` that mean it. */
  readonly modelTypes: readonly string[];
  /** How texts for people call it. */
  readonly title: string;
  /** The paper, and the upstream file that heads and names follow. */
  readonly source: string;

  /**
   * Reads a config.
   *
   * @param json Contents of a `config.json` with one of the `modelTypes`.
   * @param fileName Its name, for messages.
   *
   * @throws {TypeError} If a key is missing or wrong, or asks for a variant that cannot be built.
   */
  parseConfig(json: unknown, fileName: string): C;

  /** The parameters of the encoder proper, in the order of the forward pass. */
  encoderParameters(config: C): readonly ParameterSpec[];

  /**
   * The parameters of a task head, as the family's `…ForSequenceClassification` in transformers has them; the last two
   * are weight and bias of the layer that gives the outputs.
   */
  headParameters(config: C, outputs: number): readonly ParameterSpec[];

  /** Those head parameters that a pretrained checkpoint may bring, all or none of them: BERT's pooler. */
  pretrainedHead(config: C): readonly ParameterSpec[];

  /** The name of a stored tensor as the parameters have it: prefixes stripped, old names renewed. */
  parameterName(stored: string): string;

  /** The name of a target linear layer's parameters, but for `.weight` and `.bias`. */
  modulePath(layer: number, part: ModulePart): string;

  /**
   * The hidden states of the last layer.
   *
   * Where only first tokens are wanted, the last layer computes keys and values of all tokens and the rest for those alone.
   *
   * @param modules The target modules, by name; a linear layer that is not among them is not adapted.
   * @returns `[tokens, hidden]`, or `[batch, hidden]`.
   */
  encode(
    config: C,
    inputs: EncoderInputs,
    context: ForwardContext,
    modules: ReadonlyMap<string, ModuleShape>,
    wanted: WantedStates,
  ): Tensor;

  /**
   * Logits (or the score) of the task head.
   *
   * @param states What `encode` gives for {@linkcode wantedStates}.
   * @returns `[batch, outputs]`.
   */
  taskHead(config: C, states: Tensor, inputs: EncoderInputs, context: ForwardContext): Tensor;
}
