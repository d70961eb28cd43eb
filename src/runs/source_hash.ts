/**
 * The hash of a module's source: its own text, and that of every local module it names.
 *
 * @module
 */
import { hashBytes, hashParts } from "../base/hash.ts";
import { readIfThere } from "../record/durable.ts";

const root = new URL("../../", import.meta.url).href;

/**
 * Text in quotes that names a local module: relative, absolute or a `file:` URL. Comments are not told from code, so a module
 * that only a comment names counts too, which costs nothing but a new hash when it changes.
 */
const localModule = /(["'`])((?:\.{1,2}|file:\/\/)?\/[^"'`\n$]*\.(?:[cm]?[jt]sx?|json|wasm))\1/g;

/** Whether a module is ranklab's own, which its version and commit stand for. */
function isRanklab(url: string): boolean {
  return url === `${root}mod.ts` || url.startsWith(`${root}src/`);
}

/** A file's path as seen from the module that is hashed, so that the hash does not depend on where both lie. */
function pathFrom(module: URL, url: string): string {
  const folders = (path: string) => path.split("/").slice(0, -1);
  const [from, to] = [folders(module.pathname), folders(new URL(url).pathname)];
  const parting = from.findIndex((name, i) => name !== to[i]);
  const shared = parting === -1 ? from.length : parting;
  return [...from.slice(shared).map(() => ".."), ...to.slice(shared), url.split("/").at(-1)]
    .join("/");
}

/**
 * SHA-256 of a module with the local modules (and JSON and WebAssembly files) that it names, and those that they name. Ranklab's
 * own modules, packages and remote modules are left out, and so is the module's own name.
 *
 * @returns Null if there is no such file.
 */
export async function sourceHash(module: URL): Promise<string | null> {
  const bytes = await readIfThere(fileOf(module));
  if (bytes === null) return null;
  const parts: Record<string, string> = {};
  const seen = new Set([module.href]);
  const visit = async (url: string, name: string, content: Uint8Array): Promise<void> => {
    parts[name] = hashBytes(content);
    const text = new TextDecoder().decode(content);
    for (const [, , specifier] of text.matchAll(localModule)) {
      const next = new URL(specifier!, url);
      if (seen.has(next.href) || isRanklab(next.href)) continue;
      seen.add(next.href);
      const found = await readIfThere(fileOf(next));
      if (found !== null) await visit(next.href, pathFrom(module, next.href), found);
    }
  };
  await visit(module.href, "", bytes);
  return hashParts(parts);
}

/** The path of a `file:` URL. */
function fileOf(url: URL): string {
  return decodeURIComponent(url.pathname);
}
