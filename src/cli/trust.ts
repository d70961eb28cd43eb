/**
 * Trust on the command line: `--trust`, `--trust=HASH`, and a study that is named itself.
 *
 * @module
 */
import { UsageError } from "../base/usage_error.ts";
import { namedModule } from "../runs/plan/find_study.ts";
import { isCoveredBy, moduleText, type NamedModule, type Trust } from "../runs/method_modules.ts";
import type { CommandOption } from "./command.ts";
import { type Arguments, complain } from "./terminal.ts";

/** The option of the commands that may have to run code that results name. */
export const trustOption: CommandOption = {
  name: "trust",
  value: "HASH",
  isOptional: true,
  text:
    "run the code of methods that the results name, if its SHA-256 is HASH (without =HASH: whatever it is); path and hash are " +
    "shown first, and without this option it does not run",
};

/** What an error of a `--trust` that is no hash says. */
function checkedHash(hash: string): string {
  if (/^[0-9a-f]{64}$/.test(hash)) return hash;
  throw new UsageError(
    `Option "--trust" is "${hash}", want the 64 hexadecimal digits of a SHA-256; without =HASH it trusts all code that ` +
      "the results name",
  );
}

/** Whether two paths are the same file. */
async function isSameFile(one: string, other: string): Promise<boolean> {
  return await Deno.realPath(one) === await Deno.realPath(other);
}

/**
 * The trust that a command line gives, which shows on standard error what it lets run.
 *
 * @param study The study that was named, or null: if that is a study module, it may run.
 *
 * @throws {UsageError} If `--trust` has a value that is no hash.
 */
export async function trustOf(
  parsed: Pick<Arguments, "optional">,
  study: string | null,
  tell: (line: string) => Promise<void> = complain,
): Promise<Trust> {
  const given = parsed.optional("trust");
  const hashes = given.flatMap((hash) => hash === null ? [] : [checkedHash(hash)]);
  const named = study === null ? null : await namedModule(study);
  return async (module: NamedModule) => {
    const isTrusted = given.includes(null) || isCoveredBy(hashes, module) ||
      (named !== null && await isSameFile(named, module.path));
    if (isTrusted) await tell(`Runs ${moduleText(module)}`);
    return isTrusted;
  };
}
