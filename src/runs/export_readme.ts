/**
 * The README.md of an exported run: what it is, and how other tools open it.
 *
 * @module
 */
import { hasClassifierClass } from "../models/classifier_folder.ts";
import type { EncoderConfig } from "../models/architectures.ts";
import { pythonLines } from "../models/encoder_folder.ts";
import { keptOf } from "../study/kept.ts";
import type { TaskOutput } from "../tasks/types.ts";
import type { TrainedRun } from "./trained_run.ts";

/** What a run can be exported as. */
export const exportFormats = ["peft", "adapters", "merged", "onnx"] as const;

/** One of {@linkcode exportFormats}. */
export type ExportFormat = (typeof exportFormats)[number];

/** How other tools open a folder, for encoders whose head they have a class for. */
const loading: Readonly<Record<ExportFormat, string>> = {
  peft:
    "PeftModel.from_pretrained(AutoModelForSequenceClassification.from_pretrained(base, num_labels=n), folder)",
  adapters:
    "model = AutoModelForSequenceClassification.from_pretrained(folder); adapters.init(model); " +
    "model.load_adapter(folder + '/adapter', use_safetensors=True, set_active=True, with_head=False)",
  merged: "AutoModelForSequenceClassification.from_pretrained(folder)",
  onnx:
    "any ONNX runtime: input_ids, attention_mask and token_type_ids, int64 [batch, seq], give logits [batch, outputs]",
};

/** A folder that is opened. */
interface Opened {
  readonly format: ExportFormat;
  readonly config: EncoderConfig;
  /** Tokens at which texts are cut. */
  readonly maxLength: number;
}

/** Whether it takes several lines of Python to open a folder: transformers has no class for the encoder's head. */
export function needsLines({ format, config }: Omit<Opened, "maxLength">): boolean {
  return !hasClassifierClass(config) && (format === "peft" || format === "merged");
}

/** How a folder is opened, as lines of Markdown. */
export function openingOf({ format, config, maxLength }: Opened): readonly string[] {
  if (hasClassifierClass(config) || (format !== "peft" && format !== "merged")) {
    return [`Loaded by: ${loading[format]}.`];
  }
  const pooling = config.pooling === "mean"
    ? "the mean of its last hidden states"
    : "its first token's last hidden state";
  return [
    `The task head takes ${pooling}${config.pooler ? " through a dense layer" : ""}, for which ` +
    `transformers has no class. Run in this folder, these lines open it:`,
    "",
    "```python",
    ...pythonLines({ format, config, maxLength }),
    "```",
    "",
    "`logits_of` takes a list of texts, and for tasks of pairs a list of second texts.",
  ];
}

/** What the outputs of a model mean. */
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
  const kept = keptOf(keep, record.happened);
  const classes = meaningOf(task.output);
  const lines = [
    `# ${run.label} on ${task.name}`,
    "",
    `Exported by ranklab ${record.where.ranklab} from run ${record.id} (seed ${run.seed}), the ${keep} ` +
    `evaluation${
      kept === null ? "" : `: ${primaryMetric} ${kept.metrics[primaryMetric]} on ${kept.split}`
    }.`,
    `${classes} Texts were cut at ${maxLength} tokens.`,
    "",
    ...openingOf({ format, config, maxLength }),
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
