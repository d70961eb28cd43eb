/**
 * Finding and reading study files.
 *
 * @module
 */
import { methods, type MethodTable } from "../methods/table.ts";
import { parseStudy, type Study } from "../spec/study.ts";
import { loadStudyModule } from "./method_modules.ts";
import { UsageError } from "./terminal.ts";

/** A study and the folder that its own tasks' files are relative to. */
export interface StudyFile {
  readonly study: Study;
  readonly path: string;
  readonly folder: string;
  /** The methods that it may name: those that are built in, and those that its module brings. */
  readonly methods: MethodTable;
}

/** The study that commands take where none is named. */
export const defaultStudy = "quickstart";

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/** Names of the studies in `experiments/`. */
async function knownStudies(): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir("experiments")) {
      const match = /^(.+)\.(json|ts)$/.exec(entry.name);
      if (match !== null && !entry.name.endsWith(".schema.json")) names.push(match[1]!);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}

/**
 * The path of a study: a file, or a name in `experiments/`, with or without its ending.
 *
 * @throws {UsageError} If there is none.
 */
export async function findStudyFile(name: string): Promise<string> {
  const candidates = [name, `${name}.json`, `${name}.ts`].flatMap((
    path,
  ) => [path, `experiments/${path}`]);
  for (const path of candidates) if (await isFile(path)) return path;
  const known = await knownStudies();
  throw new UsageError(
    `Cannot find the study "${name}": want a .json or .ts file, or a name in experiments/ (${
      known.join(", ")
    })`,
  );
}

/** A message of JSON.parse with the line it means, where it tells a position. */
function withLine(message: string, text: string): string {
  const at = /position (\d+)/.exec(message)?.[1];
  if (at === undefined || message.includes("line")) return message;
  return `${message} (line ${text.slice(0, Number(at)).split("\n").length})`;
}

/**
 * Reads a study: a JSON file, or a module whose default export it is and whose export `methods` are methods of its own.
 *
 * @throws {SyntaxError} If a JSON file is no JSON.
 * @throws {StudyError} If it is no study.
 * @throws {Error} If a module cannot be loaded; see {@linkcode loadStudyModule}.
 */
export async function readStudyFile(name: string): Promise<StudyFile> {
  const path = await findStudyFile(name);
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
  if (path.endsWith(".ts")) {
    const module = await loadStudyModule(path);
    const study = parseStudy(module.study, `"${path}"`);
    return { study, path, folder, methods: module.methods };
  }
  const text = await Deno.readTextFile(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read "${path}": ${withLine((cause as Error).message, text)}`,
      { cause },
    );
  }
  return { study: parseStudy(json, `"${path}"`), path, folder, methods };
}
