/** The committed sources, as the contract tests read them. */

/** The rooms of `src/`, each of which may import only itself and those before it. */
export const rooms = [
  "base",
  "study",
  "stats",
  "tasks",
  "graph",
  "models",
  "methods",
  "exec",
  "train",
  "record",
  "analysis",
  "report",
  "peft",
  "fetch",
  "runs",
  "cli",
] as const;

/** A text file; its path starts at the project's root. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

const root = new URL("../../", import.meta.url);

/** All files below a folder whose names end in one of `endings`, in order of their paths. */
export async function sourcesIn(
  folder: string,
  endings: readonly string[] = [".ts"],
): Promise<readonly Source[]> {
  const found: Source[] = [];
  for await (const entry of Deno.readDir(new URL(`${folder}/`, root))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await sourcesIn(path, endings));
    else if (endings.some((ending) => entry.name.endsWith(ending))) {
      found.push({ path, text: await Deno.readTextFile(new URL(path, root)) });
    }
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** One file at the project's root. */
export async function sourceAt(path: string): Promise<Source> {
  return { path, text: await Deno.readTextFile(new URL(path, root)) };
}

/** The room of a path below `src/`, or null elsewhere. */
export function roomOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null;
}

/** The line, counted from 1, of a place in a text. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** A text whose comments are blanked out; lines and columns stay where they are. */
export function withoutComments(text: string): string {
  const blank = (part: string) => part.replace(/[^\n]/g, " ");
  return text.replace(
    /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (part) => part.startsWith("/") ? blank(part) : part,
  );
}
