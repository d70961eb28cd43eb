/**
 * The spectra of a study's finished runs: how many of the ranks that they were given their updates use, and whether seeds agree.
 *
 * @module
 */
import { UsageError } from "../../base/input_error.ts";
import { findMethod, type MethodTable } from "../../methods/table.ts";
import { isDamage } from "../../record/damage.ts";
import {
  openResults,
  outputFolder,
  type ResultsReader,
  type StoredRun,
  within,
} from "../../record/results_reader.ts";
import { makeFolder, writeWhole } from "../../record/durable.ts";
import type { LeftOutRun, RunSpectra, SpectraOverlap, StudySpectra } from "../../record/spectra.ts";
import { recordSchemaVersion } from "../../record/types.ts";
import { problemOfGivenModel } from "../../study/schema/model_name.ts";
import { budgetKey } from "../../study/budget/budget.ts";
import { runTitle } from "../../study/grid/run_id.ts";
import type { RunSpec } from "../../study/types.ts";
import { type Followed, followed, type Watch } from "../events.ts";
import { Inputs } from "../inputs.ts";
import { loadCustomCode, type Trust } from "../method_modules.ts";
import { finishedRuns, foldersAgain, noFinishedRun, runSpecOf } from "./recorded_run.ts";
import {
  FrozenVectors,
  intruderThreshold,
  intruderTop,
  overlapOf,
  type SpannedRun,
  spectraOfRun,
  withoutUpdates,
} from "./run_spectra.ts";
import { readSelection } from "../plan/planned_study.ts";
import { readSpectra } from "../study_results.ts";
import { readStoredStudy, type StoredStudy } from "../stored_study.ts";
import { baseOf, keptWeights, remedyForWeights } from "../trained_run.ts";

/** How spectra are found. */
export interface SpectraOptions {
  /** Folder, wheel or `hub:` name of the encoder where it is not where the sweep had it. Default, and null: the sweep's. */
  readonly model?: string | null;
  /** Which code that the results name may run. Default: none. */
  readonly trust?: Trust;
  /** Whether intruder dimensions are looked for, which takes most of the time. Default true. */
  readonly intruders?: boolean;
  /**
   * The part of the study that is read, as {@linkcode readSelection} takes it; the seeds of a chosen run are read with it. Default:
   * all of it.
   */
  readonly only?: readonly string[];
}

/** What was found. */
export interface SpectraResult {
  /** The file that was written. */
  readonly out: string;
  /** All that it holds, earlier calls included. */
  readonly spectra: StudySpectra;
  /** Runs that were read now. */
  readonly read: number;
  /** Runs of the part that are left where it was stopped. */
  readonly left: number;
}

interface SpectraJob {
  readonly run: RunSpec;
  readonly stored: StoredRun;
}

/** Runs that differ in their seed alone, by task, method and budget. */
function cellsOf(jobs: readonly SpectraJob[]): readonly (readonly SpectraJob[])[] {
  const cells = Map.groupBy(
    jobs,
    ({ run: { task, label, budget } }) =>
      JSON.stringify([task, label, budget === null ? null : budgetKey(budget)]),
  );
  return [...cells.values()];
}

class SpectraReader {
  readonly #frozen: FrozenVectors | null;
  readonly #earlier: ReadonlyMap<string, RunSpectra>;

  constructor(
    readonly results: ResultsReader,
    readonly inputs: Inputs,
    readonly methods: MethodTable,
    hasIntruders: boolean,
    earlier: StudySpectra | null,
  ) {
    this.#frozen = hasIntruders ? new FrozenVectors() : null;
    const isSame = earlier?.top === intruderTop && earlier.threshold === intruderThreshold;
    this.#earlier = new Map(isSame ? earlier.runs.map((run) => [run.id, run]) : []);
  }
  async read(job: SpectraJob): Promise<SpannedRun | string> {
    const { run, stored: { record, folder } } = job;
    const method = findMethod(run.method, this.methods).bind(run.options);
    const reason = withoutUpdates(method);
    if (reason !== null) return reason;
    const own = within(this.results, folder.slice(this.results.path.length + 1));
    const weights = await keptWeights(own, record).catch((error) => {
      // Of a record without hashes.
      if (isDamage(error)) return error.message;
      throw error;
    });
    if (typeof weights === "string") return weights;
    if (weights === null) return `found no weights; ${remedyForWeights(folder)}`;
    const earlier = this.#earlier.get(record.id) ?? null;
    return await spectraOfRun({
      record,
      method,
      weights,
      model: await baseOf(this.inputs, run, record, `read the spectra of "${folder}"`),
      frozen: this.#frozen,
      earlier: earlier?.weights === weights.hash ? earlier : null,
      pause: () => new Promise((resolve) => setTimeout(resolve)),
    });
  }
}

interface CellSpectra {
  readonly spanned: readonly SpannedRun[];
  readonly leftOut: readonly LeftOutRun[];
}

/** What is written of whole cells, by the ids of their runs. */
class Found {
  readonly runs = new Map<string, RunSpectra>();
  readonly overlaps: SpectraOverlap[] = [];
  readonly leftOut = new Map<string, LeftOutRun>();

  /** Takes what was found of a cell, and how its updates overlap. */
  add({ spanned, leftOut }: CellSpectra): void {
    for (const { spectra } of spanned) this.runs.set(spectra.id, spectra);
    for (const run of leftOut) this.leftOut.set(run.id, run);
    spanned.forEach((first, i) => {
      for (const second of spanned.slice(i + 1)) this.overlaps.push(overlapOf(first, second));
    });
  }

  /** What it says with an earlier file, of which the runs that were read again and those that are gone are dropped. */
  with(earlier: StudySpectra | null, study: string, order: readonly string[]): StudySpectra {
    const isOld = (id: string) => order.includes(id) && !this.runs.has(id) && !this.leftOut.has(id);
    const held = <T extends { readonly id: string }>(
      old: readonly T[] = [],
      now: ReadonlyMap<string, T>,
    ): readonly T[] => {
      const all = new Map([
        ...old.filter(({ id }) => isOld(id)).map((run) => [run.id, run] as const),
        ...now,
      ]);
      return order.flatMap((id) => all.get(id) ?? []);
    };
    return {
      schema: recordSchemaVersion,
      study,
      top: intruderTop,
      threshold: intruderThreshold,
      runs: held(earlier?.runs, this.runs),
      overlaps: [
        ...(earlier?.overlaps ?? []).filter(({ first, second }) => isOld(first) && isOld(second)),
        ...this.overlaps,
      ],
      leftOut: held(earlier?.leftOut, this.leftOut),
    };
  }
}

/** The finished runs with ranks of a part of the study, and those that differ from one of these in their seed alone. */
function jobsOf(
  folder: string,
  runs: readonly StoredRun[],
  isChosen: (run: RunSpec) => boolean,
): readonly SpectraJob[] {
  const jobs = runs
    .filter(({ record }) => record.happened.finalRanks !== null)
    .map((stored) => ({ stored, run: { ...runSpecOf(stored), label: stored.record.asked.label } }));
  const cells = cellsOf(jobs).filter((cell) => cell.some(({ run }) => isChosen(run)));
  if (cells.length > 0) return cells.flat();
  throw noFinishedRun(`read the spectra of "${folder}"`, " with ranks");
}

async function inputsOf(
  stored: StoredStudy,
  jobs: readonly SpectraJob[],
  { model = null, trust = [] }: SpectraOptions,
  { fetching }: Watch,
): Promise<Pick<SpectraReader, "inputs" | "methods">> {
  const runs = jobs.map(({ run }) => run);
  const unused = problemOfGivenModel(model, runs.map(({ settings }) => settings.model));
  if (unused !== null) throw new UsageError(`Cannot read spectra: --model: ${unused}`);
  const from = jobs.map((job) => job.stored);
  const folders = foldersAgain(stored, runs, { data: null, model }, from);
  const named = new Set(runs.map(({ method }) => method));
  const own = (stored.methods ?? []).filter(({ name }) => named.has(name));
  const { methods } = await loadCustomCode({ methods: own }, trust);
  return { inputs: new Inputs(folders, [], undefined, fetching), methods };
}

/**
 * Finds the spectra of a study's finished runs and writes `spectra.json` into its results, cell by cell. A run without weights is
 * named and left out.
 *
 * @param results The study's folder, or its pack with weights: then the file goes into a folder of its name beside it.
 *
 * @throws {UntrustedCodeError} If the results name code that is not trusted.
 * @throws {UsageError} If no finished run has ranks, none has weights, or the encoder is not what it was.
 */
export async function spectraOf(
  results: string,
  options: SpectraOptions = {},
  watch: Watch = {},
): Promise<SpectraResult> {
  const follow = followed(watch);
  const { emit } = follow;
  const reader = await openResults(results);
  const stored = await readStoredStudy(reader);
  const runs = await finishedRuns(reader, stored, emit);
  const isChosen = readSelection(options.only ?? [], stored.runs.map(({ run }) => run));
  const jobs = jobsOf(results, runs, isChosen);
  const { inputs, methods } = await inputsOf(stored, jobs, options, watch);
  const earlier = await readSpectra(reader, (file) => emit({ kind: "damaged file", file }));
  const source = new SpectraReader(reader, inputs, methods, options.intruders ?? true, earlier);
  const order = runs.map(({ record }) => record.id);
  const found = new Found();
  const folder = outputFolder(results);
  const out = `${folder}/spectra.json`;
  await emit({ kind: "begun", noun: "runs", total: jobs.length, skipped: 0 });
  for (const cell of cellsOf(jobs)) {
    const own = await readCell(cell, source, follow);
    if (own === null) break;
    found.add(own);
    if (found.runs.size === 0) continue;
    await makeFolder(folder);
    await writeWhole(
      out,
      `${JSON.stringify(found.with(earlier, stored.study.name, order))}\n`,
    );
  }
  const done = found.runs.size + found.leftOut.size;
  if (found.runs.size === 0 && done === jobs.length) {
    const [{ title, reason }] = [...found.leftOut.values()] as [LeftOutRun];
    throw new UsageError(
      `Cannot read the spectra of "${results}": found no run with factors, want at least one; ${title}: ${reason}`,
    );
  }
  const spectra = found.with(earlier, stored.study.name, order);
  return { out, spectra, read: found.runs.size, left: jobs.length - done };
}

async function readCell(
  cell: readonly SpectraJob[],
  source: SpectraReader,
  { stop, emit }: Followed,
): Promise<CellSpectra | null> {
  const spanned: SpannedRun[] = [];
  const leftOut: LeftOutRun[] = [];
  for (const job of cell) {
    if (stop.isRaised) return null;
    const title = runTitle(job.run);
    const own = await source.read(job);
    if (typeof own === "string") {
      leftOut.push({ id: job.stored.record.id, title, reason: own });
      await emit({ kind: "left out", title, reason: own });
    } else {
      spanned.push(own);
      await emit({ kind: "measured", title, spectra: own.spectra });
    }
  }
  return { spanned, leftOut };
}
