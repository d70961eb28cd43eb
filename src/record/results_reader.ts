/**
 * Reading what a study left, wherever it lies: in a folder, or packed into one file.
 *
 * @module
 */
import { dirname } from "node:path";
import { UsageError } from "../base/input_error.ts";
import { openPack, packSuffix } from "./pack.ts";
import { denoDisk, type Disk } from "./disk.ts";
import { readIfThere } from "./durable.ts";
import { isMissing } from "./read_bounded.ts";
import { decodeText } from "../base/read_text.ts";
import { checkPrint, DamagedFileError, parseJsonFile } from "./damage.ts";
import { checkThinned, thinText } from "./thinned.ts";
import { type Parser, readJsonl } from "./parser.ts";
import {
  parseEvaluationLine,
  parseImportanceLine,
  parsePredictionLine,
  parseRankLine,
  parseRunAblation,
  parseRunRecord,
  parseRunState,
  parseSlotScores,
  parseStepLine,
} from "./schema.ts";
import type { RunAblation, RunRecord, RunResults, RunState } from "./types.ts";

/** Files below one place; paths start there and have `/` between their parts. */
export interface ResultsReader {
  /** How errors name the place. */
  readonly path: string;
  /** The paths of all files, in order. */
  list(): Promise<readonly string[]>;
  /** Whether there is a file of that path. */
  has(path: string): Promise<boolean>;
  /**
   * The contents of a file, or null where there is none.
   *
   * @throws {PackError} If it is packed and damaged.
   */
  read(path: string): Promise<Uint8Array | null>;
  /** Of a pack: one step in so many that thinned journals have, or null where the pack says that all are whole. */
  readonly thinned?: number | null;
}

/** The paths of all files below a folder, each after `start`. */
export async function filesBelow(folder: string, start: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await filesBelow(`${folder}/${name}`, `${start}${name}/`));
    else found.push(`${start}${name}`);
  }
  return found;
}

async function realPath(path: string): Promise<string | null> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/**
 * Refuses a path in a results folder that a link leads out of the folder: results of others must not name other files.
 *
 * @throws {UsageError} If it does; the message has the path and where it leads.
 */
export async function wantWithin(folder: string, path: string): Promise<void> {
  const root = await realPath(folder);
  if (root === null) return;
  let at = path;
  let real = await realPath(at);
  for (; real === null && at !== folder && at !== dirname(at); real = await realPath(at)) {
    at = dirname(at);
  }
  if (real === null || real === root || real.startsWith(`${root.replace(/\/$/, "")}/`)) return;
  throw new UsageError(
    `Cannot use "${path}": a link leads to "${real}", want a path that stays in "${folder}"; remove the link`,
  );
}

/** Whether there is a file at a path. */
export async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Reads a folder, and no file that a link in it leads to elsewhere. */
export function folderReader(folder: string): ResultsReader {
  return {
    ...diskReader(folder, denoDisk),
    read: async (path) => {
      await wantWithin(folder, `${folder}/${path}`);
      return await denoDisk.read(`${folder}/${path}`);
    },
    list: async () => (await filesBelow(folder, "")).toSorted(),
    has: (path) => isFile(`${folder}/${path}`),
  };
}

/** Reads a folder without folders in it, through a disk. */
export function diskReader(folder: string, disk: Disk): ResultsReader {
  return {
    path: folder,
    list: async () => [...await disk.names(folder)].toSorted(),
    has: async (path) => await disk.read(`${folder}/${path}`) !== null,
    read: (path) => disk.read(`${folder}/${path}`),
  };
}

/**
 * Reads a packed study.
 *
 * @param archive The pack.
 * @param path How errors name it.
 *
 * @throws {PackError} If it is none, or a damaged one.
 */
export function packReader(archive: Uint8Array, path: string): ResultsReader {
  const pack = openPack(archive, path);
  const paths = pack.files.map((file) => file.path);
  const known = new Set(paths);
  return {
    path,
    thinned: pack.thinned,
    list: () => Promise.resolve(paths),
    has: (file) => Promise.resolve(known.has(file)),
    read: async (file) => await pack.read(file),
  };
}

/** What lies in a folder of what a reader reads. */
export function within(reader: ResultsReader, folder: string): ResultsReader {
  const start = `${folder}/`;
  return {
    ...reader,
    path: `${reader.path}/${folder}`,
    list: async () =>
      (await reader.list()).filter((path) => path.startsWith(start))
        .map((path) => path.slice(start.length)),
    has: (path) => reader.has(start + path),
    read: (path) => reader.read(start + path),
  };
}

/** A pack in a path, and what of it is meant. */
const packedPath = /^(.*\.ranklab\.zip)(?:\/+(.+?))?\/*$/;

/** Whether a path names a packed study, or a folder in one. */
export function isPacked(path: string): boolean {
  return packedPath.test(path);
}

/**
 * Opens results for reading.
 *
 * @param path A study's or a run's folder; `<study>.ranklab.zip` for a packed study, and `<study>.ranklab.zip/<run>` for a run
 * in it.
 *
 * @throws {PackError} If it is a damaged pack.
 * @throws {UsageError} If it names a pack that is not there.
 */
export async function openResults(path: string): Promise<ResultsReader> {
  const match = packedPath.exec(path);
  if (match === null) return folderReader(path);
  const [, file = path, inner] = match;
  const archive = await readIfThere(file);
  if (archive === null) {
    throw new UsageError(
      `Cannot find "${file}": want a packed study, as deno task pack makes it`,
    );
  }
  const reader = packReader(archive, file);
  return inner === undefined ? reader : within(reader, inner);
}

/** A reader of results that are named by their path, as {@linkcode openResults} takes it, or have one already. */
export async function readerOf(source: string | ResultsReader): Promise<ResultsReader> {
  return typeof source === "string" ? await openResults(source) : source;
}

/** The folder that a command writes to which makes something of results: the study's own, or for a pack one of its name beside it. */
export function outputFolder(path: string): string {
  return path.endsWith(packSuffix) ? path.slice(0, -packSuffix.length) : path;
}

/** What a run left behind, and where it lies. */
export interface StoredRun extends RunResults {
  /** Its folder, or `<study>.ranklab.zip/<run>`. */
  readonly folder: string;
}

async function readLines<T>(
  reader: ResultsReader,
  name: string,
  parse: Parser<T>,
  { files = {} }: RunRecord,
): Promise<readonly T[]> {
  const bytes = await reader.read(name);
  await checkPrint(`${reader.path}/${name}`, bytes, files[name]);
  if (bytes === null) return [];
  return readJsonl(decodeText(bytes, `${reader.path}/${name}`), `${reader.path}/${name}`, parse)
    .lines;
}

async function readJson<T>(
  reader: ResultsReader,
  name: string,
  parse: Parser<T>,
  files: RunRecord["files"] = {},
): Promise<T | null> {
  const bytes = await reader.read(name);
  const path = `${reader.path}/${name}`;
  await checkPrint(path, bytes, files[name]);
  return bytes === null ? null : parse(parseJsonFile(bytes, path), path);
}

/** A run's folder, by its path or by a reader of it. */
export type RunSource = string | ResultsReader;

/**
 * The record in a run's folder, or null where there is none.
 *
 * @throws {DamagedFileError} If its journal was thinned by another rule than that of the pack that it is in.
 */
export async function readRecord(run: RunSource): Promise<RunRecord | null> {
  const reader = await readerOf(run);
  const record = await readJson(reader, "record.json", parseRunRecord);
  const { thinned: rule } = reader;
  const every = record?.thinned?.every;
  if (every === undefined || rule === undefined || every === rule) return record;
  throw new DamagedFileError(
    `${reader.path}/record.json`,
    `a journal of ${thinText(every)}`,
    `${rule === null ? "whole journals" : thinText(rule)}, as the pack's manifest says`,
  );
}

/**
 * What the record in a run's folder says of its state, or null where there is none; the rest is not checked.
 *
 * @throws {InputError} If it is no JSON.
 * @throws {RecordFormatError} If it is no record.
 */
export async function readRunState(run: RunSource): Promise<RunState | null> {
  return await readJson(await readerOf(run), "record.json", parseRunState);
}

/** The ablation in a run's folder, or null where there is none. */
export async function readAblation(run: RunSource): Promise<RunAblation | null> {
  return await readJson(await readerOf(run), "ablation.json", parseRunAblation);
}

/**
 * Reads one run, or gives null where its folder has no record yet.
 *
 * @param run Its folder, also in a packed study: `<study>.ranklab.zip/<run>`.
 *
 * @throws {DamagedFileError} If a file is not what the record says.
 * @throws {RecordFormatError} If a file holds something else than such a file does.
 * @throws {InputError} If a file is no text, or a line of it no JSON.
 */
export async function readRun(run: RunSource): Promise<StoredRun | null> {
  const reader = await readerOf(run);
  const record = await readRecord(reader);
  if (record === null) return null;
  const stored = {
    folder: reader.path,
    record,
    steps: await readLines(reader, "steps.jsonl", parseStepLine, record),
    evaluations: await readLines(reader, "evaluations.jsonl", parseEvaluationLine, record),
    ranks: await readLines(reader, "ranks.jsonl", parseRankLine, record),
    importance: await readLines(reader, "importance.jsonl", parseImportanceLine, record),
    predictions: await readLines(reader, "predictions.jsonl", parsePredictionLine, record),
    slots: await readJson(reader, "slots.json", parseSlotScores, record.files),
    ablation: await readAblation(reader),
  };
  checkThinned(stored, `${reader.path}/steps.jsonl`);
  return stored;
}
