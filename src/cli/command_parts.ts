/**
 * Arguments and options that several commands share.
 *
 * @module
 */
import { resolve } from "node:path";
import { devices } from "../exec/choice.ts";
import { UsageError } from "../base/input_error.ts";
import type { CommandOption } from "./command.ts";
import { type Arguments, complain, wholeNumber } from "./terminal.ts";
import { defaultStudy, findResults } from "../runs/plan/study_file.ts";
import { defaultMostRuns } from "../study/grid/points.ts";
import { defaultResults } from "../runs/stored_study.ts";
import { outputFolder } from "../record/results_reader.ts";
import { askToWrite, inputPlaces, type Place, resultsPlaces, studyPlaces } from "./access.ts";
import { namedModule } from "../runs/plan/study_parts.ts";
import { isCoveredBy, moduleText, type NamedModule, type Trust } from "../runs/method_modules.ts";

/** A study that is read. */
export const studyArgument = {
  name: "STUDY",
  text: `a .json or .ts file, or the name of a study in experiments/ (default ${defaultStudy})`,
} as const;

/** A study whose results are read. */
export const sweptArgument = {
  name: "STUDY",
  text:
    `a study that has been swept, its results folder, or a packed study (default ${defaultStudy})`,
} as const;

/** Names of devices as help lists them. */
const deviceNames = `${devices.slice(0, -1).join(", ")} or ${devices.at(-1)}`;

/** An encoder that is not where a sweep found it. */
const movedModel: CommandOption = {
  name: "model",
  value: "DIR",
  text: "Hugging Face folder, if it is not where the sweep found it",
};

/** How many runs a study may have; {@linkcode mostRunsOf} reads it. */
const mostRuns = "most-runs";

/** The options that several commands share. */
export const option = {
  /** Where results are that are read and added to. */
  results: {
    name: "results",
    value: "DIR",
    text: `folder of results (default ${defaultResults})`,
  },
  /** Data and encoder of a study. */
  inputs: [
    { name: "data", value: "DIR", text: "folder with GLUE tasks (DIR/RTE/train.tsv ...)" },
    {
      name: "model",
      value: "DIR",
      text:
        'Hugging Face folder, .whl file or hub:OWNER/NAME for studies whose model is "folder", or that state none',
    },
  ],
  movedModel,
  /** Folders that are not where a sweep found them. */
  movedFolders: [
    {
      name: "data",
      value: "DIR",
      text: "folder with GLUE tasks, if it is not where the sweep found it",
    },
    movedModel,
  ],
  /** The executor, with what is taken without the option. */
  device: (byDefault: string): CommandOption => ({
    name: "device",
    value: "NAME",
    text: `${deviceNames} (default: ${byDefault})`,
  }),
  mostRuns: {
    name: mostRuns,
    value: "N",
    text:
      `runs that a study may have (default ${defaultMostRuns}); a larger study is refused before any run starts`,
  },
  /** How long runs of other processes are waited for. */
  patience: {
    name: "patience",
    value: "SECONDS",
    text:
      "take over a run of another process that gave no sign of life for so long (default 30); give more on file systems that " +
      "show other hosts' writes late",
  },
  /** A part of a study. */
  only: {
    name: "only",
    value: "KEY=VALUE,…",
    isList: true,
    text:
      "a part of the study, by task, method, budget (r8, p20000, none), seed or a key of axes.settings; where it is given several " +
      "times, all must hold",
  },
  /** Settings of all runs, over those of the study. */
  set: {
    name: "set",
    value: "KEY=VALUE",
    isList: true,
    text:
      "a setting of all runs, as in train.epochs=5, model=embedded-random or options.alpha=8 (for methods that have it); it wins " +
      "over the study's own",
  },
  /** How many runs are worked on at a time, with what is done to them in one word. */
  jobs: (doing: string): CommandOption => ({
    name: "jobs",
    value: "N",
    text: `runs ${doing} at a time (default: on the native CPU one for each core, elsewhere one)`,
  }),
  /** Threads of the runs of a command that shares out the cores. */
  threads: {
    name: "threads",
    value: "N",
    text:
      "threads of the CPU executors for each run (default: the cores shared out among the jobs)",
  },
  /** Output for programs. */
  json: {
    name: "json",
    text: "write lines of JSON in place of text: one for each event, the last one with the outcome",
  },
  /** Ending without the report. */
  noReport: { name: "no-report", text: "write no report; deno task report writes it later" },
  /** For commands that may have to run code that results name. */
  trust: {
    name: "trust",
    value: "HASH|FILE",
    isOptional: true,
    text:
      "run the code of methods that the results name, if its SHA-256 is HASH, or if it is in the study module FILE, whose folder " +
      "is then read (without a value: whatever it is); path and hash are shown first, and without this option it does not run",
  },
} as const;

/** What the commands that make runs receive about folders, device and cores; null where an option is not given. */
export function runOptions(parsed: Arguments) {
  return {
    data: parsed.text("data"),
    model: parsed.text("model"),
    device: parsed.text("device"),
    jobs: wholeNumber(parsed.text("jobs"), "jobs"),
    threads: wholeNumber(parsed.text("threads"), "threads"),
    leaseTimeout: wholeNumber(parsed.text("patience"), "patience"),
  };
}

/**
 * An option that a command cannot do without.
 *
 * @throws {UsageError} If it is not given.
 */
export function required(parsed: Arguments, command: string, name: string): string {
  const value = parsed.text(name);
  if (value !== null) return value;
  throw new UsageError(`Option "--${name}" is missing; deno task ${command} --help says more`);
}

/** What the option of {@linkcode mostRuns} says. */
export function mostRunsOf(parsed: Arguments): number {
  return wholeNumber(parsed.text(mostRuns), mostRuns) ?? defaultMostRuns;
}

/** The places that the arguments of a command on swept results name. */
export function sweptPlaces(parsed: Arguments): readonly Place[] {
  return [
    ...resultsPlaces(parsed.positional[0] ?? defaultStudy, parsed.text("results")),
    ...inputPlaces(parsed),
    ...trustPlaces(parsed),
  ];
}

/**
 * Finds the results of the study that a command was given, and makes sure that it may add to them.
 *
 * @param command The name of the command's task.
 *
 * @returns STUDY as it was given or by default, and the folder or pack of its results.
 *
 * @throws {UsageError} If there are none, `--results` names another folder than that of a path that was given, or the command may
 * not use a place that it was given.
 */
export async function sweptFolder(
  command: string,
  parsed: Arguments,
): Promise<{ readonly name: string; readonly folder: string }> {
  const [name = defaultStudy] = parsed.positional;
  const results = parsed.text("results");
  const folder = await findResults(name, results ?? defaultResults);
  if (results !== null && !`${resolve(folder)}/`.startsWith(`${resolve(results)}/`)) {
    throw new UsageError(
      `Option "--results" is "${results}", but "${name}" is a path of its own: found "${folder}", and what ${command} makes of it ` +
        `goes to "${
          outputFolder(folder)
        }"; leave --results out, or name the study without its path`,
    );
  }
  await askToWrite(command, outputFolder(folder), "STUDY or --results");
  return { name, folder };
}

/** The values of `--trust` that are hashes, those that are study modules, and whether one was left out. */
function trustGiven({ optional }: Pick<Arguments, "optional">) {
  const given = optional("trust");
  const values = given.filter((value) => value !== null);
  return {
    isAny: given.includes(null),
    modules: values.filter((value) => value.endsWith(".ts")),
    hashes: values.filter((value) => !value.endsWith(".ts")),
  };
}

/** The study modules that `--trust` names. */
export function trustPlaces(parsed: Pick<Arguments, "optional">): readonly Place[] {
  return trustGiven(parsed).modules.flatMap((module) => studyPlaces(module, "--trust"));
}

/**
 * The trust that a command line gives, which shows on standard error what it lets run.
 *
 * @param study The study that was named, or null: if that is a study module, it may run.
 *
 * @throws {UsageError} If `--trust` has a value that is neither a hash nor a file.
 */
export async function trustOf(
  parsed: Pick<Arguments, "optional">,
  study: string | null,
  tell: (line: string) => Promise<void> = complain,
): Promise<Trust> {
  const { isAny, hashes, modules } = trustGiven(parsed);
  const wrong = hashes.find((hash) => !/^[0-9a-f]{64}$/.test(hash));
  if (wrong !== undefined) {
    throw new UsageError(
      `Option "--trust" is "${wrong}", want the 64 hexadecimal digits of a SHA-256, or a study's .ts file; without a value it ` +
        "trusts all code that the results name",
    );
  }
  const named = study === null ? null : await namedModule(study);
  const files = await Promise.all(
    [...modules, named ?? []].flat().map((path) => Deno.realPath(path)),
  );
  return async (module: NamedModule) => {
    const isTrusted = isAny || isCoveredBy(hashes, module) ||
      files.includes(await Deno.realPath(module.path));
    if (isTrusted) await tell(`Runs ${moduleText(module)}`);
    return isTrusted;
  };
}
