/**
 * `deno task plan [STUDY]`: checks a study and prints what it would run.
 *
 * @module
 */
import type { Registration } from "../analysis/claims/statement.ts";
import { commandOf } from "./command.ts";
import { placesAt, sweepPlaces } from "./access.ts";
import { UsageError } from "../base/input_error.ts";
import { publishedResults } from "../runs/plan/study_power.ts";
import type { PlanOptions, PowerAsked } from "./plan_text.ts";
import { mostRunsOf, option, studyArgument } from "./command_parts.ts";
import { defaultStudy } from "../runs/plan/study_file.ts";
import { defaultResults } from "../runs/stored_study.ts";
import { outputColumns, runCommand, say, sayWrapped } from "./terminal.ts";
import { hubCache } from "../fetch/hub.ts";
import { bringOwnFiles } from "../fetch/own_data.ts";
import { askApart } from "../runs/plan/apart.ts";
import { terminalTransport } from "./fetch_report.ts";

/** The command. */
export const plan = commandOf({
  name: "plan",
  summary:
    "Checks a study and prints its runs, their budgets (requested, initial, peak, final) and measured times",
  takes: "[STUDY]",
  explained: [studyArgument],
  places: (parsed) => [...sweepPlaces(parsed, false), ...placesAt(parsed, "pilot")],
  options: [
    ...option.inputs,
    option.only,
    option.set,
    option.mostRuns,
    {
      name: "power",
      text: "say how many seeds each claim needs, and what differences the study could detect",
    },
    {
      name: "pilot",
      value: "RESULTS",
      text:
        "with --power: results folder or packed study to take spreads and times from (default the study's own results, else " +
        `those in ${publishedResults} with the same arms)`,
    },
    {
      name: "results",
      value: "DIR",
      text: `where finished runs are looked for (default ${defaultResults})`,
    },
    option.json,
  ],
  examples: [
    { line: "deno task plan", text: `the study ${defaultStudy}` },
    { line: "deno task plan my-study --power", text: "with the seeds that each claim needs" },
    { line: "deno task plan glue-embedded --data .cache/glue", text: "a study on GLUE" },
  ],
}, async (parsed) => {
  const [name = defaultStudy] = parsed.positional;
  const options = {
    data: parsed.text("data"),
    model: parsed.text("model"),
    results: parsed.text("results") ?? defaultResults,
    only: parsed.list("only"),
    set: parsed.list("set"),
    mostRuns: mostRunsOf(parsed),
    width: outputColumns(),
    json: parsed.flag("json"),
    power: powerOf(name, parsed.flag("power"), parsed.text("pilot")),
  };
  const text = await planApart(name, options);
  await (options.json ? say(text) : sayWrapped(text));
  return 0;
});

function powerOf(study: string, isAsked: boolean, pilot: string | null): PowerAsked | null {
  if (pilot !== null && !isAsked) {
    throw new UsageError(`Option "--pilot" is "${pilot}" without --power, want both or none`);
  }
  return isAsked ? { pilot, study } : null;
}

/** What the thread is asked. */
export interface PlanAsked {
  readonly name: string;
  readonly options: PlanOptions;
  /** The folder of the hub's cache. */
  readonly cache: string;
  /** Whether the plan is wanted as a registration, in place of its text. */
  readonly isRegistered: boolean;
}

/**
 * The plan of a study as {@linkcode planText} writes it. The study's module, if it is one, and its methods run in a thread that may
 * read and do nothing else: functions cannot be posted, so that not the study comes here, but the plan is made there.
 *
 * @param name A study's file, or its name in `experiments/`.
 *
 * @throws {UsageError} If there is no such study.
 * @throws {Error} With every problem that would stop the study.
 */
export function planApart(name: string, options: PlanOptions): Promise<string> {
  return askPlanner({ name, options, isRegistered: false });
}

/** The registration of a study, planned as {@linkcode planApart} plans it. */
export function registrationApart(name: string, options: PlanOptions): Promise<Registration> {
  return askPlanner({ name, options, isRegistered: true });
}

async function askPlanner<Answer>(asked: Omit<PlanAsked, "cache">): Promise<Answer> {
  // The thread may fetch nothing.
  await bringOwnFiles(terminalTransport);
  const url = new URL("./plan_thread.ts", import.meta.url);
  return await askApart(url, `that plans "${asked.name}"`, { ...asked, cache: hubCache() });
}

if (import.meta.main) await runCommand(plan);
