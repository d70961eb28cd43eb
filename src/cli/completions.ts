/**
 * Completions of the program for shells, made from what its commands say of themselves.
 *
 * @module
 */
import type { Command } from "./command.ts";

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
 * import { completionScript } from "./completions.ts";
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
