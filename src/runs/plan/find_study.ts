/**
 * Finding study files by path or name.
 *
 * @module
 */
import { isAbsolute } from "node:path";
import { unknownName } from "../../base/suggest.ts";
import { UsageError } from "../../base/input_error.ts";
import { ownFetching } from "../../fetch/model_files.ts";
import { bringOwnFiles, ownPath } from "../../fetch/own_data.ts";
import { namesIn } from "../../record/durable.ts";
import { isFile } from "../../record/results_reader.ts";

/** Where studies are looked for by name: here, and among ranklab's own. */
export function studyFolders(): readonly string[] {
  return ["experiments", ownPath("experiments")];
}

/** Whether a name is a path, and not that of a study of a folder. */
function isPath(name: string): boolean {
  return /[/\\]|\.(?:json|ts)$/.test(name);
}

async function studiesIn(folders: readonly string[]): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const folder of folders) {
    for (const file of await namesIn(folder)) {
      const match = /^(.+)\.(json|ts)$/.exec(file);
      if (match !== null && !file.endsWith(".schema.json")) names.add(match[1]!);
    }
  }
  return [...names].sort();
}

/** Where a study is looked for, in order; see {@linkcode findStudyFile}. */
export function studyCandidates(
  name: string,
  folders: readonly string[] = studyFolders(),
  from = ".",
): readonly string[] {
  const files = [name, `${name}.json`, `${name}.ts`];
  if (isAbsolute(name)) return files;
  return [from, ...folders].flatMap((folder) =>
    files.map((file) => folder === "." ? file : `${folder}/${file}`)
  );
}

/**
 * The path of a study: a file, or a name in one of some folders, with or without its ending.
 *
 * @param folders Default: {@linkcode studyFolders}.
 * @param from Where a path starts that is not absolute. Default: the folder of the command.
 *
 * @throws {UsageError} If there is none.
 */
export async function findStudyFile(
  name: string,
  folders: readonly string[] = studyFolders(),
  from = ".",
): Promise<string> {
  if (!isPath(name)) await bringOwnFiles(() => ownFetching().transport());
  for (const path of studyCandidates(name, folders, from)) if (await isFile(path)) return path;
  const known = await studiesIn(folders);
  throw new UsageError(
    known.length === 0
      ? `Cannot find the study "${name}": want a .json or .ts file; there are no studies in ${
        folders.map((folder) => `"${folder}"`).join(" or ")
      } to choose by name`
      : `Cannot find the study "${name}": want a .json or .ts file, or the name of a study in experiments/. ` +
        unknownName("study", name, known),
  );
}

/**
 * The study module that somebody names who gives a study: a `.ts` file by its path, or by its bare name in one of some folders.
 * Null where that names none; a folder beside it of the same name, such as one of results, is none.
 *
 * @param folders Default: {@linkcode studyFolders}.
 */
export async function namedModule(
  name: string,
  folders: readonly string[] = studyFolders(),
): Promise<string | null> {
  const candidates = name.endsWith(".ts")
    ? [name]
    : name.includes("/")
    ? []
    : folders.map((folder) => `${folder}/${name}.ts`);
  for (const path of candidates) if (await isFile(path)) return path;
  return null;
}
