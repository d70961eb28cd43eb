/**
 * `deno task traces TRACE.json…`: follows recorded runs of the authors' rank allocators through ranklab's graph, gradients
 * and policies, and names the first number that differs.
 *
 * @module
 */
import { describeDifference, type Tolerance } from "./difference.ts";
import { checkChain, followTrace, ranksOf } from "./follow_graph.ts";
import { parseTrace, type Trace } from "./trace.ts";
import { type Command, defaultColumns, helpText, readCommand } from "../../src/cli/command.ts";
import { askForPlaces } from "../../src/cli/access.ts";
import { InputError, UsageError } from "../../src/base/input_error.ts";
import { parseJson } from "../../src/base/read_json.ts";
import { decodeText } from "../../src/base/read_text.ts";
import { mostFileBytes, readBounded } from "../../src/record/read_bounded.ts";
import { complain, outputColumns, runCommand, say } from "../../src/cli/terminal.ts";

/** What the command takes. */
const command: Command = {
  name: "traces",
  summary:
    "Follows recorded training runs of the authors' rank allocators: loss, gradients, parameters, importance, scores " +
    "and ranks of every step are computed anew and compared with the file",
  takes: "TRACE.json ...",
  most: Infinity,
  least: 1,
  explained: [{
    name: "TRACE.json",
    text: 'an object with "config", "frozen", "x", "y", "initial" and "steps"',
  }],
  options: [{
    name: "tolerance",
    value: "NUMBER",
    text: "largest relative error of a number (default 1e-9); ranks must always be equal",
  }],
  examples: [{
    line: "deno task traces tests/golden/elalora_trace_a.json",
    text: "a trace of the repository",
  }],
  notes: [
    'Known formats: of ElaLoRA, "config.method" is "elalora" or absent and each step has "b", the ranks to move; of AdaLoRA, ' +
    '"config.method" is "adalora" and each step has "budget", the total rank allowed.',
    "Exit code: 0 if all agree, 1 if a number differs, 2 for wrong arguments or a file that is no trace.",
  ],
};

/** How {@linkcode followFiles} compares and where it writes. */
export interface FollowFilesOptions {
  /** Largest relative error of a number; errors up to a millionth of it pass as they are. Default 1e-9. */
  readonly tolerance?: number;
  /** Receives one line a trace. Default: standard output. */
  readonly say?: (line: string) => Promise<void>;
  /** Receives a line for each file that is no trace. Default: standard error. */
  readonly complain?: (line: string) => Promise<void>;
}

async function readTrace(path: string): Promise<Trace> {
  const doing = "Cannot read trace";
  let bytes: Uint8Array;
  try {
    bytes = await readBounded(path, mostFileBytes.text);
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof InputError) throw cause;
    const found = cause.message;
    throw new InputError({
      file: path,
      found,
      wanted: "a file that can be read",
      message: `${doing} "${path}": ${found}`,
      cause,
    });
  }
  const trace = parseTrace(parseJson(decodeText(bytes, path, doing), path, { doing }), path);
  checkChain(trace);
  return trace;
}

/** The line of one trace, and whether all of it agrees. */
function followOne(trace: Trace, tolerance: Tolerance): { line: string; agrees: boolean } {
  const { difference, steps, events } = followTrace(trace, { tolerance });
  if (difference !== null) {
    const agreed = `${steps} of ${trace.steps.length} steps agree`;
    return {
      line: `differs ${trace.name}: ${agreed}. ${describeDifference(difference)}`,
      agrees: false,
    };
  }
  const start = ranksOf(trace, trace.initial).join(" ");
  const end = trace.steps.at(-1)!.ranks.join(" ");
  return {
    line: `ok ${trace.name}: ${steps} steps, ${events} events, ranks ${start} -> ${end}`,
    agrees: true,
  };
}

/**
 * Follows files, each to its first difference; a file that is no trace does not stop the others.
 *
 * @returns 0 where all agree, 1 where a number differs, 2 where a file is no trace.
 */
export async function followFiles(
  paths: readonly string[],
  options: FollowFilesOptions = {},
): Promise<number> {
  const relative = options.tolerance ?? 1e-9;
  const tolerance = { absolute: relative * 1e-6, relative };
  const write = options.say ?? say;
  let code = 0;
  for (const path of paths) {
    try {
      const { line, agrees } = followOne(await readTrace(path), tolerance);
      await write(line);
      if (!agrees) code = Math.max(code, 1);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      await (options.complain ?? complain)(`error: ${error.message}`);
      code = 2;
    }
  }
  return code;
}

/**
 * The command with its arguments; see {@linkcode followFiles} for the exit code.
 *
 * @throws {UsageError} For an unknown option, no file, or a tolerance that is no positive number.
 */
export async function traces(
  args: readonly string[],
  options: Pick<FollowFilesOptions, "say" | "complain"> = {},
): Promise<number> {
  const { positional, text, flag } = readCommand(args, command);
  if (flag("help")) {
    await (options.say ?? say)(helpText(command, outputColumns() ?? defaultColumns));
    return 0;
  }
  const given = text("tolerance");
  const tolerance = given === null ? 1e-9 : Number(given);
  if (!(tolerance > 0 && tolerance < Infinity)) {
    throw new UsageError(
      `Option "--tolerance" is "${given}", want a positive number such as 1e-9`,
    );
  }
  await askForPlaces("traces", positional.map((path) => ({ path, option: "TRACE.json" })));
  return await followFiles(positional, { ...options, tolerance });
}
traces.command = command;

if (import.meta.main) await runCommand(traces);
