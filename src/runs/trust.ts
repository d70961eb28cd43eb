/**
 * Trust in the code that results name: none of it runs unless somebody allows it.
 *
 * Results say in `study.json` and `record.json` which study modules brought their methods. Whoever made the results chose those
 * names and the hashes beside them, so neither says that the code is harmless.
 *
 * @module
 */
import { UsageError } from "../base/usage_error.ts";

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
        `option trust), --trust for all code that these results name, or STUDY as the study file itself`,
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
