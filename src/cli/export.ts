/**
 * `deno task export RUN_FOLDER`: a finished run as files that other tools load.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { isOfWeights } from "../methods/adapter.ts";
import { summedParts } from "../methods/bottleneck.ts";
import { bottleneckExport, changedTensors } from "../peft/bottleneck_export.ts";
import { peftAdapter } from "../peft/peft_export.ts";
import { mergedTensors } from "../methods/weight_update.ts";
import {
  checkClassifierHead,
  classifierClass,
  classifierName,
  hasClassifierClass,
} from "../models/classifier_folder.ts";
import { baseFolder, headFile, splitTensors } from "../models/encoder_folder.ts";
import { adaptableModules } from "../models/modules.ts";
import { writeSafetensors } from "../models/safetensors.ts";
import { makeFolder, writeWhole } from "../record/run_folder.ts";
import { commandOf } from "./command.ts";
import {
  type ExportFormat,
  exportFormats,
  exportReadme,
  needsLines,
} from "../runs/export_readme.ts";
import {
  makeEmptyFolder,
  type MergedModel,
  writeMergedFolder,
  writeOnnxFolder,
  writtenBy,
} from "../runs/model_folder.ts";
import { UsageError } from "../base/usage_error.ts";
import { runCommand, say, wholeNumber } from "./terminal.ts";
import { readTrainedRun, type TrainedRun } from "../runs/trained_run.ts";
import { askToWrite } from "./write_access.ts";

/** How a run is exported. */
export interface ExportOptions {
  readonly format: ExportFormat;
  readonly out: string;
  /** The base's folder, wheel or name on the hub, or null for that of the sweep. */
  readonly model: string | null;
  /** What peft is told of the base, or null for its folder. */
  readonly baseName: string | null;
  /** Ranks that each module keeps at most; default all. */
  readonly rank?: number | null;
}

/** What an export did. */
export interface ExportResult {
  readonly out: string;
  /** Adapted modules that ended without a rank and are as in the base. */
  readonly withoutRank: readonly string[];
  /** Whether it takes the lines of Python in its README to open it. */
  readonly hasLines: boolean;
}

/** Refuses an adapter that no weights and no format of peft hold. */
function checkOfWeights({ method: { adapter }, run }: TrainedRun, what: string): void {
  if (adapter === null || isOfWeights(adapter)) return;
  throw new RangeError(
    `Cannot write ${what}: found method "${run.method}", whose layers stand between those of the encoder, ` +
      `want an adapter of weights; --format adapters writes such layers, --format onnx the whole model`,
  );
}

async function writePeftFolder(trained: TrainedRun, options: ExportOptions): Promise<void> {
  const { model: { config, tensors: base }, method, updates, whole, run } = trained;
  checkOfWeights(trained, "an adapter for peft");
  if (method.backbone !== "frozen") {
    throw new RangeError(
      `Cannot write an adapter for peft: method "${run.method}" trained the encoder's own parameters; ` +
        `--format merged writes such a model`,
    );
  }
  const { scaling } = run.options as { readonly scaling?: string };
  const isBare = !hasClassifierClass(config);
  const { configJson, tensors } = peftAdapter({
    updates,
    base,
    head: isBare ? new Map() : whole,
    nameOf: (name) => isBare ? name : classifierName(config, name),
    rootScaling: scaling === "alpha/sqrt(r)",
    dropout: run.settings.train.dropout.adapter,
    baseModel: options.baseName ?? (isBare ? baseFolder : trained.baseTitle),
    revision: options.baseName === null && !isBare ? trained.baseRevision : null,
  });
  const { out } = options;
  await makeEmptyFolder(out);
  await writeWhole(`${out}/adapter_config.json`, configJson);
  await writeWhole(
    `${out}/adapter_model.safetensors`,
    writeSafetensors(tensors, "F32", writtenBy),
  );
  if (!isBare) return;
  await writeWhole(`${out}/${headFile}`, writeSafetensors(whole, "F32", writtenBy));
  const { encoder } = splitTensors(config, base);
  const { task: { output }, base: files } = trained;
  await writeMergedFolder(`${out}/${baseFolder}`, {
    config,
    tensors: encoder,
    output,
    base: files,
  });
}

function mergedModel({ model, updates, whole, task, base }: TrainedRun): MergedModel {
  const tensors = mergedTensors(model.tensors, updates, whole);
  return { config: model.config, tensors, output: task.output, base };
}

/** The base with its head, trained norms in place, and the adapter beside it. */
async function writeAdaptersFolder(trained: TrainedRun, out: string): Promise<void> {
  const { method: { adapter }, model: { config }, parts, run } = trained;
  if (adapter === null || isOfWeights(adapter)) {
    throw new RangeError(
      `Cannot write an adapter for the library adapters: found method "${run.method}", want houlsby or pfeiffer; ` +
        `--format peft or merged writes updates of weights`,
    );
  }
  checkClassifierHead(config, "write an adapter for the library adapters");
  const merged = mergedModel(trained);
  const modelType = String(JSON.parse(merged.base.config)["model_type"]);
  const { configJson, tensors, changes } = bottleneckExport({
    config,
    adapter,
    modules: adaptableModules(config, summedParts),
    tensors: parts,
    nameOf: (name) => classifierName(config, name),
    modelType,
    modelClass: classifierClass(config, modelType),
  });
  await writeMergedFolder(out, { ...merged, tensors: changedTensors(merged.tensors, changes) });
  // In a folder of its own, since transformers takes an adapter's config beside a base for one of peft's.
  await makeFolder(`${out}/adapter`);
  await writeWhole(`${out}/adapter/adapter_config.json`, configJson);
  await writeWhole(
    `${out}/adapter/adapter.safetensors`,
    writeSafetensors(tensors, "F32", writtenBy),
  );
}

/**
 * Exports a run.
 *
 * @param folder The folder of a finished run.
 *
 * @throws {UsageError} If it is none, or its base is not there any more.
 * @throws {RangeError} If the format cannot hold the model, or the folder to write is not empty.
 */
export async function exportRun(folder: string, options: ExportOptions): Promise<ExportResult> {
  const trained = await readTrainedRun(folder, options.model, options.rank);
  const { format, out } = options;
  if (format === "peft") await writePeftFolder(trained, options);
  else if (format === "adapters") await writeAdaptersFolder(trained, out);
  else if (format === "merged") {
    checkOfWeights(trained, "merged weights");
    await writeMergedFolder(out, mergedModel(trained));
  } else await writeOnnxFolder(out, mergedModel(trained), trained.branches);
  await writeWhole(
    `${out}/README.md`,
    exportReadme(trained, { format, rank: options.rank ?? null }),
  );
  const hasLines = needsLines({ format, config: trained.model.config });
  return { out, withoutRank: trained.withoutRank, hasLines };
}

function formatOf(name: string | null): ExportFormat {
  const format = exportFormats.find((known) => known === name);
  if (format !== undefined) return format;
  throw new UsageError(
    name === null
      ? `Option "--format" is missing, want one of ${exportFormats.join(", ")}`
      : unknownName("format", name, exportFormats),
  );
}

/** The command. */
export const exportCommand = commandOf({
  name: "export",
  summary: "Writes a finished run as files that other tools load",
  takes: `RUN_FOLDER --format ${exportFormats.join("|")}`,
  least: 1,
  explained: [{ name: "RUN_FOLDER", text: "the folder of a finished run, results/<study>/<run>" }],
  options: [
    {
      name: "format",
      value: "NAME",
      text:
        "peft: LoRA or DoRA in the format of peft (AdaLoRA and ElaLoRA are LoRA: E goes into A); " +
        "adapters: Houlsby's and Pfeiffer's in the format of adapters, with the base around it; " +
        "merged: whole weights, a folder that transformers loads; " +
        "onnx: a plain ONNX model of the whole, fed input_ids, attention_mask and token_type_ids; " +
        "peft and merged of the embedded encoder: a folder for AutoModel with the head in a file beside it; the lines of " +
        "Python that open it are in its README.md",
    },
    {
      name: "rank",
      value: "N",
      text: "keep only the first N ranks of each module, for methods that train them so (DyLoRA)",
    },
    {
      name: "out",
      value: "DIR",
      text:
        "a new or empty folder in results or exports (default exports/<run>-<format>); for another place Deno asks " +
        "whether it may be written",
    },
    {
      name: "model",
      value: "DIR",
      text: "Hugging Face folder of the base, if it is not where the sweep found it",
    },
    {
      name: "base",
      value: "NAME",
      text:
        "what adapter_config.json calls the base, for instance its name on a hub (default: its folder)",
    },
  ],
  examples: [
    {
      line: "deno task export results/STUDY/RUN --format peft",
      text: "an adapter that peft loads",
    },
    {
      line: "deno task export results/STUDY/RUN --format onnx --out exports/mine",
      text: "one ONNX file",
    },
  ],
}, async (parsed) => {
  const folder = parsed.positional[0]!;
  const format = formatOf(parsed.text("format"));
  const name = folder.replace(/\/+$/, "").replace(/^.*\//, "");
  const rank = wholeNumber(parsed.text("rank"), "rank");
  const given = parsed.text("out");
  if (given !== null) await askToWrite("export", given, "--out");
  const { out, withoutRank, hasLines } = await exportRun(folder, {
    format,
    rank,
    out: given ?? `exports/${name}${rank === null ? "" : `-r${rank}`}-${format}`,
    model: parsed.text("model"),
    baseName: parsed.text("base"),
  });
  await say(`Written: ${out} (${format})`);
  if (hasLines) await say(`The lines of Python that open it stand in ${out}/README.md`);
  if (withoutRank.length > 0) {
    await say(`Without a rank, as in the base: ${withoutRank.join(", ")}`);
  }
  return 0;
});

if (import.meta.main) await runCommand(exportCommand);
