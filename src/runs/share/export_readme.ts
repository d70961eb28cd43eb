/**
 * The README.md of an exported run: what it is, and how other tools open it.
 *
 * @module
 */
import { hasClassifierClass, pythonLines } from "../../models/classifier_folder.ts";
import type { EncoderConfig } from "../../models/architectures.ts";
import { selectedOf } from "../../study/grid/steps.ts";
import type { TaskOutput } from "../../tasks/types.ts";
import { outputCount } from "../../train/assembly_request.ts";
import type { TrainedRun } from "../trained_run.ts";

/** What a run can be exported as. */
export const exportFormats = ["peft", "adapters", "merged", "onnx"] as const;

/** One of {@linkcode exportFormats}. */
export type ExportFormat = (typeof exportFormats)[number];

/** The lines that define `model` and `tokenizer`, for encoders whose head transformers has a class for. */
const loading = {
  peft: (outputs) => [
    "config = PeftConfig.from_pretrained(folder)",
    'base, revision = config.base_model_name_or_path, config.revision or "main"',
    "model = AutoModelForSequenceClassification.from_pretrained(",
    `    base, revision=revision, num_labels=${outputs}`,
    ")",
    "model = PeftModel.from_pretrained(model, folder)",
    "tokenizer = AutoTokenizer.from_pretrained(base, revision=revision)",
  ],
  adapters: () => [
    "model = AutoModelForSequenceClassification.from_pretrained(folder)",
    "adapters.init(model)",
    'place, options = f"{folder}/adapter", dict(use_safetensors=True, set_active=True, with_head=False)',
    "model.load_adapter(place, **options)",
    "tokenizer = AutoTokenizer.from_pretrained(folder)",
  ],
  merged: () => [
    "model = AutoModelForSequenceClassification.from_pretrained(folder)",
    "tokenizer = AutoTokenizer.from_pretrained(folder)",
  ],
} satisfies Readonly<
  Record<Exclude<ExportFormat, "onnx">, (outputs: number) => readonly string[]>
>;

function classifierLines(
  format: keyof typeof loading,
  { maxLength, outputs }: Opened,
): readonly string[] {
  return [
    ...(format === "adapters" ? ["import adapters"] : []),
    "import torch",
    ...(format === "peft" ? ["from peft import PeftConfig, PeftModel"] : []),
    "from transformers import AutoModelForSequenceClassification, AutoTokenizer",
    "",
    'folder = "."  # the folder of this README.md',
    ...loading[format](outputs),
    "model.eval()",
    "",
    "",
    "def logits_of(texts, pairs=None):",
    `    options = dict(padding=True, truncation=True, max_length=${maxLength}, return_tensors="pt")`,
    "    with torch.no_grad():",
    "        return model(**tokenizer(texts, pairs, **options)).logits",
  ];
}

interface Opened {
  readonly format: ExportFormat;
  readonly config: EncoderConfig;
  /** Tokens at which texts are cut. */
  readonly maxLength: number;
  /** Outputs of the head: labels of the task, or 1. */
  readonly outputs: number;
}

/** Whether it takes several lines of Python to open a folder: transformers has no class for the encoder's head. */
export function needsLines({ format, config }: Pick<Opened, "format" | "config">): boolean {
  return !hasClassifierClass(config) && (format === "peft" || format === "merged");
}

/** How a folder is opened, as lines of Markdown. */
export function openingOf(opened: Opened): readonly string[] {
  const { format, config, maxLength } = opened;
  if (format === "onnx") {
    return [
      "Loaded by: any ONNX runtime: input_ids, attention_mask and token_type_ids, int64 [batch, seq], " +
      "give logits [batch, outputs].",
    ];
  }
  const hasClass = hasClassifierClass(config) || format === "adapters";
  const pooling = config.pooling === "mean"
    ? "the mean of its last hidden states"
    : "its first token's last hidden state";
  return [
    hasClass
      ? "Run in this folder, these lines open it:"
      : `The task head takes ${pooling}${
        config.pooler ? " through a dense layer" : ""
      }, for which ` +
        `transformers has no class. Run in this folder, these lines open it:`,
    "",
    "```python",
    ...(hasClass ? classifierLines(format, opened) : pythonLines({ format, config, maxLength })),
    "```",
    "",
    "`logits_of` takes a list of texts, and for tasks of pairs a list of second texts.",
  ];
}

function meaningOf(output: TaskOutput): string {
  if (output.type === "regression") return `A score from ${output.min} to ${output.max}.`;
  const labels = output.labels.join(", ");
  return output.perChoice === true
    ? `The model scores one choice at a time, as the second text of a pair; the likeliest choice has the highest score. Choices, in order: ${labels}.`
    : `Classes, in order: ${labels}.`;
}

/**
 * What a reader of an exported folder should know, its README.md.
 *
 * @param rank Ranks that each module keeps at most, or null for all.
 */
export function exportReadme(
  trained: TrainedRun,
  { format, rank }: { readonly format: ExportFormat; readonly rank: number | null },
): string {
  const { record, run, task, withoutRank, model: { config } } = trained;
  const { maxLength } = run.settings.train;
  const { keep, primaryMetric } = record.happened;
  const selected = selectedOf(keep, record.happened);
  const classes = meaningOf(task.output);
  const lines = [
    `# ${run.label} on ${task.name}`,
    "",
    `Exported by ranklab ${record.where.ranklab} from run ${record.id} (seed ${run.seed}), the ${keep} ` +
    `evaluation${
      selected === null
        ? ""
        : `: ${primaryMetric} ${selected.metrics[primaryMetric]} on ${selected.split}`
    }.`,
    `${classes} Texts were cut at ${maxLength} tokens.`,
    "",
    ...openingOf({ format, config, maxLength, outputs: outputCount(task.output) }),
  ];
  const cut = rank === null ? [] : [
    "",
    `Each module keeps its first ranks, at most ${rank}; the metric above is that of all.`,
  ];
  const left = withoutRank.length === 0 ? [] : [
    "",
    `Modules that ended without a rank and are as in the base: ${withoutRank.join(", ")}.`,
  ];
  return [...lines, ...cut, ...left, ""].join("\n");
}
