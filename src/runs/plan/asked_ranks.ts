/**
 * From the ranks that a study asks for to those of its runs: files are read, deltas added, other runs named by their ids.
 *
 * @module
 */
import { errorMessage } from "../../base/error_message.ts";
import { parseJson } from "../../base/read_json.ts";
import { decodeText } from "../../base/read_text.ts";
import { findMethod, type MethodTable } from "../../methods/table.ts";
import { mostFileBytes, readBounded } from "../../record/read_bounded.ts";
import type { RanksOrigin } from "../../record/types.ts";
import {
  type Ranks,
  ranksOfFile,
  ranksWithDeltas,
  transformedRanks,
} from "../../study/budget/given.ts";
import type { Problem } from "../../study/check/problems.ts";
import { pointKey } from "../../study/grid/points.ts";
import { adaptedModules, fixedRanks, planRun } from "../../study/budget/ranks.ts";
import { runTitle } from "../../study/grid/run_id.ts";
import { stageSteps } from "../../study/grid/steps.ts";
import { total } from "../../study/budget/costs.ts";
import type { AskedRanks, GridRun, ModuleShape, RunSpec } from "../../study/types.ts";
import { type RunProblem, toldOnce } from "../../study/check/runs.ts";
import { rankSourceOf } from "./rank_source.ts";
import type { Inputs } from "../inputs.ts";

/** A run whose ranks are settled, or are those of a run that is. */
export interface SettledRun {
  readonly run: RunSpec;
  /** Where its given ranks come from; null where it has none, or a record gave them. */
  readonly ranksFrom: RanksOrigin | null;
}

/** What settling the ranks of runs came to; runs that are among the problems keep the ranks of their budget. */
interface SettledRuns {
  readonly problems: readonly Problem[];
  /** In the order of the runs. */
  readonly runs: readonly SettledRun[];
}

/** Optimiser steps of a run whose tasks are loaded. */
export function stepsOf(
  run: Pick<RunSpec, "task" | "sequence" | "settings">,
  inputs: Pick<Inputs, "examplesOf">,
): number {
  return total(stageSteps(run, (task) => inputs.examplesOf(task)));
}

function modulesOf(run: RunSpec, inputs: Inputs, methods: MethodTable): readonly ModuleShape[] {
  const { moduleParts } = findMethod(run.method, methods);
  return adaptedModules(
    inputs.modulesOf(run.settings.model),
    run.settings,
    moduleParts(run.options),
  );
}

async function readRanks(
  file: string,
  run: RunSpec,
  inputs: Inputs,
  methods: MethodTable,
): Promise<Ranks> {
  const path = file.startsWith("/") ? file : `${inputs.folders.study}/${file}`;
  let ranks: Ranks;
  try {
    const text = decodeText(await readBounded(path, mostFileBytes.json), path);
    ranks = ranksOfFile(parseJson(text, path));
  } catch (error) {
    throw new RangeError(`Cannot read ranks from "${path}": ${errorMessage(error)}`);
  }
  // Before they are reversed or permuted, which needs one for each module.
  fixedRanks(findMethod(run.method, methods), run.options, modulesOf(run, inputs, methods), ranks);
  return ranks;
}

/** The ranks of a budget with deltas added. */
function withDeltas(
  { add }: Extract<AskedRanks, { type: "dose" }>,
  run: RunSpec,
  inputs: Inputs,
  methods: MethodTable,
): Ranks {
  const method = findMethod(run.method, methods);
  if (rankSourceOf({ run, method }) === "estimate") {
    throw new RangeError(
      `Cannot add to the ranks of "${method.name}": it finds them itself before training; take them from a file or another run`,
    );
  }
  const plan = planRun(method, run, inputs.modulesOf(run.settings.model), stepsOf(run, inputs));
  return ranksWithDeltas(modulesOf(run, inputs, methods), plan!.initial, add);
}

/**
 * Settles the ranks of runs; the models and tasks of all of them are loaded.
 *
 * @param runs All that take ranks from each other.
 * @param idOf The id of a run whose ranks are settled.
 */
export async function settleRanks(
  runs: readonly GridRun[],
  inputs: Inputs,
  methods: MethodTable,
  idOf: (run: RunSpec) => Promise<string>,
): Promise<SettledRuns> {
  const byPoint = new Map(runs.map((run) => [pointKey(run), run]));
  const settled = new Map<GridRun, Promise<SettledRun>>();
  const problems: RunProblem[] = [];

  const settle = async (asking: GridRun): Promise<SettledRun> => {
    const { askedRanks: asked, ...run } = asking;
    if (asked === undefined) return { run, ranksFrom: null };
    try {
      switch (asked.type) {
        case "file": {
          const { file, as } = asked;
          const read = await readRanks(file, run, inputs, methods);
          const ranks = transformedRanks(as, modulesOf(run, inputs, methods), read, run.seed);
          return { run: { ...run, ranks }, ranksFrom: { type: "file", file, as } };
        }
        case "dose":
          return {
            run: { ...run, ranks: withDeltas(asked, run, inputs, methods) },
            ranksFrom: asked,
          };
        case "run": {
          const { of, as } = asked;
          const source = byPoint.get(pointKey(of));
          if (source === undefined) {
            throw new RangeError(
              `found no run "${
                runTitle(of)
              }", wanted it to be planned with those that take its ranks`,
            );
          }
          const { run: from } = await settledOf(source);
          checkModules(run, from, inputs, methods);
          const id = await idOf(from);
          return {
            run: { ...run, ranksFrom: { run: id, as } },
            ranksFrom: { type: "run", run: id, title: runTitle(from), as },
          };
        }
      }
    } catch (error) {
      problems.push({ run, where: "ranks", message: errorMessage(error) });
      return { run, ranksFrom: null };
    }
  };
  const settledOf = (run: GridRun): Promise<SettledRun> => {
    const known = settled.get(run) ?? settle(run);
    settled.set(run, known);
    return known;
  };

  const found: SettledRun[] = [];
  for (const run of runs) found.push(await settledOf(run));
  return { problems: toldOnce(problems), runs: found };
}

/** Refuses ranks of a run that adapts other modules. */
function checkModules(
  run: RunSpec,
  from: RunSpec,
  inputs: Inputs,
  methods: MethodTable,
): void {
  const namesOf = (one: RunSpec) => modulesOf(one, inputs, methods).map(({ name }) => name);
  const [own, theirs] = [namesOf(run), namesOf(from)];
  const missing = own.find((name) => !theirs.includes(name));
  const further = theirs.find((name) => !own.includes(name));
  if (missing === undefined && further === undefined) return;
  const what = missing === undefined
    ? `adapts "${further}" too, which this run does not`
    : `does not adapt "${missing}", which this run does`;
  throw new RangeError(
    `Cannot take the ranks of run "${
      runTitle(from)
    }": it ${what}; wanted a run of the same modules`,
  );
}
