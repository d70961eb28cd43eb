/**
 * Large constants as inputs, so that a device holds them once for all the programs that use them.
 *
 * @module
 */
import type { Program } from "./program.ts";
import { rewrite } from "./rewrite.ts";
import { type HostTensor, input } from "./tensor.ts";

/** A program and what every run of it must be fed besides its own inputs. */
interface LiftedProgram {
  readonly program: Program;
  /** The constants that became inputs, by the inputs' names. */
  readonly lifted: ReadonlyMap<string, HostTensor>;
}

/**
 * The program with every float constant of at least `smallest` numbers made an input named `constant.`, number and name.
 *
 * @param smallest Default 16,384 numbers.
 */
export function liftConstants(program: Program, smallest = 2 ** 14): LiftedProgram {
  const lifted = new Map<string, HostTensor>();
  const changed = rewrite(program, (node) => {
    const host = node.constant;
    if (host === null || host.data.length < smallest || host.type !== "f32") return null;
    const name = `constant.${lifted.size}.${node.attributes["name"]}`;
    lifted.set(name, host);
    return [input(name, host.shape, host.type)];
  });
  return { program: changed, lifted };
}
