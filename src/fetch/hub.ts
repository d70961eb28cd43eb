/**
 * Encoders from the Hugging Face hub, in a cache that is laid out like the hub's own.
 *
 * `models--OWNER--NAME/snapshots/<commit>/` holds the files, `refs/<revision>` the commit that a revision was when it
 * was fetched, `blobs/<etag>.incomplete` what has arrived of a file, `checksums/<commit>/` the hashes that the hub told. Files are not links into `blobs/`, since Deno makes
 * links only for those who may write everywhere; Python's `huggingface_hub` reads both, and so does this.
 *
 * @module
 */
import { digestOf } from "../base/hash.ts";
import { errorMessage, InputError, shown } from "../base/input_error.ts";
import { parseJson } from "../base/read_json.ts";
import { decodeText } from "../base/read_text.ts";
import * as z from "zod";
import { parseConfig } from "../models/architectures.ts";
import {
  modelFileNames,
  type ModelSource,
  shardNames,
  sourceTitle,
  weightsFile,
  weightsIndexFile,
} from "../models/sources.ts";
import { mostFileBytes, readBounded } from "../record/read_bounded.ts";
import {
  makeFolder,
  namesIn,
  newToken,
  readIfThere,
  removeIfThere,
  writeWhole,
} from "../record/durable.ts";
import { type Checksum, ensureFile, sizeOf } from "./download.ts";
import { FetchError, hubAdvice } from "./fetch_error.ts";
import { send, type Transport, type WebRequest } from "./transport.ts";

/** The hub that is asked unless `HF_ENDPOINT` names another. */
const defaultEndpoint = "https://huggingface.co";

/** Where fetched models are kept unless `HF_HOME` is set. */
const defaultCache = ".cache/models";

/** Which hub, as whom, and where to. */
export interface HubAccess {
  /** URL of the hub without a slash at its end; default {@linkcode defaultEndpoint}. */
  readonly endpoint: string;
  /** Sent to the hub's own host alone; null for public models. */
  readonly token: string | null;
  /** The folder with `models--OWNER--NAME/` folders. */
  readonly cache: string;
}

/** A model of the hub. */
export type HubModel = Extract<ModelSource, { readonly kind: "hub" }>;

/** A model's files at one commit, on this machine. */
interface HubSnapshot {
  readonly folder: string;
  readonly commit: string;
}

/** What a variable holds, or null where it is unset or empty. */
function textOf(read: ReadVariable, name: string): string | null {
  const value = read(name)?.trim();
  return value === undefined || value === "" ? null : value;
}

type ReadVariable = (name: string) => string | undefined;

const ownVariable: ReadVariable = (name) => Deno.env.get(name);

/**
 * The folder of the cache: `hub/` in `HF_HOME`, or {@linkcode defaultCache}.
 *
 * @param read Reads a variable. Default: that of this process.
 */
export function hubCache(read: ReadVariable = ownVariable): string {
  const home = textOf(read, "HF_HOME");
  return home === null ? defaultCache : `${home.replace(/\/+$/, "")}/hub`;
}

/**
 * The access that the environment asks for: `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME` (files go to its `hub/`); unset or empty
 * ones have their defaults.
 *
 * @param read Reads a variable. Default: that of this process.
 */
export function hubAccess(read: ReadVariable = ownVariable): HubAccess {
  return {
    endpoint: (textOf(read, "HF_ENDPOINT") ?? defaultEndpoint).replace(/\/+$/, ""),
    token: textOf(read, "HF_TOKEN"),
    cache: hubCache(read),
  };
}

function modelFolder({ cache }: Pick<HubAccess, "cache">, repository: string): string {
  return `${cache}/models--${repository.replaceAll("/", "--")}`;
}

/** A name that cannot lead out of the snapshot's folder. */
const plainName = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

const commitPattern = /^[0-9a-f]{40}$/;

/** The commit that a revision was when it was fetched; null if it never was. */
async function cachedCommit(folder: string, revision: string): Promise<string | null> {
  if (commitPattern.test(revision)) return revision;
  const bytes = await readIfThere(`${folder}/refs/${revision}`);
  const commit = bytes === null ? "" : new TextDecoder().decode(bytes).trim();
  return commitPattern.test(commit) ? commit : null;
}

async function textAt(path: string): Promise<string> {
  return decodeText(await readBounded(path, mostFileBytes.json), path);
}

/** The weights' files of a snapshot whose small files are there. */
async function weightNames(
  folder: string,
  weights: string,
  listing: readonly string[],
): Promise<readonly string[]> {
  if (weights !== weightsIndexFile) return [weights];
  return shardNames(await textAt(`${folder}/${weightsIndexFile}`), listing, folder);
}

/** Whether a snapshot has every file that is read. Weights are fetched last, so that nothing is missing before them. */
async function isComplete(folder: string): Promise<boolean> {
  const listing = [...await namesIn(folder)];
  try {
    const { weights } = modelFileNames(listing, folder);
    await weightNames(folder, weights, listing);
    return true;
  } catch (error) {
    // What both say of a file that is missing.
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** The snapshot of a model in the cache, without any request; null if it is not there, or not whole. */
export async function cachedSnapshot(
  access: Pick<HubAccess, "cache">,
  model: HubModel,
): Promise<HubSnapshot | null> {
  const folder = modelFolder(access, model.repository);
  const commit = await cachedCommit(folder, model.revision);
  if (commit === null) return null;
  const snapshot = `${folder}/snapshots/${commit}`;
  return await isComplete(snapshot) ? { folder: snapshot, commit } : null;
}

const infoSchema = z.object({
  sha: z.string().regex(commitPattern),
  siblings: z.array(z.object({ rfilename: z.string() })),
});

type Info = z.infer<typeof infoSchema>;

type Ask = (path: string, title: string) => WebRequest;

async function infoOf(model: HubModel, ask: Ask, transport: Transport): Promise<Info> {
  const revision = encodeURIComponent(model.revision);
  const request = ask(`api/models/${model.repository}/revision/${revision}`, sourceTitle(model));
  const { response } = await send(request, transport);
  const text = await response.text();
  try {
    return infoSchema.parse(parseJson(text, request.title));
  } catch (cause) {
    throw new FetchError(
      `"${request.title}"`,
      `found another answer than the hub's ("sha" and "siblings"), want the hub or a mirror of it; check HF_ENDPOINT`,
      { url: request.url, cause },
    );
  }
}

async function metadataOf(request: WebRequest, transport: Transport) {
  const { response, firstHeaders } = await send({ ...request, method: "HEAD" }, transport);
  const linked = firstHeaders.get("x-linked-etag");
  const etag = (linked ?? response.headers.get("etag") ?? "").replace(/^W\//, "").replaceAll(
    '"',
    "",
  );
  const isHome = response.status === 200;
  const size = firstHeaders.get("x-linked-size") ??
    (isHome ? response.headers.get("content-length") : null);
  const checksum: Checksum | null = /^[0-9a-f]{64}$/.test(etag)
    ? { kind: "sha256", hex: etag }
    : /^[0-9a-f]{40}$/.test(etag)
    ? { kind: "git-sha1", hex: etag }
    : null;
  return { etag, sizeBytes: size === null ? null : Number(size), checksum };
}

/** Fails where a model has no weights that can be read. */
function checkListing(names: readonly string[], title: string): void {
  if (names.includes(weightsFile) || names.includes(weightsIndexFile)) return;
  const other = names.find((name) => /\.(?:bin|h5|msgpack|onnx)$/.test(name));
  throw new InputError({
    doing: "Cannot load",
    file: title,
    found: other === undefined ? "no weights" : `only "${other}"`,
    wanted: weightsFile,
    fix:
      `name a revision that has it (the hub keeps conversions at refs/pr/N, see the model's discussions), or convert it ` +
      `with save_pretrained of Python's transformers and give the folder by --model DIR`,
  });
}

/**
 * Fetches what is read of a model: the configuration, which is checked first, then the tokenizer, then the weights.
 *
 * The hub is always asked which commit the revision is now; files of that commit that are there are not fetched again.
 *
 * @throws {FetchError} If the hub refuses or cannot be reached, or a file is broken.
 * @throws {InputError} If the model is of no known architecture, or has no weights or tokenizer that can be read.
 */
export async function fetchSnapshot(
  access: HubAccess,
  model: HubModel,
  transport: Transport,
): Promise<HubSnapshot> {
  const title = sourceTitle(model);
  const { endpoint, token } = access;
  const advice = hubAdvice({ token, title });
  const ask: Ask = (path, name) => ({ url: `${endpoint}/${path}`, title: name, token, advice });
  const { sha: commit, siblings } = await infoOf(model, ask, transport);
  const listing = siblings.map(({ rfilename }) => rfilename);
  checkListing(listing, title);
  const { config, weights, ...tokenizer } = modelFileNames(listing, title);
  const home = modelFolder(access, model.repository);
  const folder = `${home}/snapshots/${commit}`;
  const ensure = async (name: string) => {
    if (!plainName.test(name)) {
      throw new InputError({
        file: title,
        found: `the file "${shown(name)}"`,
        wanted: "a file beside config.json",
        message: `Cannot fetch "${shown(name)}" of "${title}": want a file beside config.json`,
      });
    }
    const path = `${folder}/${name}`;
    if (await sizeOf(path) !== null) return;
    const request = ask(`${model.repository}/resolve/${commit}/${name}`, `${title} ${name}`);
    const { etag, sizeBytes, checksum } = await metadataOf(request, transport);
    const part = checksum === null ? `${commit}-${name}` : etag;
    if (checksum !== null) await writeChecksum(checksumPath(folder, name), checksum);
    await ensureFile(
      { ...request, path, part: `${home}/blobs/${part}.incomplete`, sizeBytes, checksum },
      transport,
    );
  };
  await ensure(config);
  const configPath = `${folder}/${config}`;
  parseConfig(await textAt(configPath), configPath);
  for (const name of Object.values(tokenizer)) if (name !== null) await ensure(name);
  if (weights === weightsIndexFile) await ensure(weights);
  for (const name of await weightNames(folder, weights, listing)) await ensure(name);
  if (!commitPattern.test(model.revision)) await writeReference(home, model.revision, commit);
  return { folder, commit };
}

/** Notes the commit of a revision; any number of processes may do so at once. */
async function writeReference(home: string, revision: string, commit: string): Promise<void> {
  // A cache that nobody may write to is still read.
  if (await cachedCommit(home, revision) === commit) return;
  const path = `${home}/refs/${revision}`;
  // Not beside the reference, where all files are taken for revisions.
  const part = `${home}/blobs/${newToken()}.incomplete`;
  try {
    for (const file of [path, part]) {
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    }
    await Deno.writeTextFile(part, commit);
    await Deno.rename(part, path);
  } catch (cause) {
    await removeIfThere(part).catch(() => {
      // What failed is reported below; a part that stays is read by nobody.
    });
    throw new Error(`Cannot write "${path}": ${errorMessage(cause)}`, { cause });
  }
}

/** Where the hash of a snapshot's file is kept, as the hub told it. */
function checksumPath(folder: string, name: string): string {
  return `${folder.replace(/\/snapshots\/(?=[^/]*$)/, "/checksums/")}/${name}`;
}

async function writeChecksum(path: string, { kind, hex }: Checksum): Promise<void> {
  await makeFolder(path.slice(0, path.lastIndexOf("/")));
  await writeWhole(path, `${kind} ${hex}\n`);
}

/**
 * Sees that a file of a snapshot is still what was fetched. Where the hub told no hash, or another program fetched the file, there
 * is none to compare with.
 *
 * @throws {InputError} If it has changed.
 */
export async function checkCached(
  folder: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const stored = await readIfThere(checksumPath(folder, name));
  if (stored === null) return;
  const [kind, wanted] = new TextDecoder().decode(stored).trim().split(" ");
  const found = kind === "sha256" ? await digestOf(bytes) : await gitHashOf(bytes);
  if (found === wanted) return;
  throw new InputError({
    doing: "Cannot load",
    file: `${folder}/${name}`,
    found: `other contents (${kind} ${found}) than were fetched`,
    wanted: `${kind} ${wanted}`,
    fix: "delete this file, then run deno task models fetch with the model's name",
  });
}

async function gitHashOf(bytes: Uint8Array): Promise<string> {
  const head = new TextEncoder().encode(`blob ${bytes.length}\0`);
  const whole = new Uint8Array(head.length + bytes.length);
  whole.set(head);
  whole.set(bytes, head.length);
  return new Uint8Array(await crypto.subtle.digest("SHA-1", whole)).toHex();
}

/** A model in a cache. */
export interface CachedModel {
  readonly repository: string;
  /** The revisions that are known, each with its commit. */
  readonly revisions: readonly { readonly revision: string; readonly commit: string }[];
  /** Commits with all files. */
  readonly commits: readonly string[];
}

/** The revisions below a folder of references; those of conversions are nested. */
async function revisionsIn(folder: string, prefix = ""): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of [...await namesIn(`${folder}/${prefix}`)].sort()) {
    const { isDirectory } = await Deno.stat(`${folder}/${prefix}${name}`);
    if (isDirectory) found.push(...await revisionsIn(folder, `${prefix}${name}/`));
    else found.push(`${prefix}${name}`);
  }
  return found;
}

/** Everything in a cache, without any request. */
export async function cachedModels(
  access: Pick<HubAccess, "cache">,
): Promise<readonly CachedModel[]> {
  const models: CachedModel[] = [];
  for (const name of [...await namesIn(access.cache)].sort()) {
    if (!name.startsWith("models--")) continue;
    const folder = `${access.cache}/${name}`;
    const repository = name.slice("models--".length).replaceAll("--", "/");
    const revisions: { revision: string; commit: string }[] = [];
    for (const revision of await revisionsIn(`${folder}/refs`)) {
      const commit = await cachedCommit(folder, revision);
      if (commit !== null) revisions.push({ revision, commit });
    }
    const commits: string[] = [];
    for (const commit of [...await namesIn(`${folder}/snapshots`)].sort()) {
      if (await isComplete(`${folder}/snapshots/${commit}`)) commits.push(commit);
    }
    models.push({ repository, revisions, commits });
  }
  return models;
}
