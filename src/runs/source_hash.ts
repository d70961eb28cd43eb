/**
 * The hash of a module's source: its own text, and that of every local module that runs with it.
 *
 * @module
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ImportAttribute, Node } from "@babel/types";
import { hashBytes, hashParts } from "../base/hash.ts";
import { readIfThere } from "../record/durable.ts";

const root = new URL("../../", import.meta.url).href;

/**
 * Text in quotes that names a local module: relative, absolute or a `file:` URL. Comments are not told from code, so a module
 * that only a comment names counts too, which costs nothing but a new hash when it changes.
 */
const localModule = /(["'`])((?:\.{1,2}|file:\/\/)?\/[^"'`\n$]*\.(?:[cm]?[jt]sx?|json|wasm))\1/g;

/** Names by which code gets at modules, or at code made from text, that no syntax tells. */
const hiding = new Set([
  "Function",
  "SharedWorker",
  "Worker",
  "createRequire",
  "eval",
  "importScripts",
  "require",
]);

/** A module's source. */
export interface ModuleSource {
  /** SHA-256 of the module with what runs with it. */
  readonly hash: string;
  /** Where it may run what the hash does not cover, as `file.ts:12: eval`. */
  readonly uncovered: readonly string[];
}

/** Whether a module is ranklab's own, which its version and commit stand for. */
function isRanklab(url: string): boolean {
  return url === `${root}mod.ts` || url.startsWith(`${root}src/`);
}

/** A file's path as seen from the module that is hashed, so that the hash does not depend on where both lie. */
function pathFrom(module: URL, url: URL): string {
  const folders = (path: string) => path.split("/").slice(0, -1);
  const [from, to] = [folders(module.pathname), folders(url.pathname)];
  const parting = from.findIndex((name, i) => name !== to[i]);
  const shared = parting === -1 ? from.length : parting;
  return [...from.slice(shared).map(() => ".."), ...to.slice(shared), url.href.split("/").at(-1)]
    .join("/");
}

function fileOf(url: URL): string {
  return decodeURIComponent(url.pathname);
}

/** The URL of the file that is read for a specifier, whatever else that says; null where it names no local file. */
function localUrl(specifier: string, from: URL): URL | null {
  const isPath = /^(?:\.{0,2}\/|file:)/.test(specifier);
  try {
    const named = isPath ? new URL(specifier, from).href : import.meta.resolve(specifier);
    if (!named.startsWith("file:")) return null;
    const url = pathToFileURL(resolve(fileOf(new URL(named))));
    const isPackage = !isPath &&
      (url.pathname.includes("/node_modules/") || url.href.startsWith(`${root}vendor/`));
    return isPackage || isRanklab(url.href) ? null : url;
  } catch {
    // It names nothing, so that loading it fails too.
    return null;
  }
}

interface Imports {
  readonly specifiers: readonly string[];
  /** What is read as data. */
  readonly data: readonly string[];
  /** Lines at which it may run something else, and what stands there. */
  readonly uncovered: readonly (readonly [line: number, what: string])[];
}

function literalOf(node: Node | null | undefined): string | null {
  if (node?.type === "StringLiteral") return node.value;
  if (node?.type !== "TemplateLiteral" || node.quasis.length !== 1) return null;
  return node.quasis[0]!.value.cooked ?? null;
}

/** What `NAME(...)` is made of where an expression is that, after `new`. */
function madeBy(name: string, node: Node | undefined): readonly Node[] {
  if (node?.type !== "NewExpression" || node.callee.type !== "Identifier") return [];
  return node.callee.name === name ? node.arguments : [];
}

/** The module of `new Worker(new URL(literal, import.meta.url))`, `.href` or not; null for other expressions. */
function workerOf(node: Node): string | null {
  const [url] = madeBy("Worker", node);
  const [name, base] = madeBy("URL", url?.type === "MemberExpression" ? url.object : url);
  const isOwn = base?.type === "MemberExpression" && base.object.type === "MetaProperty";
  return isOwn ? literalOf(name) : null;
}

function isOfData(attributes: readonly ImportAttribute[] | null | undefined): boolean {
  return (attributes ?? []).some(({ key, value }) =>
    (key.type === "Identifier" ? key.name : key.value) === "type" &&
    ["json", "text", "bytes"].includes(value.value)
  );
}

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node).flat().filter((value) => typeof value?.type === "string" && value.loc);
}

/** @throws {SyntaxError} If it cannot be read as code. */
async function importsOf(text: string, isJsx: boolean): Promise<Imports> {
  const { parse } = await import("@babel/parser");
  const tree = parse(text, {
    sourceType: "module",
    plugins: [
      "typescript",
      "decorators",
      "deferredImportEvaluation",
      "sourcePhaseImports",
      ...(isJsx ? ["jsx" as const] : []),
    ],
  });
  const specifiers: string[] = [];
  const data: string[] = [];
  const uncovered: (readonly [number, string])[] = [];
  const hides = (node: Node, what: string) => uncovered.push([node.loc?.start.line ?? 1, what]);
  const take = (node: Node, source: Node, isData = false) => {
    const specifier = literalOf(source);
    if (specifier === null) hides(node, "import of a name that is computed");
    else if (/^(?:data:|blob:|(?:node:)?(?:module|vm|worker_threads)$)/.test(specifier)) {
      hides(node, `import of "${specifier.slice(0, 40)}"`);
    } else (isData ? data : specifiers).push(specifier);
  };
  const visit = (node: Node): void => {
    if (
      node.type === "ImportDeclaration" || node.type === "ExportAllDeclaration" ||
      (node.type === "ExportNamedDeclaration" && node.source)
    ) {
      take(node, node.source!, isOfData(node.attributes));
    } else if (node.type === "ImportExpression") take(node, node.source);
    else if (node.type === "TSExternalModuleReference") take(node, node.expression);
    else if (workerOf(node) !== null) return void specifiers.push(workerOf(node)!);
    else if (node.type === "Identifier" && hiding.has(node.name)) hides(node, node.name);
    if (node.type !== "TSTypeReference") childrenOf(node).forEach(visit);
  };
  visit(tree.program);
  for (const comment of tree.comments ?? []) {
    if (comment.value.includes("@jsxImportSource")) hides(comment as never, "@jsxImportSource");
  }
  return { specifiers, data, uncovered };
}

function wasmImports(content: Uint8Array<ArrayBuffer>): Imports {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(content));
  return { specifiers: imports.map(({ module }) => module), data: [], uncovered: [] };
}

async function readImports(url: URL, content: Uint8Array<ArrayBuffer>): Promise<Imports> {
  try {
    if (/\.json$/.test(url.pathname)) return { specifiers: [], data: [], uncovered: [] };
    if (/\.wasm$/.test(url.pathname)) return wasmImports(content);
    return await importsOf(new TextDecoder().decode(content), /x$/.test(url.pathname));
  } catch {
    return { specifiers: [], data: [], uncovered: [[1, "code that cannot be read"]] };
  }
}

/**
 * The source of a module with the local modules (and JSON and WebAssembly files) that it imports or names, and those that they do.
 * Ranklab's own modules, packages and remote modules are left out, and so is the module's own name.
 *
 * @returns Null if there is no such file.
 */
export async function sourceOf(module: URL): Promise<ModuleSource | null> {
  const files = new Map<string, { readonly url: URL; readonly content: Uint8Array<ArrayBuffer> }>();
  const uncovered: string[] = [];
  const read = async (url: URL): Promise<Uint8Array<ArrayBuffer> | null> => {
    const name = url.href === module.href ? "" : pathFrom(module, url);
    const content = files.get(name)?.content ??
      await readIfThere(fileOf(url)) as Uint8Array<ArrayBuffer> | null;
    if (content !== null) files.set(name, { url, content });
    return content;
  };
  const ran = new Set<string>();
  const run = async (url: URL): Promise<void> => {
    const content = ran.has(url.href) ? null : await read(url);
    ran.add(url.href);
    if (content === null) return;
    const imports = await readImports(url, content);
    for (const [line, what] of imports.uncovered) {
      uncovered.push(`${pathFrom(module, url)}:${line}: ${what}`);
    }
    const urls = (all: readonly string[]) => all.flatMap((one) => localUrl(one, url) ?? []);
    for (const next of urls(imports.specifiers)) await run(next);
    for (const next of urls(imports.data)) await read(next);
  };
  await run(module);
  if (files.size === 0) return null;
  // Files that are named and found here are visited in turn.
  for (const { url, content } of files.values()) {
    for (const [, , specifier] of new TextDecoder().decode(content).matchAll(localModule)) {
      const next = localUrl(specifier!, url);
      if (next !== null) await read(next);
    }
  }
  const parts = [...files].map(([name, { content }]) => [name, hashBytes(content)] as const);
  return { hash: hashParts(Object.fromEntries(parts)), uncovered };
}

/** The hash of {@linkcode sourceOf}. */
export async function sourceHash(module: URL): Promise<string | null> {
  return (await sourceOf(module))?.hash ?? null;
}
