/**
 * The readers of files that a study, a model or another person brings, each with small files that it reads.
 *
 * A reader of a new kind of file is one more row: its name, its format, its corpus, and a call.
 *
 * @module
 */
import { gunzipSync, strToU8, zipSync } from "fflate";
import { createHash } from "node:crypto";
import { parseJson } from "../../src/base/read_json.ts";
import { decodeText } from "../../src/base/read_text.ts";
import { openWheel } from "../../src/fetch/wheel.ts";
import { architectureOf, parseConfig } from "../../src/models/architectures.ts";
import { type EncoderFiles, loadEncoder, loadHead } from "../../src/models/load.ts";
import { targetModules } from "../../src/models/config.ts";
import { readSafetensors, writeSafetensors } from "../../src/models/safetensors.ts";
import { shardNames } from "../../src/models/sources.ts";
import { readPeftAdapter } from "../../src/peft/peft_import.ts";
import { openPack, packFiles } from "../../src/record/pack.ts";
import { findTask } from "../../src/tasks/catalog.ts";
import { splitMrpc } from "../../src/tasks/glue_archives.ts";
import { readSplit } from "../../src/tasks/read_split.ts";
import { debertaTokenizerJson } from "../../src/tasks/tokenizers/unigram.ts";
import { type TokenizerFiles, tokenizerFromFiles } from "../../src/tasks/tokenizers/files.ts";
import type { Task } from "../../src/tasks/types.ts";
import { parseUserTask } from "../../src/tasks/user_task.ts";
import { checkChain } from "../traces/follow_graph.ts";
import { parseTrace } from "../traces/trace.ts";
import { zipTime } from "./mutations.ts";
import { encode, type FuzzedReader, ofJson, text } from "./reader.ts";
import { resultsReaders } from "./results_readers.ts";
import { extendingStudies, studies, userTask } from "./study_readers.ts";

const golden = new URL("../../tests/golden/", import.meta.url);

const bytesOf = (path: string): Uint8Array => Deno.readFileSync(new URL(path, golden));
const textOf = (path: string): string => Deno.readTextFileSync(new URL(path, golden));

/** Texts of several scripts that a tokenizer splits, alone and as a pair. */
const probes: readonly string[] = [
  "The quick  brown fox, isn't it? \u00e9\u0301 \u4e2d\u6587 \ud83d\ude00\n[MASK] 12.5",
  "  a b\tc  ",
  "x".repeat(300),
];

function encodeProbes(files: TokenizerFiles): unknown {
  const { tokenizer } = tokenizerFromFiles(files, "folder");
  return probes.map((probe) => [
    tokenizer.encode(probe, null, 64),
    tokenizer.encode(probe, probes[1]!, 64),
  ]);
}

/** The reader of the files of a user's own task, or of a task that is built in. */
function taskFile(name: string, task: Task, corpus: readonly Uint8Array[]): FuzzedReader {
  const split = task.splits["dev"]!.slice(0, 1);
  const single: Task = { ...task, splits: { dev: split } };
  return {
    name,
    format: "lines",
    corpus,
    read: (bytes) => readSplit(single, "dev", [{ bytes }]),
  };
}

function ownTask(format: "csv" | "tsv" | "jsonl"): Task {
  const path = `dev.${format}`;
  return parseUserTask({ ...userTask, files: { train: path, dev: path } });
}

function taskFiles(): readonly FuzzedReader[] {
  const csv = encode(
    "text,other,label",
    '"one, two","a ""quoted"" word",yes',
    '"three\nfour",five,no',
    "six,seven,yes",
  );
  const tsv = encode("text\tother\tlabel", "one two\tthree\tyes", 'four "five\tsix\tno');
  const jsonl = encode(
    '{"text": "one", "other": "two", "label": "yes"}',
    '{"label": "no", "text": "three", "other": "four", "more": [1, {"x": null}]}',
  );
  const rte = encode(
    "index\tsentence1\tsentence2\tlabel",
    "0\tA b.\tC d.\tentailment",
    "1\tE\tF\tnot_entailment",
  );
  const stsb = encode(
    "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore",
    "0\tg\tf\ty\to\ts\ts\tA\tB\t2.500",
  );
  return [
    taskFile("user task, csv", ownTask("csv"), [csv]),
    taskFile("user task, tsv", ownTask("tsv"), [tsv]),
    taskFile("user task, jsonl", ownTask("jsonl"), [jsonl]),
    taskFile("GLUE, RTE", findTask("RTE"), [rte]),
    taskFile("GLUE, CoLA", findTask("CoLA"), [encode("gj04\t1\t\tOne.", "gj04\t0\t*\tTwo the.")]),
    taskFile("GLUE, STS-B", findTask("STS-B"), [stsb]),
    {
      name: "GLUE, MRPC",
      format: "lines",
      corpus: [
        encode("Quality\t#1 ID\t#2 ID\t#1 String\t#2 String", "1\t10\t11\ta\tb", "0\t12\t13\tc\td"),
      ],
      read: (bytes) => splitMrpc(text(bytes), "12\t13\n"),
    },
    {
      name: "declaration of a task",
      format: "json",
      corpus: [
        ofJson(userTask),
        ofJson({ ...userTask, labels: { min: 0, max: 5 }, metrics: ["pearson"] }),
      ],
      read: (bytes) => parseUserTask(parseJson(text(bytes), "task.json")),
    },
  ];
}

/** The tiny BERT of the tests. */
function tinyFiles(): EncoderFiles & { readonly config: string; readonly vocab: string } {
  return {
    config: textOf("bert/config.json"),
    weights: bytesOf("bert/model.safetensors"),
    vocab: textOf("bert/vocab.txt"),
  };
}

function models(): readonly FuzzedReader[] {
  const tiny = tinyFiles();
  const deberta = {
    model_type: "deberta-v2",
    vocab_size: 30,
    num_hidden_layers: 2,
    hidden_size: 16,
    num_attention_heads: 2,
    intermediate_size: 20,
    relative_attention: true,
    position_buckets: 4,
    pos_att_type: ["p2c", "c2p"],
    norm_rel_ebd: "layer_norm",
    share_att_key: true,
    position_biased_input: false,
  };
  const configs = ["bert", "encoders/roberta", "encoders/distilbert", "encoders/electra"];
  const half = writeSafetensors(
    new Map([["a", { shape: [2, 3], data: new Float32Array(6) }], [
      "b.weight",
      { shape: [1], data: Float32Array.of(1) },
    ]]),
    "F16",
    { format: "pt" },
  );
  return [
    {
      name: "config.json",
      format: "json",
      corpus: [...configs.map((path) => bytesOf(`${path}/config.json`)), ofJson(deberta)],
      read: (bytes) => {
        const config = parseConfig(text(bytes), "config.json");
        return [architectureOf(config).encoderParameters(config), targetModules(config)];
      },
    },
    {
      name: "safetensors",
      format: "safetensors",
      corpus: [half, bytesOf("bert/halves.safetensors"), bytesOf("int8_rows.safetensors")],
      read: (bytes) => readSafetensors(bytes, "model.safetensors"),
    },
    {
      name: "weights of an encoder",
      format: "safetensors",
      corpus: [tiny.weights as Uint8Array],
      read: (bytes) => {
        const model = loadEncoder({ ...tiny, weights: bytes }, "folder");
        return [model, loadHead(model.config, bytes, "folder")];
      },
    },
    {
      name: "index of weights",
      format: "json",
      corpus: [ofJson({ metadata: {}, weight_map: { a: "x.safetensors", b: "y.safetensors" } })],
      read: (bytes) => shardNames(text(bytes), ["x.safetensors", "y.safetensors"], "folder"),
    },
  ];
}

function tokenizers(): readonly FuzzedReader[] {
  const kinds = ["deberta_5", "roberta", "spaces", "stages"];
  const { vocab } = tinyFiles();
  const [vocabJson, merges] = ["vocab.json", "merges.txt"]
    .map((name) => textOf(`tokenizers/roberta/${name}`));
  const config = {
    tokenizer_class: "BertTokenizer",
    do_lower_case: true,
    model_input_names: ["input_ids", "token_type_ids"],
    truncation_side: "right",
    unk_token: "[UNK]",
    mask_token: { content: "[MASK]", lstrip: true },
  };
  const spm = gunzipSync(bytesOf("tokenizers/deberta/spm.model.gz"));
  return [
    {
      name: "tokenizer.json",
      format: "json",
      corpus: [
        ...kinds.map((kind) => bytesOf(`tokenizers/${kind}/tokenizer.json`)),
        ofJson(debertaTokenizerJson(spm, {}, "spm.model")),
        patterned(),
      ],
      read: (bytes) => encodeProbes({ tokenizerJson: text(bytes) }),
    },
    {
      name: "tokenizer_config.json",
      format: "json",
      corpus: [ofJson(config)],
      read: (bytes) => encodeProbes({ vocab, tokenizerConfig: text(bytes) }),
    },
    {
      name: "vocab.txt",
      format: "text",
      corpus: [new TextEncoder().encode(vocab)],
      read: (bytes) => encodeProbes({ vocab: text(bytes) }),
    },
    {
      name: "vocab.json",
      format: "json",
      corpus: [new TextEncoder().encode(vocabJson)],
      read: (bytes) => encodeProbes({ vocabJson: text(bytes), merges: merges! }),
    },
    {
      name: "merges.txt",
      format: "text",
      corpus: [new TextEncoder().encode(merges)],
      read: (bytes) => encodeProbes({ vocabJson: vocabJson!, merges: text(bytes) }),
    },
    {
      name: "spm.model",
      format: "binary",
      corpus: [spm],
      read: (bytes) => encodeProbes({ sentencePiece: bytes }),
    },
    {
      name: "sentencepiece.bpe.model",
      format: "binary",
      corpus: [bytesOf("tokenizers/xlm_roberta/sentencepiece.bpe.model")],
      read: (bytes) => encodeProbes({ sentencePieceBpe: bytes }),
    },
  ];
}

/** A tokenizer with patterns of its own and every other stage that grows a text. */
function patterned(): Uint8Array {
  const json = JSON.parse(textOf("tokenizers/spaces/tokenizer.json"));
  return ofJson({
    ...json,
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Replace", pattern: { Regex: "\\s{2,}|[\\n\\r]+" }, content: " " },
        { type: "Replace", pattern: { String: "``" }, content: '"' },
        { type: "Prepend", prepend: "_" },
        { type: "NFKC" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        {
          type: "Split",
          pattern: { Regex: "(?i:'s|'t)|\\p{L}+|\\d{1,3}" },
          behavior: "Isolated",
          invert: false,
        },
        { type: "Metaspace", replacement: "_", prepend_scheme: "always", split: true },
      ],
    },
  });
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("base64url");

function archives(): readonly FuzzedReader[] {
  const tiny = tinyFiles();
  const files: Readonly<Record<string, Uint8Array>> = {
    "m/config.json": strToU8(tiny.config),
    "m/model.safetensors": tiny.weights as Uint8Array,
    "m/vocab.txt": strToU8(tiny.vocab),
  };
  const record = Object.entries(files)
    .map(([name, bytes]) => `${name},sha256=${sha256(bytes)},${bytes.length}\n`).join("");
  const wheel = zipSync({ ...files, "m-0.1.dist-info/RECORD": strToU8(record) }, {
    mtime: zipTime,
  });
  const pack = packFiles([
    { path: "study.json", bytes: strToU8('{"name": "x"}') },
    { path: "run/steps.jsonl", bytes: strToU8('{"step": 1}\n'.repeat(100)) },
  ], "x.ranklab.zip");
  return [
    {
      name: "wheel",
      format: "zip",
      corpus: [wheel],
      read: (bytes) => {
        const opened = openWheel(bytes, "x.whl", null);
        return opened.read(opened.names);
      },
    },
    {
      name: "packed study",
      format: "zip",
      corpus: [pack],
      read: (bytes) => {
        const opened = openPack(bytes, "x.ranklab.zip");
        return opened.files.map(({ path }) => opened.read(path));
      },
    },
  ];
}

function adapters(): readonly FuzzedReader[] {
  const config = parseConfig(textOf("bert/config.json"), "config.json");
  const architecture = architectureOf(config);
  const shapes = new Map(
    [...architecture.encoderParameters(config), ...architecture.headParameters(config, 3)]
      .map(({ name, shape }) => [name, shape] as const),
  );
  const target = { shapes, parameterName: (name: string) => architecture.parameterName(name) };
  const kinds = ["lora", "rslora"];
  const weights = bytesOf("peft/lora/adapter_model.safetensors");
  const lora = textOf("peft/lora/adapter_config.json");
  const patterned = JSON.parse(lora);
  return [
    {
      name: "adapter_config.json",
      format: "json",
      corpus: [
        ...kinds.map((kind) => bytesOf(`peft/${kind}/adapter_config.json`)),
        ofJson({
          ...patterned,
          rank_pattern: { ...patterned.rank_pattern, "layer.0.*query": patterned.r },
          alpha_pattern: { "encoder.layer.1.output.dense": 4 },
        }),
      ],
      read: (bytes) => {
        const text = decodeText(bytes, "adapter_config.json");
        return readPeftAdapter({ config: text, weights }, target, "folder");
      },
    },
    {
      name: "adapter_model.safetensors",
      format: "safetensors",
      corpus: [weights],
      read: (bytes) => readPeftAdapter({ config: lora, weights: bytes }, target, "folder"),
    },
  ];
}

function traces(): FuzzedReader {
  const short = (name: string) => {
    const trace = JSON.parse(textOf(name));
    return ofJson({ ...trace, steps: trace.steps.slice(0, 2) });
  };
  return {
    name: "trace",
    format: "json",
    corpus: [short("elalora_trace_b.json"), short("adalora_trace_b.json")],
    read: (bytes) => {
      const trace = parseTrace(parseJson(text(bytes), "trace.json"), "trace.json");
      checkChain(trace);
      return trace;
    },
  };
}

/** All readers, each with its corpus. */
export function fuzzedReaders(): readonly FuzzedReader[] {
  return [
    studies(),
    extendingStudies(),
    ...taskFiles(),
    ...models(),
    ...tokenizers(),
    ...archives(),
    ...adapters(),
    traces(),
    ...resultsReaders(),
  ];
}
