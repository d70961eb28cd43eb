/**
 * The official GLUE files, fetched into the layout that `--data` expects.
 *
 * @module
 */
import { InputError } from "../base/input_error.ts";
import { decodeText } from "../base/read_text.ts";
import { type GlueArchive, type PublishedFile, splitMrpc } from "../tasks/glue_archives.ts";
import { mostFileBytes, readBounded } from "../record/read_bounded.ts";
import { makeFolder, writeWhole } from "../record/durable.ts";
import { ensureFile, sizeOf } from "./download.ts";
import { plainAdvice } from "./fetch_error.ts";
import type { Transport } from "./transport.ts";
import { zipFiles } from "./zip.ts";

/** Where GLUE data go unless `--data` says otherwise. */
export const defaultGlueFolder = ".cache/glue";

interface GlueFetching {
  /** The folder that `--data` of a sweep gets. */
  readonly folder: string;
  /** A server that has the same files under their own names, or null for the published addresses. */
  readonly mirror: string | null;
  readonly transport: Transport;
}

function nameOf({ url }: PublishedFile): string {
  return url.slice(url.lastIndexOf("/") + 1);
}

/** A published file in the folder's `archives/`. */
async function archiveOf(
  file: PublishedFile,
  { folder, mirror, transport }: GlueFetching,
): Promise<string> {
  const name = nameOf(file);
  const path = `${folder}/archives/${name}`;
  const { sizeBytes, sha256 } = file;
  await ensureFile({
    url: mirror === null ? file.url : `${mirror.replace(/\/+$/, "")}/${name}`,
    title: name,
    advice: plainAdvice,
    path,
    part: `${path}.part`,
    sizeBytes,
    checksum: { kind: "sha256", hex: sha256 },
  }, transport);
  return path;
}

/** The texts of a task's files, by their paths below the folder, and the archives that they are from. */
async function filesOf(archive: GlueArchive, fetching: GlueFetching) {
  if (archive.kind === "zip") {
    const path = await archiveOf(archive.archive, fetching);
    const bytes = await readBounded(path, mostFileBytes.weights);
    const files = zipFiles(bytes, archive.files, path);
    return { files, archives: [path] };
  }
  const pairs = await archiveOf(archive.pairs, fetching);
  const devIds = await archiveOf(archive.devIds, fetching);
  const text = async (path: string) =>
    decodeText(await readBounded(path, mostFileBytes.text), path);
  const splits = splitMrpc(await text(pairs), await text(devIds));
  const encoder = new TextEncoder();
  const files = new Map(
    Object.entries(splits).map(([split, text]) => [`MRPC/${split}.tsv`, encoder.encode(text)]),
  );
  return { files, archives: [pairs, devIds] };
}

/**
 * Fetches one task unless its files are there; a file that is there is left as it is, and archives are removed once their
 * files are out.
 *
 * @returns Whether it had to be fetched.
 *
 * @throws {FetchError} If a file cannot be fetched, or is not the published one.
 * @throws {InputError} If an archive is broken, or lacks a file.
 */
export async function fetchGlueTask(
  archive: GlueArchive,
  fetching: GlueFetching,
): Promise<boolean> {
  const { folder } = fetching;
  const wanted: string[] = [];
  for (const file of archive.files) {
    if (await sizeOf(`${folder}/${file}`) === null) wanted.push(file);
  }
  if (wanted.length === 0) return false;
  const { files, archives } = await filesOf(archive, fetching);
  const missing = archive.files.find((file) => !files.has(file));
  if (missing !== undefined) {
    throw new InputError({
      doing: "Cannot unpack",
      file: archives[0]!,
      found: `no "${missing}" in it`,
      wanted: archive.files.join(", "),
    });
  }
  await makeFolder(`${folder}/${archive.task}`);
  for (const file of wanted) await writeWhole(`${folder}/${file}`, files.get(file)!);
  for (const path of archives) await Deno.remove(path);
  return true;
}
