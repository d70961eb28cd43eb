/**
 * The files that ship with ranklab: the embedded encoder, the embedded tasks and the study that commands take where none is named.
 *
 * In a checkout they lie beside the modules. Where ranklab is imported from a registry, Deno fetches its modules alone, so the
 * files follow once into a cache.
 *
 * @module
 */
import config from "../../deno.json" with { type: "json" };
import { embeddedModelFiles, embeddedModelFolder } from "../models/sources.ts";
import { embeddedFolder, embeddedTasks } from "../tasks/catalog.ts";
import { ensureFile } from "./download.ts";
import { plainAdvice } from "./fetch_error.ts";
import type { Transport } from "./transport.ts";

interface OwnPlace {
  /** The folder of ranklab's `deno.json`, with a slash at its end. */
  readonly home: URL;
  /** The folder that the files are fetched into. */
  readonly cache: string;
}

/** The folder that holds those of every version. */
export const ownCache = ".cache/ranklab";

const here: OwnPlace = {
  home: new URL("../../", import.meta.url),
  cache: `${ownCache}/${config.version}`,
};

/** Paths of the files from ranklab's folder on. */
export const ownFiles: readonly string[] = [
  ...embeddedModelFiles.map((name) => new URL(name, embeddedModelFolder)),
  ...embeddedTasks.flatMap(({ splits }) => Object.values(splits).flat())
    .map(({ path }) => new URL(path, embeddedFolder)),
  new URL("experiments/quickstart.json", here.home),
].map(({ href }) => href.slice(here.home.href.length));

function isRemote({ home }: Pick<OwnPlace, "home">): boolean {
  return home.protocol !== "file:";
}

/**
 * The path of one of ranklab's own files or folders on this machine; {@linkcode bringOwnFiles} makes sure that it is there.
 *
 * @param path From ranklab's folder on.
 */
export function ownPath(path: string, { home, cache }: OwnPlace = here): string {
  return isRemote({ home })
    ? `${cache}/${path}`
    : decodeURIComponent(new URL(path, home).pathname).replace(/\/$/, "");
}

/**
 * Fetches ranklab's own files, unless they are on this machine.
 *
 * @param transport Asked only where something is missing.
 *
 * @throws {FetchError} If they cannot be fetched.
 */
export async function bringOwnFiles(
  transport: () => Transport,
  { home, cache }: OwnPlace = here,
): Promise<void> {
  if (!isRemote({ home })) return;
  for (const name of ownFiles) {
    const path = ownPath(name, { home, cache });
    const file = {
      url: new URL(name, home).href,
      title: name,
      advice: plainAdvice,
      path,
      part: `${path}.part`,
      sizeBytes: null,
      checksum: null,
    };
    await ensureFile(file, transport());
  }
}
