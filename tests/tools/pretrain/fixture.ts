/** A teacher with random weights, and corpora of a few made-up sentences. */
import { RandomStream } from "../../../src/base/random.ts";
import type { HostTensor } from "../../../src/graph/mod.ts";
import { bert, type BertConfig, configJson } from "../../../src/models/bert.ts";
import { drawParameters } from "../../../src/models/parameters.ts";
import { type StoredTensor, writeSafetensors } from "../../../src/models/safetensors.ts";
import type { Corpora } from "../../../tools/pretrain/corpora/corpora.ts";
import { type DistilSettings, distilSettings } from "../../../tools/pretrain/distil.ts";
import type { WordPieceTokenizer } from "../../../tools/pretrain/vocabulary.ts";

const characters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
const words = [
  ..."the cat cats dog dogs was were is are sat sits on in mat mats house old big small and not of a"
    .split(" "),
  ..."walk walks walked tree trees green river town king queen sea ship".split(" "),
];

/** Pieces of the teacher's vocabulary by id, with empty places as BERT's has them. */
export const pieces: readonly string[] = [
  "[PAD]",
  "[unused0]",
  "[UNK]",
  "[CLS]",
  "[SEP]",
  "[MASK]",
  ...characters,
  ...words.filter((word) => word.length > 1),
  ...characters.map((character) => `##${character}`),
  "##ish",
];

const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const id = (piece: string) => pieces.indexOf(piece);

/** The teacher's tokenizer, cutting and padding as that of MiniLM does. */
export const tokenizer: WordPieceTokenizer = {
  version: "1.0",
  truncation: { max_length: 128, strategy: "LongestFirst", stride: 0 },
  padding: {
    strategy: { Fixed: 128 },
    direction: "Right",
    pad_id: 0,
    pad_type_id: 0,
    pad_token: "[PAD]",
  },
  added_tokens: special.map((content) => ({
    id: id(content),
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  })),
  normalizer: {
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "[CLS]", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "[SEP]", type_id: 0 } },
    ],
    pair: [
      { SpecialToken: { id: "[CLS]", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "[SEP]", type_id: 0 } },
      { Sequence: { id: "B", type_id: 1 } },
      { SpecialToken: { id: "[SEP]", type_id: 1 } },
    ],
    special_tokens: Object.fromEntries(
      ["[CLS]", "[SEP]"].map((token) => [token, { id: token, ids: [id(token)], tokens: [token] }]),
    ),
  },
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(pieces.map((piece, i) => [piece, i])),
  },
};

/** The teacher's shape: four layers of two heads, 16 wide each. */
export const config: BertConfig = {
  architecture: "bert",
  layers: 4,
  hidden: 32,
  heads: 2,
  intermediate: 48,
  vocabulary: pieces.length,
  maxPositions: 160,
  paddingPosition: null,
  paddingId: 0,
  tokenizerClass: "BertTokenizer",
  tokenTypes: 2,
  activation: "gelu",
  layerNormEpsilon: 1e-12,
  pooling: "first",
  pooler: false,
  initializerRange: 0.2,
};

/** Its weights, which differ from norm to norm too. */
export const tensors: ReadonlyMap<string, HostTensor> = new Map(
  [...drawParameters(bert.encoderParameters(config), RandomStream.fromSeed(5))].map(
    ([name, host]): [string, HostTensor] => {
      if (!name.includes("LayerNorm")) return [name, host];
      const stream = RandomStream.fromSeed(6).fork(name);
      const data = (host.data as Float32Array).map((x) => x + 0.2 * stream.normal());
      return [name, { ...host, data }];
    },
  ),
);

/** The files of its folder. */
export function teacherFiles(): Readonly<Record<string, string | Uint8Array>> {
  const stored = [...tensors].map(([name, { shape, data }]): [string, StoredTensor] => [
    name,
    { shape, data: data as Float32Array },
  ]);
  return {
    "config.json": configJson(config),
    "tokenizer.json": JSON.stringify(tokenizer),
    "model.safetensors": writeSafetensors(new Map(stored)),
  };
}

/** Writes them. */
export async function writeTeacher(folder: string): Promise<void> {
  for (const [name, content] of Object.entries(teacherFiles())) {
    if (typeof content === "string") await Deno.writeTextFile(`${folder}/${name}`, content);
    else await Deno.writeFile(`${folder}/${name}`, content);
  }
}

/** Chapters of sentences of the teacher's words, and two words of one meaning. */
export function makeCorpora(chapters: number): Corpora {
  const stream = RandomStream.fromSeed(3);
  const sentence = () =>
    `${
      Array.from({ length: 4 + stream.int(6) }, () => words[stream.int(words.length)]!).join(" ")
    }.`;
  return {
    synsets: [{
      id: "n1",
      pos: "n",
      lexicographer: 1,
      lemmas: ["king", "queen"],
      hypernyms: [],
      definition: "a big old cat of the house",
      examples: [],
    }],
    chapters: Array.from({ length: chapters }, (_, i) => ({
      name: `book/${i}`,
      kind: "sea" as const,
      sentences: Array.from({ length: 12 }, sentence),
    })),
    factbook: [],
    sotu: [],
  };
}

/** A run that takes a second. */
export const settings: DistilSettings = {
  ...distilSettings,
  shape: { layers: 2, hidden: 16, intermediate: 32, maxPositions: 136 },
  vocabulary: 225,
  steps: 12,
  decay: 4,
  warmup: 2,
  batchSize: 4,
  learningRate: 1e-2,
  measured: 2,
  heldOut: 2,
};
