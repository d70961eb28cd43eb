/**
 * The commands of the program, each loaded when it is asked for.
 *
 * @module
 */
import type { CallableCommand, Command } from "./command.ts";
import { dirname } from "node:path";
import { historyPlaces } from "../record/git_history.ts";
import { findStudyFile, namedFiles, studyCandidates } from "../runs/plan/study_parts.ts";
import { defaultResults } from "../runs/stored_study.ts";
import type { Place } from "./access.ts";

export { hubCache } from "../fetch/hub.ts";

/** Loads each command by its name; the others are not loaded, so that each starts as fast as it does alone. */
export const commandLoaders: Readonly<Record<string, () => Promise<CallableCommand>>> = {
  sweep: async () => (await import("./sweep.ts")).sweep,
  plan: async () => (await import("./plan.ts")).plan,
  register: async () => (await import("./register.ts")).register,
  tune: async () => (await import("./tune.ts")).tune,
  report: async () => (await import("./report.ts")).report,
  decide: async () => (await import("./decide.ts")).decide,
  ablate: async () => (await import("./ablate.ts")).ablate,
  spectra: async () => (await import("./spectra.ts")).spectra,
  verify: async () => (await import("./verify.ts")).verify,
  export: async () => (await import("./export.ts")).exportCommand,
  import: async () => (await import("./import.ts")).importCommand,
  pack: async () => (await import("./pack.ts")).pack,
  unpack: async () => (await import("./unpack.ts")).unpack,
  models: async () => (await import("./models.ts")).models,
  data: async () => (await import("./data.ts")).data,
  schema: async () => (await import("./schema.ts")).schema,
};

/** All commands of the program, in the order of its help. */
export async function programCommands(): Promise<readonly CallableCommand[]> {
  return await Promise.all(Object.values(commandLoaders).map((load) => load()));
}

/**
 * A place with what it names, if it is a study: of a JSON file its registration, the files that it extends and those of tasks, ranks
 * and wheels. What a module names is known once it has run, so that its whole folder is read. Of the repository that it lies in,
 * history is read.
 *
 * @param results The folder of results, or null for the default one, whose settings a study may extend that is still to be tuned.
 *
 * @throws {UsageError} If a study is not there, or extends what is not.
 */
export async function withNamedFiles(
  place: Place,
  results: string | null,
): Promise<readonly Place[]> {
  const { path: name, option, isStudy = false } = place;
  if (!isStudy) return [place];
  const path = await findStudyFile(name);
  const files = path.endsWith(".ts")
    ? [dirname(path)]
    : [...studyCandidates(name, []), ...await namedFiles(path, results ?? defaultResults)];
  const history = await historyPlaces(dirname(path));
  return [...new Set([...files, ...history])].map((path) => ({ path, option }));
}

/** Shells that completions are made for. */
export const shells = ["bash", "zsh"] as const;

/** A shell that completions are made for. */
export type Shell = typeof shells[number];

function optionsOf({ options }: Command): string {
  return [...options.map(({ name }) => `--${name}`), "--help", "--trace"].join(" ");
}

/** A summary as one word of zsh: within single quotes, so without one, and without what parts a name from its description. */
function described({ name, summary }: Command): string {
  return `'${name}:${summary.replaceAll("'", "’").replaceAll(":", ";")}'`;
}

/**
 * The script that completes commands, their options, and otherwise files.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { completionScript } from "./commands.ts";
 * const command = { name: "sweep", summary: "Trains runs", takes: "", options: [], examples: [] };
 * assertStringIncludes(completionScript("bash", "ranklab", [command]), "sweep) options='--help --trace' ;;");
 * ```
 */
export function completionScript(
  shell: Shell,
  program: string,
  commands: readonly Command[],
): string {
  const names = [...commands.map(({ name }) => name), "completions", "permissions"].join(" ");
  const cases = commands.map((command) =>
    `    ${command.name}) options='${optionsOf(command)}' ;;`
  );
  if (shell === "bash") {
    return [
      `_${program}() {`,
      '  local word="${COMP_WORDS[COMP_CWORD]}" options=""',
      '  if [ "$COMP_CWORD" -eq 1 ]; then',
      `    COMPREPLY=($(compgen -W '${names} --help' -- "$word"))`,
      "    return",
      "  fi",
      '  case "${COMP_WORDS[1]}" in',
      ...cases,
      `    completions) options='${shells.join(" ")}' ;;`,
      `    permissions) options='${commands.map(({ name }) => name).join(" ")}' ;;`,
      "  esac",
      '  COMPREPLY=($(compgen -W "$options" -- "$word"))',
      '  [ "${#COMPREPLY[@]}" -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))',
      "}",
      `complete -o filenames -F _${program} ${program}`,
      "",
    ].join("\n");
  }
  return [
    `#compdef ${program}`,
    `_${program}() {`,
    "  local options=''",
    "  if (( CURRENT == 2 )); then",
    `    local -a commands=(${
      commands.map(described).join(" ")
    } 'completions:Prints completions' 'permissions:Prints permissions')`,
    "    _describe command commands",
    "    return",
    "  fi",
    '  case "${words[2]}" in',
    ...cases,
    `    completions) options='${shells.join(" ")}' ;;`,
    "  esac",
    "  compadd -- ${=options}",
    "  _files",
    "}",
    `compdef _${program} ${program}`,
    "",
  ].join("\n");
}
