/**
 * A finished run as files that other tools load.
 *
 * @module
 */
import { checkOfWeights, readTrainedRun, type TrainedRun } from "../trained_run.ts";
import { parseJson } from "../../base/read_json.ts";
import { isOfWeights } from "../../methods/adapter.ts";
import { summedParts } from "../../methods/bottleneck.ts";
import { bottleneckExport, changedTensors } from "../../peft/bottleneck_export.ts";
import { mergedTensors } from "../../methods/weight_update.ts";
import {
  baseFolder,
  checkClassifierHead,
  classifierClass,
  classifierName,
  hasClassifierClass,
  splitTensors,
} from "../../models/classifier_folder.ts";
import { targetModules } from "../../models/config.ts";
import { writeSafetensors } from "../../models/safetensors.ts";
import {
  isUnderWay,
  makeFolder,
  namesIn,
  newToken,
  removeTree,
  StorageError,
  writeWhole,
  writing,
} from "../../record/durable.ts";
import type { Fetching } from "../../fetch/model_files.ts";
import { type ExportFormat, exportReadme, needsLines } from "./export_readme.ts";
import {
  type MergedModel,
  peftFiles,
  writeMergedFolder,
  writeOnnxFolder,
  writtenBy,
} from "./model_folder.ts";
import type { Trust } from "../method_modules.ts";
import { denoDisk } from "../../record/disk.ts";

/** How a run is exported. */
export interface ExportOptions {
  /** `peft`, `adapters`, `merged` or `onnx`; not every method has all four. */
  readonly format: ExportFormat;
  /** Folder to write; it must be missing or empty. */
  readonly out: string;
  /** The base's folder, wheel or name on the hub. Default, and null: that of the sweep. */
  readonly model?: string | null;
  /** What peft receives as the base. Default, and null: its folder. */
  readonly baseName?: string | null;
  /** Ranks that each module keeps at most; default all. */
  readonly rank?: number | null;
  /** Which code that the run's record names may run. Default: none. */
  readonly trust?: Trust;
}

/** What an export did. */
export interface ExportResult {
  /** Folder that was written, as it was asked for. */
  readonly out: string;
  /** Adapted modules that ended without a rank and are as in the base. */
  readonly withoutRank: readonly string[];
  /** Whether it takes the lines of Python in its README to open it. */
  readonly hasLines: boolean;
}

async function writePeftFolder(
  trained: TrainedRun,
  options: ExportOptions,
  out: string,
): Promise<void> {
  const { model: { config, tensors: base } } = trained;
  checkOfWeights(trained, "an adapter for peft");
  const isBare = !hasClassifierClass(config);
  const { baseName = null } = options;
  const files = peftFiles(trained, {
    name: baseName ?? (isBare ? baseFolder : trained.baseTitle),
    revision: baseName === null && !isBare ? trained.baseRevision : null,
  });
  await makeFolder(out);
  for (const [name, content] of files) await writeWhole(`${out}/${name}`, content);
  if (!isBare) return;
  const { encoder } = splitTensors(config, base);
  const { task: { output }, base: baseFiles } = trained;
  await writeMergedFolder(`${out}/${baseFolder}`, {
    config,
    tensors: encoder,
    output,
    base: baseFiles,
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
  const base = parseJson(merged.base.config, "config.json") as Readonly<Record<string, unknown>>;
  const modelType = String(base["model_type"]);
  const { configJson, tensors, changes } = bottleneckExport({
    config,
    adapter,
    modules: targetModules(config, summedParts),
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
 * @param fetching How a base on the hub is fetched. Default: by this process's environment and network.
 *
 * @throws {UntrustedCodeError} If its record names code that is not trusted.
 * @throws {UsageError} If it is none, or its base is not there any more.
 * @throws {RangeError} If the format cannot hold the model, or the folder to write is not empty.
 * @throws {StorageError} If the folder cannot be written; nothing is kept of it then.
 */
export async function exportRun(
  folder: string,
  options: ExportOptions,
  fetching?: Fetching,
): Promise<ExportResult> {
  const trained = await readTrainedRun(folder, options, fetching);
  const { format, out } = options;
  await writeExport(out, async (folder) => {
    if (format === "peft") await writePeftFolder(trained, options, folder);
    else if (format === "adapters") await writeAdaptersFolder(trained, folder);
    else if (format === "merged") {
      checkOfWeights(trained, "merged weights");
      await writeMergedFolder(folder, mergedModel(trained));
    } else await writeOnnxFolder(folder, mergedModel(trained), trained.branches);
    await writeWhole(
      `${folder}/README.md`,
      exportReadme(trained, { format, rank: options.rank ?? null }),
    );
  });
  const hasLines = needsLines({ format, config: trained.model.config });
  return { out, withoutRank: trained.withoutRank, hasLines };
}

const advice = { safe: "nothing is kept of this export", option: "--out" } as const;

/** Names without which no program loads a folder: they come last. */
const lastNames: readonly string[] = ["adapter_config.json", "config.json", "README.md"];

async function inOrder(folder: string): Promise<readonly string[]> {
  const rank = (name: string) => lastNames.indexOf(name);
  return [...await namesIn(folder)].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Refuses a folder with something in it, and removes what a killed export left there. */
async function checkEmpty(out: string): Promise<void> {
  for (const name of await namesIn(out)) {
    if (isUnderWay(name)) {
      await removeTree(`${out}/${name}`);
      continue;
    }
    throw new RangeError(
      `Cannot write into "${out}": found "${name}" there, want a new or empty folder; choose another by --out`,
    );
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Writes a folder that is new or empty: in a folder within it, out of which all is moved when it is whole.
 *
 * @param write Makes the folder whose path it gets, and writes into it.
 *
 * @throws {RangeError} If something is in the folder.
 * @throws {StorageError} If it cannot be written; it is as it was then.
 */
export async function writeExport(
  out: string,
  write: (folder: string) => Promise<void>,
): Promise<void> {
  const wasThere = await isThere(out);
  if (wasThere) await checkEmpty(out);
  // Within it, since a process may have been allowed to write there and nowhere else.
  const folder = `${out}/.${newToken()}.part`;
  const moved: string[] = [];
  try {
    await write(folder);
    await writing(out, async () => {
      await denoDisk.syncFolder(folder);
      for (const name of await inOrder(folder)) {
        await denoDisk.rename(`${folder}/${name}`, `${out}/${name}`);
        moved.push(name);
      }
      await denoDisk.removeEmpty(folder);
      await denoDisk.syncFolder(out);
    });
  } catch (error) {
    for (const name of moved.toReversed()) await denoDisk.removeTree(`${out}/${name}`);
    await removeRest(folder);
    if (!wasThere) await denoDisk.removeEmpty(out);
    throw error instanceof StorageError ? new StorageError(out, error.cause, advice) : error;
  }
}

/** Removes what was written of an export that failed; on a disk that is read-only there is none. */
async function removeRest(folder: string): Promise<void> {
  if (await isThere(folder)) await denoDisk.removeTree(folder);
}
