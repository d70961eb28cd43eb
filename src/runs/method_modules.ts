/**
 * Study modules: the study that one exports, and the methods and metrics that it brings.
 *
 * Functions can be neither stored nor posted to a worker. So whoever needs a study's own code loads its module, and what is
 * stored and posted is where that is and the hash of each method's or metric's source. Whoever made results chose the names and hashes of
 * modules in them, so neither says that the code is harmless: none of it runs unless somebody allows it.
 *
 * @module
 */
import { relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { errorMessage, UsageError } from "../base/input_error.ts";
import { isMethod } from "../methods/method.ts";
import { type MethodTable, methodTable } from "../methods/table.ts";
import { StudyError } from "../study/check/problems.ts";
import type { CustomCode, MethodOrigin } from "../study/types.ts";
import { isMetric, metricTable } from "../tasks/own_metrics.ts";
import type { Metric } from "../tasks/types.ts";
import { type ModuleSource, sourceHash, sourceOf } from "./source_hash.ts";
import type { CustomNames } from "./plan/planned_run.ts";
import { beforeStudyCode } from "./pool/threads.ts";

/** What a study may name that is code. */
export interface StudyCode {
  /** The built-in methods, followed by its own. */
  readonly methods: MethodTable;
  /** The metrics of its own. */
  readonly metrics: readonly Metric[];
}

/** What a study module exports; methods and metrics are those of its exports of these names. */
interface StudyModule extends StudyCode {
  /** Its default export, not yet checked; undefined where it has none. */
  readonly study: unknown;
  /** The names of what it exports. */
  readonly exported: readonly string[];
}

interface Exported {
  readonly name: string;
  readonly module?: string;
  readonly origin?: MethodOrigin;
}

type CodeKind = "method" | "metric";

function ownPath(url: URL): string {
  return relative(Deno.cwd(), fileURLToPath(url)).replaceAll("\\", "/");
}

/** Hashes of the modules that this process has loaded: it keeps what it loaded first. */
const loaded = new Map<string, string>();

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

async function withOrigin<T extends Exported>(kind: CodeKind, own: T, study: URL): Promise<T> {
  const said = own.module ?? study.href;
  const module = said.startsWith("file:") ? URL.parse(said) : null;
  const hash = module === null ? null : await sourceHash(module);
  if (module === null || hash === null) {
    throw new TypeError(
      `Cannot add the ${kind} "${own.name}": found the module "${said}", want the URL of the file ` +
        `that it is written in; give import.meta.url there, or leave it out`,
    );
  }
  return {
    ...own,
    origin: { study: ownPath(study), module: ownPath(module), hash },
  };
}

/** What a module exports as `methods` or `metrics`, each with where it comes from. */
async function exportedOf<T extends Exported>(
  kind: CodeKind,
  module: Readonly<Record<string, unknown>>,
  isOne: (value: unknown) => value is T,
  path: string,
): Promise<readonly T[]> {
  const name = `${kind}s`;
  const value = module[name] ?? [];
  if (!Array.isArray(value)) {
    throw new TypeError(`Cannot read "${path}": its export "${name}" is no array of ${name}`);
  }
  const study = pathToFileURL(resolve(path));
  const all: T[] = [];
  for (const own of value as readonly unknown[]) {
    if (!isOne(own)) {
      const maker = kind === "method" ? "defineMethod" : "defineMetric";
      throw new TypeError(
        `Cannot read "${path}": "${name}[${all.length}]" is no ${kind}, want what ${maker} returns`,
      );
    }
    all.push(await withOrigin(kind, own, study));
  }
  return all;
}

/**
 * Loads a study module: its code runs.
 *
 * @param wanted The hash that its source must have. Default: any, for a file that the user named.
 *
 * @throws {UsageError} If there is no such file, or its source has another hash.
 * @throws {TypeError} If it cannot be loaded, or its export `methods` or `metrics` holds something else.
 * @throws {RangeError} If one of these has a name that is taken.
 */
export async function loadStudyModule(
  path: string,
  wanted: string | null = null,
): Promise<StudyModule> {
  const module = await importModule(path, wanted);
  return {
    study: module["default"],
    exported: Object.keys(module),
    methods: methodTable(await exportedOf("method", module, isMethod, path), `"${path}"`),
    metrics: metricTable(await exportedOf("metric", module, isMetric, path), `"${path}"`),
  };
}

/** Says what helps where Deno does not let a process read the code that results name. */
async function readingCode<T>(
  kind: CodeKind,
  { name, study }: CustomCode,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new UsageError(
      `Cannot load the ${kind} "${name}": the results name ${
        JSON.stringify(study)
      } for it, which this process may not read. ` +
        "If you know that file, give it as --trust=FILE, so that it is read and run",
      { cause },
    );
  }
}

async function checkSource(kind: CodeKind, own: CustomCode): Promise<void> {
  const { name, module, hash } = own;
  const found = await readingCode(kind, own, () => sourceHash(pathToFileURL(resolve(module))));
  if (found === null) {
    throw new UsageError(
      `Cannot load the ${kind} "${name}": found no "${module}", want the module that it was written in; put it back, ` +
        `or start the command in the folder in which the study was swept`,
    );
  }
  if (found !== hash) {
    throw new UsageError(
      `Cannot load the ${kind} "${name}": found that the source of "${module}" has hash ${found}, want ${hash} as ` +
        `when it was run; restore it, or sweep again, which makes new runs`,
    );
  }
}

async function studyModules({ methods, metrics }: CustomNames): Promise<readonly NamedModule[]> {
  const wanted = [
    ...methods.map((own) => ({ kind: "method", own }) as const),
    ...metrics.map((own) => ({ kind: "metric", own }) as const),
  ];
  const modules: NamedModule[] = [];
  for (const [path, named] of Map.groupBy(wanted, ({ own }) => own.study)) {
    const [{ kind, own }] = named as [typeof named[number]];
    const { hash, uncovered } = await readingCode(kind, own, () => present(path));
    const namesOf = (of: CodeKind) =>
      named.flatMap(({ kind, own }) => kind === of ? [own.name] : []);
    modules.push({
      ...{ path, hash, uncovered },
      ...{ methods: namesOf("method"), metrics: namesOf("metric") },
    });
  }
  return modules;
}

function isLoaded({ path, hash }: NamedModule): boolean {
  return loaded.get(pathToFileURL(resolve(path)).href) === hash;
}

/** Hashes of the study modules of some code that this process has loaded: its workers may load those too. */
export function loadedHashes({ methods, metrics }: CustomNames): readonly string[] {
  const hashes = [...methods, ...metrics].map(({ study }) =>
    loaded.get(pathToFileURL(resolve(study)).href)
  );
  return [...new Set(hashes.filter((hash) => hash !== undefined))];
}

/**
 * The code that runs were planned or recorded with: the built-in methods, and given methods and metrics from their study modules.
 *
 * @param trust Which study modules may run; one that this process has loaded before is not asked about.
 *
 * @throws {UntrustedCodeError} If one may not; nothing of any has run then.
 * @throws {UsageError} If a module is gone, no longer brings what is wanted, or its source is not what it was; nothing of a module
 * whose hash differs is run.
 */
export async function loadCustomCode(
  { methods = [], metrics = [] }: Partial<CustomNames>,
  trust: Trust,
): Promise<StudyCode> {
  for (const method of methods) await checkSource("method", method);
  for (const metric of metrics) await checkSource("metric", metric);
  const modules = await studyModules({ methods, metrics });
  await checkTrust(modules.filter((module) => !isLoaded(module)), trust);
  const allowed = new Map(modules.map(({ path, hash }) => [path, hash]));
  const load = async <T extends Exported>(
    kind: CodeKind,
    wanted: readonly CustomCode[],
    ownOf: (module: StudyModule) => readonly T[],
  ): Promise<readonly T[]> => {
    const own: T[] = [];
    for (const { name, study, hash } of wanted) {
      const module = await loadStudyModule(study, allowed.get(study)!);
      const found = ownOf(module).find((one) => one.name === name);
      if (found?.origin?.hash !== hash) {
        throw new UsageError(
          `Cannot load the ${kind} "${name}": found that "${study}" ${
            found?.origin === undefined ? `has no such ${kind}` : "brings another one"
          }, want the one of hash ${hash} in its export "${kind}s"`,
        );
      }
      own.push(found);
    }
    return own;
  };
  return {
    methods: methodTable(await load("method", methods, (module) => module.methods)),
    metrics: await load("metric", metrics, (module) => module.metrics),
  };
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
  /** The metrics that it is wanted for. */
  readonly metrics: readonly string[];
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
export function moduleText({ path, hash, methods, metrics }: NamedModule): string {
  const names = [...methods, ...metrics].map((name) => JSON.stringify(name)).join(", ");
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
      `Cannot load methods or metrics that are not built in: code of the results would have to run, and it is not allowed:${
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
