/**
 * Packing the results folder of a finished study into one file, and unpacking it.
 *
 * @module
 */
import { UsageError } from "../../base/input_error.ts";
import { type FileContent, openPack, packFiles, packSuffix } from "../../record/pack.ts";
import {
  folderReader,
  openResults,
  outputFolder,
  type ResultsReader,
  type StoredRun,
  wantWithin,
  within,
} from "../../record/results_reader.ts";
import { isWeights } from "../../record/checkpoint_file.ts";
import { makeFolder, readIfThere, writeWhole } from "../../record/durable.ts";
import { readEach } from "../../record/read_bounded.ts";
import { readStoredStudy, wantFolder } from "../stored_study.ts";
import { readStudyRuns } from "../study_results.ts";
import { thinnedRun, thinRule } from "./thinning.ts";

/** How a study is packed. */
export interface PackOptions {
  /** The file to write. Default: the folder's name with `.ranklab.zip`, beside the folder. */
  readonly out?: string;
  /** Whether the trained parameters (`*.safetensors`) go along. Default false. */
  readonly weights?: boolean;
  /**
   * Keeps one step in so many of the journals of steps, besides the first, the last, and those of evaluations and rank events; a whole
   * number from 2. Default: journals are packed as they are.
   */
  readonly thin?: number;
}

/** What was packed. */
export interface Packed {
  /** The file that was written. */
  readonly out: string;
  /** How many files are in it. */
  readonly files: number;
  /** Bytes of the files, and of the pack. */
  readonly bytes: { readonly files: number; readonly pack: number };
  /** Files with weights that were left out. */
  readonly weightsLeftOut: number;
  /** Lines of journals of steps that were left out. */
  readonly stepsLeftOut: number;
}

/** What follows from the rest, or is left of a write that was cut off. */
const leftOut = /(^|\/)(report|under-way)\/|\.part$/;

/**
 * The runs of a study, its replay and its tuning. A study or a replay with runs that have no record yet is refused, since its folder
 * is under way; a tuning may have been left with fewer.
 */
async function finishedRuns(
  reader: ResultsReader,
  doing = "sweep",
): Promise<readonly StoredRun[]> {
  const stored = await readStoredStudy(reader);
  const recorded = await readStudyRuns(reader, stored, ({ folder, problem }) => {
    throw new UsageError(
      `Cannot pack "${reader.path}": the run ${folder} is damaged: ${problem}; delete its folder and ${doing} again`,
    );
  });
  const missing = stored.runs.length - recorded.length;
  if (missing > 0 && doing !== "tune") {
    throw new UsageError(
      `Cannot pack "${reader.path}": found ${missing} of ${stored.runs.length} runs without a record, want a ` +
        `finished study; run deno task ${doing} again first`,
    );
  }
  const more: StoredRun[] = [];
  for (const [place, doing] of [["replay", "ablate"], ["tuning", "tune"]] as const) {
    const inner = within(reader, place);
    if (await inner.has("study.json")) more.push(...await finishedRuns(inner, doing));
  }
  return [...recorded, ...more];
}

async function isFree(path: string, bytes: Uint8Array): Promise<boolean> {
  const present = await readIfThere(path);
  return present === null ||
    present.length === bytes.length && present.every((byte, i) => byte === bytes[i]);
}

/**
 * Packs a finished study. Reports are left out, since `deno task report` makes them again.
 *
 * @throws {UsageError} If the folder holds no study, one that is not finished or is damaged, another file is at `out`, or its
 * journals cannot be thinned as `thin` says.
 * @throws {PackError} If it is more than an archive can hold.
 */
export async function packStudy(folder: string, options: PackOptions = {}): Promise<Packed> {
  wantFolder(folder, "pack", "it is packed already");
  const bare = folder.replace(/\/+$/, "");
  const { out = bare + packSuffix, weights = false, thin } = options;
  if (!out.endsWith(packSuffix)) {
    throw new UsageError(
      `Cannot pack "${folder}" into "${out}": want a name that ends in ${packSuffix}`,
    );
  }
  if (thin !== undefined && !(Number.isSafeInteger(thin) && thin >= 2)) {
    throw new UsageError(
      `Cannot thin the journals of "${folder}": found ${thin}, want a whole number from 2: one step in so many is kept`,
    );
  }
  const reader = folderReader(bare);
  const runs = await finishedRuns(reader);
  const rule = thinRule(runs, thin, bare);
  const thinned = new Map<string, Uint8Array>();
  let stepsLeftOut = 0;
  for (const run of thin === undefined ? [] : runs) {
    const place = run.folder.slice(bare.length + 1);
    const made = await thinnedRun(within(reader, place), run, thin!);
    for (const { path, bytes } of made?.files ?? []) thinned.set(`${place}/${path}`, bytes);
    stepsLeftOut += made?.leftOut ?? 0;
  }
  const present = (await reader.list()).filter((path) => !leftOut.test(path));
  const paths = present.filter((path) => weights || !isWeights(path));
  for (const path of paths) await wantWithin(bare, `${bare}/${path}`);
  const files = await readEach(paths, async (path): Promise<FileContent> => ({
    path,
    bytes: thinned.get(path) ?? await Deno.readFile(`${bare}/${path}`),
  }));
  const archive = packFiles(files, out, rule);
  // The folder may be deleted once it is packed, so what was packed is read back first.
  const pack = openPack(archive, out);
  for (const { path } of pack.files) pack.read(path);
  if (!await isFree(out, archive)) {
    throw new UsageError(
      `Cannot pack "${folder}": found another file "${out}", want none there; delete it or choose another with --out`,
    );
  }
  await writeWhole(out, archive);
  return {
    out,
    files: files.length,
    bytes: {
      files: files.reduce((sum, { bytes }) => sum + bytes.length, 0),
      pack: archive.length,
    },
    weightsLeftOut: present.length - paths.length,
    stepsLeftOut,
  };
}

/**
 * Sees that a file is named as packed studies are.
 *
 * @throws {UsageError} If it is not.
 */
export function checkPacked(file: string): void {
  if (file.endsWith(packSuffix)) return;
  throw new UsageError(`Cannot unpack "${file}": want a packed study, NAME${packSuffix}`);
}

/**
 * Unpacks a study. All hashes are checked before anything is written, and `study.json` comes last, so that a folder which has it
 * is whole.
 *
 * @param file A packed study.
 * @param out The folder to make. Default: the pack's name without its ending.
 *
 * @throws {UsageError} If `file` names no pack, or `out` holds a study.
 * @throws {PackError} If the pack is damaged.
 */
export async function unpackStudy(
  file: string,
  out: string = outputFolder(file),
): Promise<{ readonly out: string; readonly files: number }> {
  checkPacked(file);
  if (await folderReader(out).has("study.json")) {
    throw new UsageError(
      `Cannot unpack "${file}": found a study in "${out}", want a folder without one; choose another with --out`,
    );
  }
  const reader = await openResults(file);
  const files: FileContent[] = [];
  for (const path of await reader.list()) files.push({ path, bytes: (await reader.read(path))! });
  files.sort((a, b) => Number(a.path === "study.json") - Number(b.path === "study.json"));
  for (const { path, bytes } of files) {
    const target = `${out}/${path}`;
    await makeFolder(target.slice(0, target.lastIndexOf("/")));
    await writeWhole(target, bytes);
  }
  return { out, files: files.length };
}
