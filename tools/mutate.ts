/**
 * `deno task mutate`: makes small wrong changes in `src/`, one at a time, and tells which no test notices.
 *
 * @module
 */
import { commandOf } from "../src/cli/command.ts";
import { runCommand, say, wholeNumber } from "../src/cli/terminal.ts";
import { affectedTests, distancesTo, importGraph } from "./mutation/affected.ts";
import {
  type Equivalent,
  figuresText,
  fileFiguresText,
  keyOf,
  mutantText,
  reasonOf,
  triedText,
} from "./mutation/figures.ts";
import { type Mutant, mutated, roomOf, sampleRooms, type SourceText } from "./mutation/sample.ts";
import { Scratch, type Tried } from "./mutation/trial.ts";
import { tryWholeFile } from "./mutation/whole_files.ts";

/** Rooms of the default sample: those that decide what a run does and what is reported of it. */
const defaultRooms: readonly string[] = [
  "methods",
  "graph",
  "train",
  "study",
  "analysis",
  "report",
  "record",
  "tasks",
  "models",
  "runs",
  "cli",
];

const copied: readonly string[] = [
  "src",
  "tests",
  "bench",
  "tools",
  "vendor",
  "experiments",
  "docs",
  "mod.ts",
  "README.md",
  "deno.json",
  "deno.lock",
];

const folder = ".cache/mutation";

/** Files of a folder whose names end in `.ts`, with their texts. */
async function sourcesBelow(path: string): Promise<readonly SourceText[]> {
  const found: SourceText[] = [];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    const own = `${path}/${name}`;
    if (isDirectory) found.push(...await sourcesBelow(own));
    else if (name.endsWith(".ts")) found.push({ path: own, text: await Deno.readTextFile(own) });
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

async function readJson<Value>(path: string, otherwise: Value): Promise<Value> {
  try {
    return JSON.parse(await Deno.readTextFile(path)) as Value;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return otherwise;
    throw error;
  }
}

async function readTried(path: string): Promise<readonly Tried[]> {
  try {
    const lines = (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
    // A mutant that was tried again stands in two lines, of which the later one counts.
    return [
      ...new Map(
        lines.map((line) => JSON.parse(line) as Tried).map((one) =>
          [keyOf(one.mutant), one] as const
        ),
      ).values(),
    ];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Seconds of each test file in the unchanged copy; a file that fails there has none and is not asked. */
async function timeTests(
  scratch: Scratch,
  paths: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const file = `${folder}/times.json`;
  const known = await readJson<Record<string, number>>(file, {});
  for (const path of paths) {
    if (known[path] !== undefined) continue;
    const { state, seconds } = await scratch.test([path], 900);
    await say(`${path}: ${seconds.toFixed(1)} s${state === "passed" ? "" : ", FAILED unchanged"}`);
    if (state === "passed") known[path] = seconds;
    await Deno.writeTextFile(file, JSON.stringify(known, null, 1));
  }
  return known;
}

/** Changes in a room, the seed, and seconds of tests for one change, where nothing else is asked for. */
const defaults = { each: 12, seed: 1, limit: 120 };

/** Whether a path is one of some, or lies in one of them. */
function isAmong(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`));
}

/** The command. */
export const mutate = commandOf({
  name: "mutate",
  summary: "Makes small wrong changes in src/, one at a time, and lists those that no test notices",
  takes: "",
  most: 0,
  options: [
    { name: "rooms", value: "ROOM,…", text: `where (default: ${defaultRooms.join(", ")})` },
    { name: "each", value: "N", text: `changes in each room (default ${defaults.each})` },
    { name: "seed", value: "N", text: `seed that draws the changes (default ${defaults.seed})` },
    {
      name: "limit",
      value: "SECONDS",
      text: `how long tests may take for one change (default ${defaults.limit})`,
    },
    {
      name: "files",
      value: "PATH,…",
      text: "all changes of these files or folders, asking the tests of their room only",
    },
    { name: "tests", value: "PATH,…", text: "with --files: asking these tests instead" },
    {
      name: "loaded",
      text: "with --files: also what is computed while a module is loaded, in a process each",
    },
    { name: "list", text: "only show which changes would be made" },
    { name: "figures", text: "only show what earlier calls found" },
    { name: "again", text: "try the survivors (changes that no test noticed) again" },
  ],
  examples: [
    { line: "deno task mutate --rooms train,study --each 5 --seed 3", text: "ten changes" },
    {
      line: "deno task mutate --files src/stats,src/study/schema/tune.ts",
      text: "each change of some files",
    },
    { line: "deno task mutate --again", text: "those that no test has noticed so far" },
  ],
  notes: [
    "What was found lies in .cache/mutation; the same command goes on where it was stopped. " +
    "docs/mutation.md says more.",
  ],
}, async (given) => {
  const rooms = given.text("rooms")?.split(",") ?? defaultRooms;
  const each = wholeNumber(given.text("each"), "each") ?? defaults.each;
  const seed = wholeNumber(given.text("seed"), "seed", 0) ?? defaults.seed;
  const limit = wholeNumber(given.text("limit"), "limit") ?? defaults.limit;
  await Deno.mkdir(folder, { recursive: true });
  const whole = given.text("files")?.split(",");
  const file = `${folder}/${whole === undefined ? `seed-${seed}` : "files"}.jsonl`;
  const equivalents = await readJson<readonly Equivalent[]>("tools/mutation/equivalent.json", []);
  const before = await readTried(file);
  const isAgain = given.flag("again");
  const sources = await sourcesBelow("src");
  if (whole !== undefined) {
    const isNamed = (path: string) => isAmong(path, whole);
    if (!given.flag("figures")) {
      await tryFiles(sources.filter(({ path }) => isNamed(path)), before, {
        file,
        limit,
        sources,
        equivalents,
        isAgain,
        asked: given.text("tests")?.split(",") ?? null,
        withLoaded: given.flag("loaded"),
      });
    }
    const textOf = new Map(sources.map(({ path, text }) => [path, text]));
    // A change of a line that is not there any more is none.
    const tried = (await readTried(file)).filter(({ mutant }) =>
      isNamed(mutant.path) && mutated(textOf.get(mutant.path) ?? "", mutant) !== null
    );
    await say(fileFiguresText(tried, equivalents));
    for (const one of tried) {
      if (one.outcome.kind === "survived" && reasonOf(one.mutant, equivalents) === null) {
        await say(triedText(one, equivalents));
      }
    }
    return 0;
  }
  const asked: readonly Mutant[] = isAgain
    ? before.filter(({ mutant, outcome }) =>
      outcome.kind === "survived" && reasonOf(mutant, equivalents) === null
    ).map(({ mutant }) => mutant)
    : sampleRooms(sources, rooms, each, seed);
  if (given.flag("list")) {
    for (const mutant of asked) await say(mutantText(mutant));
    return 0;
  }
  if (!given.flag("figures")) {
    const known = new Set(isAgain ? [] : before.map(({ mutant }) => keyOf(mutant)));
    const left = asked.filter((mutant) => !known.has(keyOf(mutant)));
    await tryAll(left, { file, limit, sources, equivalents });
  }
  const tried = await readTried(file);
  await say(figuresText(tried, equivalents));
  for (const one of tried) {
    if (one.outcome.kind === "survived") await say(triedText(one, equivalents));
  }
  return 0;
});

interface Trials {
  /** Where each outcome is appended. */
  readonly file: string;
  readonly limit: number;
  readonly sources: readonly SourceText[];
  readonly equivalents: readonly Equivalent[];
}

async function tryAll(
  mutants: readonly Mutant[],
  { file, limit, sources, equivalents }: Trials,
): Promise<void> {
  const tests = await sourcesBelow("tests");
  const graph = importGraph([...sources, ...tests]);
  const linking = tests.filter(({ text }) => text.includes("Deno.symlink")).map(({ path }) => path);
  const scratch = await Scratch.copyOf(".", `${folder}/copy`, copied, linking);
  try {
    const files = tests.map(({ path }) => path).filter((path) => path.endsWith("_test.ts"));
    const seconds = await timeTests(scratch, files);
    for (const mutant of mutants) {
      const started = performance.now();
      const affected = affectedTests(graph, mutant.path, seconds)
        .filter(({ path }) => seconds[path] !== undefined);
      const outcome = await scratch.try(mutant, affected, limit);
      const tried: Tried = { mutant, outcome, seconds: (performance.now() - started) / 1000 };
      await Deno.writeTextFile(file, `${JSON.stringify(tried)}\n`, { append: true });
      await say(triedText(tried, equivalents));
    }
  } finally {
    await scratch.remove();
  }
}

/** Tries all changes of some files; those that lie in no function need a process each. */
async function tryFiles(
  files: readonly SourceText[],
  before: readonly Tried[],
  { file, limit, sources, equivalents, isAgain, asked, withLoaded }: Trials & {
    readonly isAgain: boolean;
    /** Tests or folders of tests; null for those of each file's room. */
    readonly asked: readonly string[] | null;
    /** Whether changes are tried of what is computed while the file is loaded. */
    readonly withLoaded: boolean;
  },
): Promise<void> {
  const known = new Map(before.map(({ mutant, outcome }) => [keyOf(mutant), outcome.kind]));
  const tests = await sourcesBelow("tests");
  const graph = importGraph([...sources, ...tests]);
  const linking = tests.filter(({ text }) => text.includes("Deno.symlink")).map(({ path }) => path);
  const scratch = await Scratch.copyOf(".", `${folder}/copy`, copied, linking);
  const note = async (tried: Tried) => {
    await Deno.writeTextFile(file, `${JSON.stringify(tried)}\n`, { append: true });
    await say(triedText(tried, equivalents));
  };
  try {
    for (const source of files) {
      const own = [...distancesTo(graph, source.path).keys()].filter((path) =>
        path.endsWith("_test.ts") && isAmong(path, asked ?? [`tests/${roomOf(source.path)}`])
      );
      const isWanted = (mutant: Mutant) => {
        const kind = known.get(keyOf(mutant));
        return isAgain
          ? kind === "survived" && reasonOf(mutant, equivalents) === null
          : kind === undefined;
      };
      for await (
        const found of tryWholeFile(scratch, { source, isWanted, tests: own, limit })
      ) {
        if ("notice" in found) await say(found.notice);
        else if ("left" in found) {
          if (!withLoaded) continue;
          const started = performance.now();
          const timed = own.map((path) => ({ path, seconds: 1 }));
          const outcome = await scratch.try(found.left, timed, limit);
          const seconds = (performance.now() - started) / 1000;
          await note({ mutant: found.left, outcome, seconds });
        } else await note(found);
      }
    }
  } finally {
    await scratch.remove();
  }
}

if (import.meta.main) await runCommand(mutate);
