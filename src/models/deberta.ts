/**
 * DeBERTa v2 and v3 (He et al., arXiv 2006.03654 and 2111.09543): BERT's layers with disentangled attention. Heads and
 * names follow `modeling_deberta_v2.py` of transformers.
 *
 * What differs from that file: embeddings of padding are not set to zero, since what stands in padding reaches neither other
 * tokens nor the loss. Dropout rates are those of the study, as for all families, and there is none before the pooler
 * (`pooler_dropout` is 0 in the released models). Dropout of adapters draws a mask for each distance, where upstream draws
 * one for each bucket.
 *
 * @module
 */
import * as z from "zod";
import { shown } from "../base/input_error.ts";
import { add, gather, gelu, mul, reshape, type Tensor, withScope } from "../graph/mod.ts";
import type { ModulePart } from "../study/schema/settings.ts";
import type { Architecture } from "./architecture.ts";
import type { Projection } from "./attention.ts";
import {
  bertShape,
  columnCount,
  commonKeys,
  type EncoderShape,
  knownValue,
  layerCount,
  mostOf,
  readKeys,
  rowCount,
  variantError,
} from "./config.ts";
import { disentangledAttention } from "./deberta_attention.ts";
import { positionSpan, type RelativePositions } from "./deberta_positions.ts";
import { dense, drop, type ForwardContext, headLayer, norm, pooled } from "./forward_context.ts";
import {
  checkpointName,
  linearParameters,
  matrix,
  normParameters,
  type ParameterSpec,
} from "./parameters.ts";
import {
  attentionOf,
  encodeLayers,
  layerParameters,
  type LayerStyle,
  linear,
  lookup,
  type Mixing,
  type Pass,
  weightsMask,
} from "./post_norm.ts";
import { dims, type EncoderInputs } from "./token_rows.ts";

/** A term that relative positions add to the scores: content to position, or position to content. */
export type PositionTermName = "c2p" | "p2c";

/** The shape of a DeBERTa encoder. */
export interface DebertaConfig extends EncoderShape {
  /** Tag of this family in {@linkcode EncoderConfig}. */
  readonly architecture: "deberta";
  /** How distances between tokens are mapped to rows of the position table. */
  readonly relative: RelativePositions;
  /** Terms added to content-to-content attention: content to position (`c2p`), position to content (`p2c`). */
  readonly positionTerms: readonly PositionTermName[];
  /** Whether positions pass through the layer's query and key layers, adapters included, or through layers of their own. */
  readonly positionProjection: "shared" | "own";
  /** Whether the position table is normalised. */
  readonly positionNorm: "layer_norm" | "none";
  /** Whether absolute positions are added to the words. */
  readonly absolutePositions: boolean;
}

const fileSchema = z.object({
  ...commonKeys,
  num_hidden_layers: layerCount,
  hidden_size: columnCount,
  num_attention_heads: columnCount,
  intermediate_size: columnCount,
  max_position_embeddings: rowCount.default(512),
  type_vocab_size: z.int().nonnegative().max(mostOf.columns).default(0),
  layer_norm_eps: z.number().positive().default(1e-7),
  hidden_act: z.string().default("gelu"),
  relative_attention: z.boolean().default(false),
  max_relative_positions: z.int().max(mostOf.rows).default(-1),
  position_buckets: z.int().max(mostOf.rows).default(-1),
  pos_att_type: z.union([z.string(), z.array(z.string())]).nullish(),
  norm_rel_ebd: z.string().default("none"),
  share_att_key: z.boolean().default(false),
  position_biased_input: z.boolean().default(true),
  conv_kernel_size: z.int().default(0),
  embedding_size: columnCount.optional(),
  attention_head_size: columnCount.optional(),
  pooler_hidden_size: columnCount.optional(),
  pooler_hidden_act: z.string().default("gelu"),
});

type File = z.infer<typeof fileSchema>;

function listed(value: string | readonly string[] | null | undefined): readonly string[] {
  const parts = typeof value === "string" ? value.split("|") : value ?? [];
  return parts.map((part) => part.trim().toLowerCase()).filter((part) => part !== "");
}

/** Refuses the variants that cannot be built. */
function checkVariant(file: File, fileName: string): void {
  const { hidden_size: hidden } = file;
  const wanted: readonly (readonly [keyof File, unknown, unknown])[] = [
    ["relative_attention", file.relative_attention, true],
    ["conv_kernel_size", file.conv_kernel_size, 0],
    ["embedding_size", file.embedding_size ?? hidden, hidden],
    ["pooler_hidden_size", file.pooler_hidden_size ?? hidden, hidden],
    ["pooler_hidden_act", file.pooler_hidden_act, "gelu"],
    [
      "attention_head_size",
      file.attention_head_size ?? hidden / file.num_attention_heads,
      hidden / file.num_attention_heads,
    ],
  ];
  for (const [key, found, known] of wanted) {
    if (found === known) continue;
    const [said, wanted] = [shown(JSON.stringify(found)), JSON.stringify(known)];
    throw variantError(
      fileName,
      { key, found: said, wanted },
      `${key} is ${said}, known is ${wanted} (as in DeBERTa v3 small, base and large)`,
    );
  }
}

function positionTermsOf(file: File, fileName: string): readonly PositionTermName[] {
  const names = listed(file.pos_att_type);
  if (names.length === 0) {
    throw variantError(
      fileName,
      { key: "pos_att_type", found: "nothing", wanted: '"c2p", "p2c" or both' },
      `pos_att_type is empty, known are "c2p", "p2c" and both`,
    );
  }
  const known = { c2p: "c2p", p2c: "p2c" } as const;
  const found = names.map((name) => knownValue("pos_att_type", name, known, fileName));
  return (["c2p", "p2c"] as const).filter((name) => found.includes(name));
}

function relativeOf(file: File, fileName: string): RelativePositions {
  const maxDistance = file.max_relative_positions < 1
    ? file.max_position_embeddings
    : file.max_relative_positions;
  const buckets = Math.max(file.position_buckets, 0);
  if (buckets === 1 || (buckets > 0 && maxDistance - 1 <= Math.floor(buckets / 2))) {
    const wanted = `at least 2 buckets and more than ${Math.floor(buckets / 2) + 1} positions ` +
      `(max_relative_positions), or position_buckets -1 for none`;
    throw variantError(
      fileName,
      { key: "position_buckets", found: String(buckets), wanted },
      `position_buckets ${buckets} with ${maxDistance} relative positions, want ${wanted}`,
    );
  }
  return { buckets, maxDistance };
}

function positionNormOf(file: File, fileName: string): DebertaConfig["positionNorm"] {
  const known = { layer_norm: "layer_norm", none: "none" } as const;
  const found = listed(file.norm_rel_ebd).map((name) =>
    knownValue("norm_rel_ebd", name, known, fileName)
  );
  return found.includes("layer_norm") ? "layer_norm" : "none";
}

function parseConfig(json: unknown, fileName: string): DebertaConfig {
  const file = readKeys(fileSchema, json, fileName);
  const shape = bertShape(file, fileName);
  checkVariant(file, fileName);
  return {
    architecture: "deberta",
    ...shape,
    tokenizerClass: file.tokenizer_class ?? "DebertaV2Tokenizer",
    paddingPosition: null,
    pooling: "first",
    pooler: false,
    relative: relativeOf(file, fileName),
    positionTerms: positionTermsOf(file, fileName),
    positionProjection: file.share_att_key ? "shared" : "own",
    positionNorm: positionNormOf(file, fileName),
    absolutePositions: file.position_biased_input,
  };
}

const names: Readonly<Record<ModulePart, string>> = {
  query: "attention.self.query_proj",
  key: "attention.self.key_proj",
  value: "attention.self.value_proj",
  attention_output: "attention.output.dense",
  intermediate: "intermediate.dense",
  output: "output.dense",
};

const style: LayerStyle = {
  modulePath: (layer, part) => `encoder.layer.${layer}.${names[part]}`,
  attentionNorm: (layer) => `encoder.layer.${layer}.attention.output.LayerNorm`,
  outputNorm: (layer) => `encoder.layer.${layer}.output.LayerNorm`,
  attentionOutputDropout: "hidden",
};

/** The part whose projection of positions a term needs, and the layer that projects where it is not the layer's own. */
const projections = {
  c2p: { part: "key", own: "pos_key_proj" },
  p2c: { part: "query", own: "pos_query_proj" },
} as const;

function ownProjection(layer: number, term: PositionTermName): string {
  return `encoder.layer.${layer}.attention.self.${projections[term].own}`;
}

const tableName = "encoder.rel_embeddings.weight";
const tableNorm = "encoder.LayerNorm";

function encoderParameters(config: DebertaConfig): readonly ParameterSpec[] {
  const { hidden, initializerRange: deviation } = config;
  const table = (name: string, rows: number) =>
    rows === 0 ? [] : [matrix(`embeddings.${name}_embeddings.weight`, [rows, hidden], deviation)];
  const own = config.positionProjection === "shared" ? [] : config.positionTerms;
  return [
    ...table("word", config.vocabulary),
    ...table("position", config.absolutePositions ? config.maxPositions : 0),
    ...table("token_type", config.tokenTypes),
    ...normParameters("embeddings.LayerNorm", hidden),
    matrix(tableName, [2 * positionSpan(config.relative), hidden], deviation),
    ...(config.positionNorm === "none" ? [] : normParameters(tableNorm, hidden)),
    ...layerParameters(config, style),
    ...Array.from(
      { length: config.layers },
      (_, layer) =>
        own.flatMap((term) =>
          linearParameters(ownProjection(layer, term), [hidden, hidden], deviation)
        ),
    ).flat(),
  ];
}

function poolerParameters({ hidden, initializerRange }: DebertaConfig): readonly ParameterSpec[] {
  return linearParameters("pooler.dense", [hidden, hidden], initializerRange);
}

function embed(config: DebertaConfig, inputs: EncoderInputs, context: ForwardContext): Tensor {
  return withScope("embeddings", () => {
    const table = (name: string, indices: Tensor, fixed: number | null = null) =>
      lookup(context.parameter(`embeddings.${name}_embeddings.weight`), indices, fixed);
    const terms = [
      table("word", inputs.ids, config.paddingId),
      ...(config.absolutePositions ? [table("position", inputs.positions)] : []),
      ...(config.tokenTypes > 0 ? [table("token_type", inputs.types)] : []),
    ];
    const site = {
      name: "embeddings",
      kind: "hidden",
      rows: dims.tokens,
      columns: config.hidden,
    } as const;
    const sum = terms.reduce((total, term) => add(total, term));
    return drop(context, site, norm(context, config, "embeddings.LayerNorm", sum));
  });
}

/** The position table in the order of distances: all of them, `[2*seq, hidden]`, or the first token's, `[seq, hidden]`. */
interface PositionRows {
  readonly rows: Tensor;
  /** The row of the table that each of `rows` is. */
  readonly indices: Tensor;
}

function positionRows(
  config: DebertaConfig,
  table: Tensor,
  indices: Tensor,
  context: ForwardContext,
): PositionRows {
  const rows = gather(table, indices);
  const normed = config.positionNorm === "none" ? rows : norm(context, config, tableNorm, rows);
  return { rows: normed, indices };
}

/** The rows with a layer's dropout, which distances of one bucket share. */
function droppedRows(
  { hidden, relative }: DebertaConfig,
  { rows, indices }: PositionRows,
  layer: number,
  context: ForwardContext,
): Tensor {
  const count = 2 * positionSpan(relative);
  const mask = context.mask({
    name: `layer.${layer}.positions`,
    kind: "hidden",
    rows: String(count),
    columns: hidden,
  });
  return mask === null ? rows : mul(rows, gather(reshape(mask, [count, hidden]), indices));
}

/** The position rows as each term takes them, projected side by side. */
function projectedPositions(
  config: DebertaConfig,
  pass: Pass,
  layer: number,
  rows: Tensor,
): (term: PositionTermName) => Projection | null {
  const { positionTerms: terms, positionProjection } = config;
  // Queries stand before keys in a layer.
  const ordered = terms.toReversed();
  const tensor = positionProjection === "shared"
    ? linear(pass, layer, ordered.map((term) => projections[term].part), rows)
    : pass.context.linear(
      ordered.map((term) => ({ path: ownProjection(layer, term), module: null })),
      rows,
    );
  return (term) => {
    const part = ordered.indexOf(term);
    return part < 0 ? null : { tensor, part, parts: ordered.length };
  };
}

/** Attention of all layers over one position table. */
function mixingOf(config: DebertaConfig, inputs: EncoderInputs, context: ForwardContext): Mixing {
  const relative = inputs.relative(config.relative);
  const table = context.parameter(tableName);
  const held = new Map<"all" | "first", PositionRows>();
  const rowsFor = (queries: "all" | "first"): PositionRows => {
    const indices = () => queries === "first" ? relative.fromFirst : relative.distances;
    const rows = held.get(queries) ?? positionRows(config, table, indices(), context);
    held.set(queries, rows);
    return rows;
  };
  return (pass, layer, states) => {
    const { queries } = states;
    const request = attentionOf(pass, layer, states);
    const projected = withScope("positions", () => {
      const rows = droppedRows(config, rowsFor(queries), layer, context);
      return projectedPositions(config, pass, layer, rows);
    });
    return disentangledAttention({
      ...request,
      mask: weightsMask(pass, layer, queries),
      positionKey: projected("c2p"),
      positionQuery: projected("p2c"),
      relative,
    });
  };
}

/** DeBERTa v2 and v3. */
export const debertaV2: Architecture<DebertaConfig> = {
  name: "deberta",
  modelTypes: ["deberta-v2"],
  title: "DeBERTa v2/v3",
  source: "arXiv 2006.03654 and 2111.09543; transformers modeling_deberta_v2.py",
  parseConfig,
  encoderParameters,
  headParameters: (config, outputs) => [
    ...poolerParameters(config),
    ...linearParameters("classifier", [outputs, config.hidden], config.initializerRange),
  ],
  pretrainedHead: poolerParameters,
  parameterName: (stored) => checkpointName(stored, "deberta"),
  modulePath: style.modulePath,
  encode: (config, inputs, context, modules, wanted) =>
    encodeLayers(
      { config, style, inputs, context, modules },
      embed(config, inputs, context),
      wanted,
      mixingOf(config, inputs, context),
    ),
  taskHead: (config, states, inputs, context) =>
    withScope("head", () => {
      const features = gelu(dense(context, "pooler.dense", pooled(config, states, inputs)));
      return headLayer(context, config, "classifier", features);
    }),
};
