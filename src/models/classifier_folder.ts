/**
 * Encoders with a task head as transformers stores them: names of the tensors and `config.json`.
 *
 * @module
 */
import { parseJson } from "../base/read_json.ts";
import type { HostTensor } from "../graph/mod.ts";
import type { TaskOutput } from "../tasks/types.ts";
import { architectureOf, type EncoderConfig } from "./architectures.ts";
import type { StoredTensor } from "./safetensors.ts";

/** How the classifiers of a family are laid out in transformers. */
interface ClassifierLayout {
  /** The encoder's name in a model with a head (`base_model_prefix`). */
  readonly prefix: string;
  /** Modules that stand beside the encoder, not in it. */
  readonly beside: readonly string[];
  /** The class, by `model_type`. */
  readonly classes: Readonly<Record<string, string>>;
  /** The class of the encoder alone, where an encoder may have a head that no class has. */
  readonly encoderClass?: string;
}

const layouts: Readonly<Record<EncoderConfig["architecture"], ClassifierLayout>> = {
  bert: {
    prefix: "bert",
    beside: ["classifier"],
    classes: { bert: "BertForSequenceClassification" },
    encoderClass: "BertModel",
  },
  roberta: {
    prefix: "roberta",
    beside: ["classifier"],
    classes: {
      "roberta": "RobertaForSequenceClassification",
      "xlm-roberta": "XLMRobertaForSequenceClassification",
      "camembert": "CamembertForSequenceClassification",
    },
  },
  distilbert: {
    prefix: "distilbert",
    beside: ["pre_classifier", "classifier"],
    classes: { distilbert: "DistilBertForSequenceClassification" },
  },
  electra: {
    prefix: "electra",
    beside: ["classifier"],
    classes: { electra: "ElectraForSequenceClassification" },
  },
  deberta: {
    prefix: "deberta",
    beside: ["pooler", "classifier"],
    classes: { "deberta-v2": "DebertaV2ForSequenceClassification" },
  },
};

/**
 * The name under which transformers has a parameter, or a module, of an encoder with a head.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const config = { architecture: "bert" } as const;
 * assertEquals(classifierName(config, "pooler.dense.weight"), "bert.pooler.dense.weight");
 * assertEquals(classifierName(config, "classifier.bias"), "classifier.bias");
 * ```
 */
export function classifierName(
  { architecture }: Pick<EncoderConfig, "architecture">,
  name: string,
): string {
  const { prefix, beside } = layouts[architecture];
  return beside.includes(name.split(".")[0]!) ? name : `${prefix}.${name}`;
}

/** The class of transformers for an encoder with a head. */
export function classifierClass(
  { architecture }: Pick<EncoderConfig, "architecture">,
  modelType: string,
): string {
  return layouts[architecture].classes[modelType]!;
}

/**
 * Whether transformers has a class that computes an encoder with its head: its classifiers for BERT pool the first token through
 * a dense layer.
 */
export function hasClassifierClass(
  { architecture, pooling, pooler }: Pick<EncoderConfig, "architecture" | "pooling" | "pooler">,
): boolean {
  return architecture !== "bert" || (pooling === "first" && pooler);
}

/**
 * Checks that transformers has a class for an encoder with its head.
 *
 * @param what What is attempted, for the message.
 *
 * @throws {RangeError} If the encoder pools in another way.
 */
export function checkClassifierHead(config: EncoderConfig, what: string): void {
  if (hasClassifierClass(config)) return;
  const { architecture, pooling, pooler } = config;
  throw new RangeError(
    `Cannot ${what}: the encoder has pooling "${pooling}" ${
      pooler ? "and a pooler" : "without a pooler"
    } (ranklab_pooling and ranklab_pooler of its config.json), and ${
      layouts[architecture].classes["bert"]
    } of transformers has pooling "first" and a pooler; --format onnx holds such a model as it is`,
  );
}

/** Tensors in single precision, under their own names. */
export function storedFloats(
  tensors: ReadonlyMap<string, HostTensor>,
): ReadonlyMap<string, StoredTensor> {
  return new Map([...tensors].map(([name, { shape, data }]) => [
    name,
    { shape, data: data instanceof Float32Array ? data : Float32Array.from(data, Number) },
  ]));
}

/** The tensors of a model under the names of transformers, encoder and head. */
export function classifierTensors(
  config: EncoderConfig,
  tensors: ReadonlyMap<string, HostTensor>,
): ReadonlyMap<string, StoredTensor> {
  return new Map(
    [...storedFloats(tensors)].map(([name, tensor]) => [classifierName(config, name), tensor]),
  );
}

/**
 * The `config.json` of an encoder with a head; it names the encoder's own class where transformers has none for the head.
 *
 * @param base Text of the encoder's own `config.json`; the keys that a head does not touch are kept, known or not.
 * @param output What the head was trained for.
 *
 * @throws {InputError} If `base` is not JSON.
 */
export function classifierConfigJson(
  base: string,
  config: Pick<EncoderConfig, "architecture" | "pooling" | "pooler">,
  output: TaskOutput,
): string {
  const isPerLabel = output.type === "classification" && output.perChoice !== true;
  const labels = isPerLabel ? output.labels : ["LABEL_0"];
  const read = parseJson(base, "config.json") as Readonly<Record<string, unknown>>;
  const own = Object.entries(read)
    .filter(([key]) => key !== "torch_dtype" && key !== "_name_or_path");
  const file = {
    ...Object.fromEntries(own),
    architectures: [
      hasClassifierClass(config)
        ? classifierClass(config, String(read["model_type"]))
        : layouts[config.architecture].encoderClass!,
    ],
    dtype: "float32",
    id2label: Object.fromEntries(labels.map((label, i) => [String(i), label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    num_labels: labels.length,
    problem_type: isPerLabel ? "single_label_classification" : "regression",
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** The file with the head's tensors, by checkpoint name. */
export const headFile = "head.safetensors";

/** The folder with the base, in that of an adapter. */
export const baseFolder = "base";

/**
 * Splits the parameters of a model into those of its encoder, whose checkpoint names are also those of its own class, and those
 * of its head.
 */
export function splitTensors<T>(
  config: EncoderConfig,
  tensors: ReadonlyMap<string, T>,
): { readonly encoder: ReadonlyMap<string, T>; readonly head: ReadonlyMap<string, T> } {
  const { headParameters } = architectureOf(config);
  const ofHead = new Set(headParameters(config, 1).map(({ name }) => name));
  return {
    encoder: new Map([...tensors].filter(([name]) => !ofHead.has(name))),
    head: new Map([...tensors].filter(([name]) => ofHead.has(name))),
  };
}

/** What the lines of Python are for. */
interface PythonUse {
  /** Whether the folder has an adapter with its base in {@linkcode baseFolder}, or the whole encoder. */
  readonly format: "peft" | "merged";
  readonly config: Pick<EncoderConfig, "pooling" | "pooler">;
  /** Tokens at which texts are cut. */
  readonly maxLength: number;
}

/**
 * The lines of Python that open a folder, where they are run in it, and define `logits_of(texts, pairs=None)`: transformers'
 * encoder, this pooling, and the head.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * const config = { pooling: "mean", pooler: false } as const;
 * const lines = pythonLines({ format: "merged", config, maxLength: 128 });
 * assert(lines.includes("    text = (states * mask).sum(1) / mask.sum(1)"));
 * ```
 */
export function pythonLines({ format, config, maxLength }: PythonUse): readonly string[] {
  const isAdapter = format === "peft";
  const place = isAdapter ? `f"{folder}/${baseFolder}"` : "folder";
  const linear = (name: string) =>
    `torch.nn.functional.linear(text, head["${name}.weight"], head["${name}.bias"])`;
  return [
    "import torch",
    ...(isAdapter ? ["from peft import PeftModel"] : []),
    "from safetensors.torch import load_file",
    "from transformers import AutoModel, AutoTokenizer",
    "",
    'folder = "."  # the folder of this README.md',
    `tokenizer = AutoTokenizer.from_pretrained(${place})`,
    `encoder = AutoModel.from_pretrained(${place}, add_pooling_layer=False)`,
    isAdapter ? "encoder = PeftModel.from_pretrained(encoder, folder).eval()" : "encoder.eval()",
    `head = load_file(f"{folder}/${headFile}")`,
    "",
    "",
    "def logits_of(texts, pairs=None):",
    `    options = dict(padding=True, truncation=True, max_length=${maxLength}, return_tensors="pt")`,
    "    batch = tokenizer(texts, pairs, **options)",
    "    with torch.no_grad():",
    "        states = encoder(**batch).last_hidden_state",
    ...(config.pooling === "mean"
      ? [
        '    mask = batch["attention_mask"].unsqueeze(-1)',
        "    text = (states * mask).sum(1) / mask.sum(1)",
      ]
      : ["    text = states[:, 0]"]),
    ...(config.pooler ? [`    text = torch.tanh(${linear("pooler.dense")})`] : []),
    `    return ${linear("classifier")}`,
  ];
}
