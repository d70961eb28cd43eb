/**
 * The ranks that runs start with: here, and nowhere else, they are solved, whatever source a run has them from.
 *
 * Those of a budget, of a method's own plan, of a file and of deltas are known when a study is planned. Those of another run are
 * read, and those that a method estimates are found, when the run starts.
 *
 * @module
 */
import { canonicalJson } from "../../base/canonical_json.ts";
import { errorMessage } from "../../base/input_error.ts";
import { parseJson } from "../../base/read_json.ts";
import { decodeText } from "../../base/read_text.ts";
import type { Method } from "../../methods/method.ts";
import { findMethod, type MethodTable } from "../../methods/table.ts";
import { mostFileBytes, readBounded } from "../../record/read_bounded.ts";
import type { RankEstimateRecord, RanksOrigin, RunRecord } from "../../record/types.ts";
import { total } from "../../study/budget/costs.ts";
import {
  type Ranks,
  ranksOfFile,
  ranksWithDeltas,
  transformedRanks,
} from "../../study/budget/given.ts";
import { adaptedModules, fixedRanks, givenPlan, planRun } from "../../study/budget/ranks.ts";
import type { Problem } from "../../study/check/problems.ts";
import { type RunProblem, toldOnce } from "../../study/check/runs.ts";
import { pointKey } from "../../study/grid/points.ts";
import { runContent, runTitle } from "../../study/grid/run_id.ts";
import { stageSteps } from "../../study/grid/steps.ts";
import type { AskedRanks, GridRun, ModuleShape, RunSpec } from "../../study/types.ts";
import type { SlotOrder } from "../../train/slots.ts";
import type { ModuleDirections } from "../../train/vectors.ts";
import type { Inputs, ReadRun } from "../inputs.ts";
import { type EstimateContext, estimateOf } from "./estimated_ranks.ts";
import type { PlannedRun } from "./planned_run.ts";

/** Where the ranks that a run starts with come from; `method` is a plan of the method's own under its budget. */
type RankSource = "none" | "given" | "run" | "estimate" | "method" | "budget";

/** The source of a run's ranks; those of another run and of an estimate are not known before it starts. */
export function rankSourceOf(
  { run, method }: { readonly run: RunSpec; readonly method: Method },
): RankSource {
  if (!method.usesBudget) return "none";
  if (run.ranks !== null) return "given";
  if (run.ranksFrom !== undefined) return "run";
  if (method.bind(run.options).estimate !== undefined) return "estimate";
  return method.plan === undefined ? "budget" : "method";
}

/** Optimiser steps of a run whose tasks are loaded. */
export function stepsOf(
  run: Pick<RunSpec, "task" | "sequence" | "settings">,
  inputs: Pick<Inputs, "examplesOf">,
): number {
  return total(stageSteps(run, (task) => inputs.examplesOf(task)));
}

/** A run whose ranks are settled, or are those of a run that is. */
interface SettledRun {
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

/**
 * Settles the ranks that a study asks for: files are read, deltas added, other runs named by their ids. The models and tasks of all
 * runs are loaded.
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
  const modulesOf = ({ method, options, settings }: RunSpec): readonly ModuleShape[] => {
    const { moduleParts } = findMethod(method, methods);
    return adaptedModules(inputs.modulesOf(settings.model), settings, moduleParts(options));
  };
  const given = async (asked: AskedRanks, run: RunSpec): Promise<SettledRun> => {
    const method = findMethod(run.method, methods);
    const modules = modulesOf(run);
    if (asked.type === "file") {
      const { file, as } = asked;
      const read = await readRanks(file, inputs.folders.study);
      // Before they are reversed or permuted, which needs one for each module.
      fixedRanks(method, run.options, modules, read);
      const ranks = transformedRanks(as, modules, read, run.seed);
      return { run: { ...run, ranks }, ranksFrom: { type: "file", file, as } };
    }
    if (asked.type === "dose") {
      if (rankSourceOf({ run, method }) === "estimate") {
        throw new RangeError(
          `Cannot add to the ranks of "${method.name}": it finds them itself before training; take them from a file or another run`,
        );
      }
      const plan = planRun(method, run, inputs.modulesOf(run.settings.model), stepsOf(run, inputs));
      const ranks = ranksWithDeltas(modules, plan!.initial, asked.add);
      return { run: { ...run, ranks }, ranksFrom: asked };
    }
    const { of, as } = asked;
    const source = byPoint.get(pointKey(of));
    if (source === undefined) {
      throw new RangeError(
        `found no run "${runTitle(of)}", wanted it to be planned with those that take its ranks`,
      );
    }
    const { run: from } = await settledOf(source);
    checkModules(modules, from, modulesOf(from));
    const id = await idOf(from);
    return {
      run: { ...run, ranksFrom: { run: id, as } },
      ranksFrom: { type: "run", run: id, title: runTitle(from), as },
    };
  };
  const settle = async ({ askedRanks, ...run }: GridRun): Promise<SettledRun> => {
    if (askedRanks === undefined) return { run, ranksFrom: null };
    try {
      return await given(askedRanks, run);
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
  return { problems: [...toldOnce(problems), ...twinProblems(found)], runs: found };
}

/** Runs whose given ranks make them the same as another run. */
function twinProblems(runs: readonly SettledRun[]): readonly Problem[] {
  const byContent = Map.groupBy(runs, ({ run }) => canonicalJson(runContent(run)));
  return [...byContent.values()].flatMap((same) => {
    const given = same.findLast(({ ranksFrom }) => ranksFrom !== null);
    const other = same.find((one) => one !== given);
    if (given === undefined || other === undefined) return [];
    return [{
      where: `run "${runTitle(given.run)}", ranks`,
      message: `found that it is the same as run "${runTitle(other.run)}", wanted other ranks`,
    }];
  });
}

async function readRanks(file: string, folder: string): Promise<Ranks> {
  const path = file.startsWith("/") ? file : `${folder}/${file}`;
  try {
    return ranksOfFile(
      parseJson(decodeText(await readBounded(path, mostFileBytes.json), path), path),
    );
  } catch (error) {
    throw new RangeError(`Cannot read ranks from "${path}": ${errorMessage(error)}`);
  }
}

function checkModules(
  modules: readonly ModuleShape[],
  from: RunSpec,
  fromModules: readonly ModuleShape[],
): void {
  const [own, theirs] = [modules, fromModules].map((all) => all.map(({ name }) => name));
  const missing = own!.find((name) => !theirs!.includes(name));
  const further = theirs!.find((name) => !own!.includes(name));
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

/** Where ranks are taken from that are not known before a run starts. */
interface RankContext extends EstimateContext {
  /** The study's results; null where no run takes ranks from another one. */
  readonly records: {
    readonly folder: string;
    readonly read: (path: string) => Promise<RunRecord | null>;
  } | null;
}

/** A run with the ranks that it starts with. */
export interface RankedRun {
  readonly planned: PlannedRun;
  /** Rows that were found for its modules to start with; absent where its method takes none. */
  readonly directions?: ModuleDirections;
  /** Null where ranks follow from the budget alone. */
  readonly estimate: RankEstimateRecord | null;
}

/**
 * A run with its ranks as it starts: those of another run are read from its record, and those that a method estimates are found,
 * with the rows that its modules start with. Any other run is returned as it is.
 *
 * @param read What was read for the run.
 * @param order Slots at a checkpoint that the run goes on from, or null: then the ranks are those it began with.
 *
 * @throws {RanksError} If a run that ranks come from failed or has no record, or its ranks do not fit.
 */
export async function startingRanks(
  asked: PlannedRun,
  read: ReadRun,
  context: RankContext,
  order: SlotOrder | null,
): Promise<RankedRun> {
  const planned = await withSourceRanks(asked, context);
  const found = await estimateOf(planned, read, context, order);
  if (found === null) return { planned, estimate: null };
  const { ranks, directions, record } = found;
  return {
    planned: replanned(planned, ranks),
    ...(directions === undefined ? {} : { directions }),
    estimate: record,
  };
}

/** Thrown where a run cannot have the ranks of another one; an outcome of that run. */
export class RanksError extends Error {
  override readonly name = "RanksError";
}

async function withSourceRanks(
  planned: PlannedRun,
  { records, inputs }: RankContext,
): Promise<PlannedRun> {
  const { run, method, modules, ranksFolder } = planned;
  const { ranksFrom } = run;
  if (ranksFolder === null || ranksFrom === undefined || records === null) return planned;
  const path = `${records.folder}/${ranksFolder}`;
  const fail = (problem: string): never => {
    throw new RanksError(
      `Cannot start with the ranks of run ${ranksFrom.run} in "${path}": ${problem}`,
    );
  };
  const record = await records.read(path);
  if (record === null) return fail("found no record, wanted a finished run; sweep it first");
  if (record.id !== ranksFrom.run) return fail(`found run ${record.id} there; sweep it again`);
  const { outcome, finalRanks } = record.happened;
  if (outcome.state === "failed") {
    const at = outcome.step === null ? "" : ` at step ${outcome.step}`;
    return fail(`that run failed (${outcome.cause}${at}): ${outcome.message}`);
  }
  if (finalRanks === null) return fail("found a run without ranks, wanted one with ranks");
  try {
    const ranks = transformedRanks(ranksFrom.as, modules, finalRanks, run.seed);
    const plan = givenPlan(method, run, modules, ranks, stepsOf(run, inputs));
    return { ...planned, plan, ranksFolder: null };
  } catch (error) {
    return fail(errorMessage(error));
  }
}

/** The run with a rank for each module; its plan keeps what the budget asked for. */
function replanned(planned: PlannedRun, ranks: readonly number[]): PlannedRun {
  const { method, run, modules, plan } = planned;
  const byName = Object.fromEntries(modules.map(({ name }, i) => [name, ranks[i]!]));
  const { requested } = plan!;
  return { ...planned, plan: { ...fixedRanks(method, run.options, modules, byName), requested } };
}

/** A recorded run with the ranks that it began with, where its method estimates them or another run gave them. */
export function withRecordedRanks(planned: PlannedRun, initialRanks: Ranks | null): PlannedRun {
  const { run, method, modules, plan } = planned;
  const source = rankSourceOf(planned);
  if (plan === null || initialRanks === null) return planned;
  if (source === "run") {
    const own = fixedRanks(method, run.options, modules, initialRanks);
    return { ...planned, plan: own, ranksFolder: null };
  }
  return source === "estimate"
    ? replanned(planned, modules.map(({ name }) => initialRanks[name] ?? 0))
    : planned;
}
