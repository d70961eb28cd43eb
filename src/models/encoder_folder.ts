/**
 * Encoders whose task head no class of transformers computes (mean pooling, or no pooler): a folder that `AutoModel` loads, the
 * head's tensors in a file beside it, and the lines of Python that put them together.
 *
 * @module
 */
import { architectureOf, type EncoderConfig } from "./architectures.ts";

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
