/**
 * Study modules: the study that one exports, and the methods that it brings.
 *
 * Functions can be neither stored nor posted to a worker. So whoever needs a study's own methods loads its module, and what is
 * stored and posted is where that is and the hash of each method's source. Whoever made results chose the names and hashes of
 * modules in them, so neither says that the code is harmless: none of it runs unless somebody allows it.
 *
 * @module
 */
import { relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { errorMessage } from "../base/error_message.ts";
import { isMethod, type Method } from "../methods/method.ts";
import { methods, type MethodTable, methodTable } from "../methods/table.ts";
import { StudyError } from "../study/check/problems.ts";
import type { MethodOrigin } from "../study/types.ts";
import { type ModuleSource, sourceHash, sourceOf } from "./source_hash.ts";
import { beforeStudyCode } from "./pool/threads.ts";
import { UsageError } from "../base/usage_error.ts";

/** A method that is not built in, by name, and where it comes from. */
export interface CustomMethod extends MethodOrigin {
  readonly name: string;
}

/** What a study module exports. */
interface StudyModule {
  /** Its default export, not yet checked; undefined where it has none. */
  readonly study: unknown;
  /** The names of what it exports. */
  readonly exported: readonly string[];
  /** The built-in methods, followed by those of its export `methods`. */
  readonly methods: MethodTable;
}

function ownPath(url: URL): string {
  return relative(Deno.cwd(), fileURLToPath(url)).replaceAll("\\", "/");
}

/** Hashes of the modules that this process has loaded: it keeps what it loaded first. */
const loaded = new Map<string, string>();

/** The URL of a module's file, and its source now. */
async function present(path: string): Promise<ModuleSource & { readonly url: URL }> {
  const url = pathToFileURL(resolve(path));
  const source = await sourceOf(url);
  if (source === null) throw new UsageError(`Cannot load "${path}": found no such file`);
  return { url, ...source };
}

/** @param wanted The hash that its source must have, or null for any. */
async function importModule(
  path: string,
  wanted: string | null,
): Promise<Readonly<Record<string, unknown>>> {
  const { url, hash } = await present(path);
  if (wanted !== null && hash !== wanted) {
    throw new UsageError(
      `Cannot load "${path}": found that its source has hash ${hash}, want ${wanted}, which was allowed to run`,
    );
  }
  if ((loaded.get(url.href) ?? hash) !== hash) {
    throw new UsageError(
      `Cannot load "${path}": it has changed since this process loaded it; start the command anew`,
    );
  }
  loaded.set(url.href, hash);
  await beforeStudyCode();
  try {
    return await import(url.href);
  } catch (cause) {
    if (cause instanceof StudyError) throw cause;
    const said = errorMessage(cause);
    throw new TypeError(`Cannot load "${path}": ${said}`, { cause });
  }
}

async function withOrigin(method: Method, study: URL): Promise<Method> {
  const said = method.module ?? study.href;
  const module = said.startsWith("file:") ? URL.parse(said) : null;
  const hash = module === null ? null : await sourceHash(module);
  if (module === null || hash === null) {
    throw new TypeError(
      `Cannot add the method "${method.name}": found the module "${said}", want the URL of the file ` +
        `that it is written in; give import.meta.url there, or leave it out`,
    );
  }
  return {
    ...method,
    origin: { study: ownPath(study), module: ownPath(module), hash },
  };
}

function exportedMethods(value: unknown, path: string): readonly Method[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    throw new TypeError(`Cannot read "${path}": its export "methods" is no array of methods`);
  }
  return value.map((method: unknown, i) => {
    if (isMethod(method)) return method;
    throw new TypeError(
      `Cannot read "${path}": "methods[${i}]" is no method, want what defineMethod returns`,
    );
  });
}

/**
 * Loads a study module: its code runs.
 *
 * @param wanted The hash that its source must have. Default: any, for a file that the user named.
 *
 * @throws {UsageError} If there is no such file, or its source has another hash.
 * @throws {TypeError} If it cannot be loaded, or its export `methods` holds something else.
 * @throws {RangeError} If one of its methods has a name that is taken.
 */
export async function loadStudyModule(
  path: string,
  wanted: string | null = null,
): Promise<StudyModule> {
  const module = await importModule(path, wanted);
  const study = pathToFileURL(resolve(path));
  const own: Method[] = [];
  for (const method of exportedMethods(module["methods"], path)) {
    own.push(await withOrigin(method, study));
  }
  return {
    study: module["default"],
    exported: Object.keys(module),
    methods: methodTable(own, `"${path}"`),
  };
}

/** The methods among those of some runs that are not built in, each once. */
export function customMethodsOf(used: readonly Method[]): readonly CustomMethod[] {
  const origins = used.flatMap(({ name, origin }) =>
    origin === undefined ? [] : [[name, { name, ...origin }] as const]
  );
  return [...new Map(origins).values()];
}

/** Says what helps where Deno does not let a process read the code that results name. */
async function readingCode<T>(method: string, study: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new UsageError(
      `Cannot load the method "${method}": the results name ${
        JSON.stringify(study)
      } for it, which this process may not read. ` +
        "If you know that file, give it as --trust=FILE, so that it is read and run",
      { cause },
    );
  }
}

async function checkSource({ name, study, module, hash }: CustomMethod): Promise<void> {
  const found = await readingCode(name, study, () => sourceHash(pathToFileURL(resolve(module))));
  if (found === null) {
    throw new UsageError(
      `Cannot load the method "${name}": found no "${module}", want the module that it was written in; put it back, ` +
        `or start the command in the folder in which the study was swept`,
    );
  }
  if (found !== hash) {
    throw new UsageError(
      `Cannot load the method "${name}": found that the source of "${module}" has hash ${found}, want ${hash} as ` +
        `when it was run; restore it, or sweep again, which makes new runs`,
    );
  }
}

async function studyModules(wanted: readonly CustomMethod[]): Promise<readonly NamedModule[]> {
  const modules: NamedModule[] = [];
  for (const [path, own] of Map.groupBy(wanted, ({ study }) => study)) {
    const { hash, uncovered } = await readingCode(own[0]!.name, path, () => present(path));
    modules.push({ path, hash, uncovered, methods: own.map(({ name }) => name) });
  }
  return modules;
}

function isLoaded({ path, hash }: NamedModule): boolean {
  return loaded.get(pathToFileURL(resolve(path)).href) === hash;
}

/** Hashes of the study modules of methods that this process has loaded: its workers may load those too. */
export function loadedHashes(used: readonly CustomMethod[]): readonly string[] {
  const hashes = used.map(({ study }) => loaded.get(pathToFileURL(resolve(study)).href));
  return [...new Set(hashes.filter((hash) => hash !== undefined))];
}

/**
 * The methods that runs were planned or recorded with: the built-in ones, and the given ones from their study modules.
 *
 * @param trust Which study modules may run; one that this process has loaded before is not asked about.
 *
 * @throws {UntrustedCodeError} If one may not; nothing of any has run then.
 * @throws {UsageError} If a module is gone, no longer brings a method, or its source is not what it was; nothing of a module
 * whose hash differs is run.
 */
export async function loadCustomMethods(
  wanted: readonly CustomMethod[],
  trust: Trust,
): Promise<MethodTable> {
  if (wanted.length === 0) return methods;
  for (const method of wanted) await checkSource(method);
  const modules = await studyModules(wanted);
  await checkTrust(modules.filter((module) => !isLoaded(module)), trust);
  const allowed = new Map(modules.map(({ path, hash }) => [path, hash]));
  const own: Method[] = [];
  for (const { name, study, hash } of wanted) {
    const module = await loadStudyModule(study, allowed.get(study)!);
    const method = module.methods.find((method) => method.name === name);
    if (method?.origin?.hash !== hash) {
      throw new UsageError(
        `Cannot load the method "${name}": found that "${study}" ${
          method?.origin === undefined ? "has no such method" : "brings another one"
        }, want the one of hash ${hash} in its export "methods"`,
      );
    }
    own.push(method);
  }
  return methodTable(own);
}

/** A study module that results name. */
export interface NamedModule {
  /** From the folder of the command. */
  readonly path: string;
  /** SHA-256 of its source as it is now, with the local modules that it imports. */
  readonly hash: string;
  /** Where it may run code that the hash does not cover, as `file.ts:12: eval`; a hash alone trusts none of this. */
  readonly uncovered: readonly string[];
  /** The methods that it is wanted for. */
  readonly methods: readonly string[];
}

/** Which modules that results name may run: those of some hashes, which cover all that runs, or those that a function accepts. */
export type Trust = readonly string[] | ((module: NamedModule) => boolean | Promise<boolean>);

/** Whether a module has one of some hashes, and nothing runs with it that its hash does not cover. */
export function isCoveredBy(hashes: readonly string[], { hash, uncovered }: NamedModule): boolean {
  return hashes.includes(hash) && uncovered.length === 0;
}

async function isTrusted(module: NamedModule, trust: Trust): Promise<boolean> {
  return typeof trust === "function" ? await trust(module) : isCoveredBy(trust, module);
}

/** A module as messages name it; whoever made the results chose its path, so that it cannot break out of its line. */
export function moduleText({ path, hash, methods }: NamedModule): string {
  const names = methods.map((name) => JSON.stringify(name)).join(", ");
  return `${JSON.stringify(path)} (SHA-256 ${hash}), which the results name for ${names}`;
}

/** Results name code that nobody allowed; nothing of it has run. */
export class UntrustedCodeError extends UsageError {
  /** All modules that would have to run and may not. */
  readonly modules: readonly NamedModule[];

  /**
   * Makes the error; its message names each module.
   *
   * @param modules Those that would have to run and may not.
   */
  constructor(modules: readonly NamedModule[]) {
    const lines = modules.flatMap((module) => [
      `\n  ${moduleText(module)}`,
      ...module.uncovered.map((where) =>
        `\n    its hash does not cover what it may run at ${
          JSON.stringify(where)
        }; want names of files as literals`
      ),
    ]);
    super(
      `Cannot load methods that are not built in: code of the results would have to run, and it is not allowed:${
        lines.join("")
      }\nRead it, with the files that it imports. To run it, give --trust=HASH with the hash above (in a program: the ` +
        `option trust), --trust=FILE with its file, or --trust for all code that these results name`,
    );
    this.modules = modules;
  }
}

/**
 * Checks that all modules may run.
 *
 * @throws {UntrustedCodeError} If some may not; it names each of them.
 */
export async function checkTrust(modules: readonly NamedModule[], trust: Trust): Promise<void> {
  const refused: NamedModule[] = [];
  for (const module of modules) if (!await isTrusted(module, trust)) refused.push(module);
  if (refused.length > 0) throw new UntrustedCodeError(refused);
}
