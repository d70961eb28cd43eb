/** A study of seconds: a tiny BERT, a task of its own in a folder made for the test, few steps. */
import type { AblateOptions } from "../../src/runs/after/ablate.ts";
import type { ExecutionContext } from "../../src/runs/execute.ts";
import { assertEquals } from "@std/assert";
import type { Observer, Watch, WorkEvent } from "../../src/runs/events.ts";
import type { TuneOptions } from "../../src/runs/tune/trial_maker.ts";
import { type TuneResult, tuneStudy } from "../../src/runs/tune/tune_study.ts";
import { planText } from "../../src/cli/plan_text.ts";
import type { PlannedRun, StudyPlan } from "../../src/runs/plan/planned_run.ts";
import { expand, planRuns } from "../../src/runs/plan/planning.ts";
import { readStoredStudy } from "../../src/runs/stored_study.ts";
import { readStudyRuns } from "../../src/runs/study_results.ts";
import { type SweepOptions, type SweepResult, sweepStudy } from "../../src/runs/sweep.ts";
import { type VerifyOptions, verifyStudy } from "../../src/runs/after/verify.ts";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { methods } from "../../src/methods/table.ts";
import { readEnvironment } from "../../src/record/provenance.ts";
import type { StoredRun } from "../../src/record/results_reader.ts";
import type { RunRecord } from "../../src/record/types.ts";
import { attemptPath, attemptsAt, underWay } from "../../src/record/lease.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import { ProgramCache } from "../../src/train/programs.ts";
import { withFolder } from "../with_folder.ts";

/** The folder of a BERT with two layers, 16 wide, and 40 words. */
export const tinyModel = decodeURIComponent(new URL("../golden/bert", import.meta.url).pathname);

const actors = ["the cat", "a dog", "the bird", "she", "he", "it"];
const actions = ["sat on the mat", "ran under a tree", "flew and sat", "was very small"];

/** Sentences with label `calm` where somebody sat, else `lively`; each sentence once for `train` and `dev`. */
function rows(part: 0 | 1): string {
  const lines = actors.flatMap((actor, i) =>
    actions.flatMap((action, j) =>
      ["green", "red", "large", "one", "two"].map((word, k) => ({
        text: `${actor} ${action} ${word}`,
        label: action.includes("sat") ? "calm" : "lively",
        isDev: (i + j + k) % 3 === 0,
      }))
    )
  ).filter(({ isDev }) => isDev === (part === 1));
  return ["text\tlabel", ...lines.map(({ text, label }) => `${text}\t${label}`), ""].join("\n");
}

/** Sentences with a score: the last word's, and a half more for the cat. */
function scoredRows(part: 0 | 1): string {
  const numbers = ["one", "two", "three", "four"];
  const lines = actors.flatMap((actor, i) =>
    actions.flatMap((action, j) =>
      numbers.map((word, k) => ({
        text: `${word} ${actor} ${action} ${word}`,
        score: k + 1 + (actor.includes("cat") ? 0.5 : 0),
        isDev: (i + j + k) % 3 === 0,
      }))
    )
  ).filter(({ isDev }) => isDev === (part === 1));
  return ["text\tscore", ...lines.map(({ text, score }) => `${text}\t${score}`), ""].join("\n");
}

/** The study: each method once or twice. */
export const tinyStudy: Study = parseStudy({
  name: "tiny",
  base: {
    model: "folder",
    train: {
      steps: 14,
      batchSize: 8,
      learningRate: 0.02,
      maxLength: 12,
      evaluateEvery: 5,
      evaluateEpochs: false,
      keep: "best",
    },
  },
  userTasks: [{
    name: "Moves",
    files: { train: "moves/train.tsv", dev: "moves/dev.tsv" },
    columns: { text: "text", label: "label" },
    labels: ["calm", "lively"],
  }],
  deltas: [{
    when: { method: ["adalora", "elalora"] },
    options: { initWarmup: 2, finalWarmup: 3, maskInterval: 2 },
  }],
  axes: {
    tasks: ["Moves"],
    methods: ["head", "lora", "adalora", "elalora"],
    budgets: [2],
    seeds: [1],
  },
});

/** The same with a number to predict, whose metric is finer than an accuracy. */
export const scoredStudy: Study = parseStudy({
  ...tinyStudy,
  userTasks: [{
    name: "Numbers",
    files: { train: "moves/scored_train.tsv", dev: "moves/scored_dev.tsv" },
    columns: { text: "text", label: "score" },
    labels: { min: 1, max: 5 },
  }],
  axes: { ...tinyStudy.axes, tasks: ["Numbers"] },
});

/** Writes the files of the studies' tasks into a folder. */
export async function writeTinyTasks(home: string): Promise<void> {
  await Deno.mkdir(`${home}/moves`);
  await Deno.writeTextFile(`${home}/moves/train.tsv`, rows(0));
  await Deno.writeTextFile(`${home}/moves/dev.tsv`, rows(1));
  await Deno.writeTextFile(`${home}/moves/scored_train.tsv`, scoredRows(0));
  await Deno.writeTextFile(`${home}/moves/scored_dev.tsv`, scoredRows(1));
}

/** A sweep of the tiny BERT on one CPU thread. */
export const sweepOptions = {
  data: null,
  model: tinyModel,
  device: "cpu",
  jobs: 1,
  threads: 1,
  retryFailed: false,
} as const satisfies SweepOptions;

/** Sweeps a study whose tasks are in `home`, into its folder `results`. */
export function sweepIn(
  home: string,
  study: Study,
  options: SweepOptions = {},
  watch: Watch = {},
): Promise<SweepResult> {
  const results = `${home}/results`;
  return sweepStudy(
    { study, folder: home, methods },
    { ...sweepOptions, results, ...options },
    watch,
  );
}

/** Plans a study whose tasks are in `home`. */
export function planIn(home: string, study: Study): Promise<StudyPlan> {
  const folders = { data: null, model: tinyModel, study: home };
  return planRuns(study, expand(study, methods), folders, methods);
}

/** The plan of a study whose tasks are in `home`, in words. */
export function planTextIn(
  home: string,
  study: Study,
  options: Parameters<typeof planText>[1] = {},
): Promise<string> {
  const file = { study, folder: home, methods };
  return planText(file, { model: tinyModel, results: `${home}/results`, ...options });
}

/** Tunes a study whose tasks are in `home`, into its folder `results`. */
export function tuneIn(
  home: string,
  study: Study,
  options: TuneOptions = {},
  watch: Watch = {},
): Promise<TuneResult> {
  const place = { model: tinyModel, device: "cpu", jobs: 1, threads: 1 };
  return tuneStudy(
    { study, folder: home, methods },
    { ...place, results: `${home}/results`, ...options },
    watch,
  );
}

/** What is told of work, as it is told. */
export function listening(): { readonly events: WorkEvent[]; readonly onEvent: Observer } {
  const events: WorkEvent[] = [];
  return { events, onEvent: (event) => void events.push(event) };
}

/** Every run of a sweep again. */
export const verifyAll: VerifyOptions = { jobs: 1, tolerance: 1e-4 };

/** Asserts that all runs of a study, made again, are the same to the bit. */
export async function assertRepeats(
  folder: string,
  count: number,
  options: Partial<VerifyOptions> = {},
): Promise<void> {
  const { runs } = await verifyStudy(folder, { ...verifyAll, ...options });
  assertEquals(runs.map(({ verdict }) => verdict), Array(count).fill("bit-equal"));
}

/** Every run of a sweep by the layer-rank ablation alone. */
export const ablateAll: AblateOptions = { jobs: 1, threads: 1 };

/** A swept study in a folder of its own. */
export interface Swept {
  /** Where the study's data are. */
  readonly home: string;
  /** The study's results. */
  readonly folder: string;
  /** The folder of the run of a method. */
  readonly runOf: (method: string) => string;
  readonly recordOf: (method: string) => RunRecord;
}

/** What each run of a swept study left, in the order of its plan. */
export async function runsIn(folder: string): Promise<readonly StoredRun[]> {
  return await readStudyRuns(folder, await readStoredStudy(folder));
}

/** What was swept by the tests of a file, by study and model; each test gets a copy. */
const templates = new Map<string, Promise<string>>();

/** Sweeps a study into a folder that stays until the tests of the file have ended; the result is that folder. */
async function sweepOnce(study: Study, model: string, failures: number): Promise<string> {
  const home = await Deno.makeTempDir();
  globalThis.addEventListener("unload", () => Deno.removeSync(home, { recursive: true }));
  await writeTinyTasks(home);
  const { failed } = await sweepIn(home, study, { model });
  if (failed !== failures) throw new Error(`${failed} runs failed, want ${failures}`);
  return home;
}

/** Copies a folder with all that it holds. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/**
 * Gives the tiny study as a sweep on one CPU thread leaves it, in a folder of the caller's own, and removes everything afterwards.
 * The tests of a file that ask for the same study share the sweep.
 *
 * @param model The folder of studies whose model is `folder`. Default: the tiny BERT.
 * @param failures How many runs fail. Default: none.
 */
export async function withSwept(
  check: (swept: Swept) => Promise<void>,
  study: Study = tinyStudy,
  model: string = tinyModel,
  failures = 0,
): Promise<void> {
  const key = JSON.stringify([study, model]);
  const sweeping = templates.get(key) ?? sweepOnce(study, model, failures);
  templates.set(key, sweeping);
  const template = await sweeping;
  return await withFolder(async (home) => {
    await copyFolder(template, home);
    const folder = `${home}/results/${study.name}`;
    // The one file that says where the study is.
    const stored = await Deno.readTextFile(`${folder}/study.json`);
    await Deno.writeTextFile(`${folder}/study.json`, stored.replaceAll(template, home));
    const runOf = (method: string) => {
      const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
      return `${folder}/${names.find((name) => name.includes(`-${method}-`))}`;
    };
    const recordOf = (method: string) =>
      JSON.parse(Deno.readTextFileSync(`${runOf(method)}/record.json`)) as RunRecord;
    await check({ home, folder, runOf, recordOf });
  });
}

/** A study whose runs can be executed one by one. */
export interface Executions {
  readonly runs: readonly PlannedRun[];
  /** A checkpoint after every block of steps. */
  readonly context: ExecutionContext;
}

/**
 * Plans a tiny study whose tasks are in `home`.
 *
 * @param results Where runs are recorded.
 * @param executor Default: the native one with one thread.
 */
export async function executionsOf(
  home: string,
  results: string,
  study: Study = tinyStudy,
  executor?: Executor,
): Promise<Executions> {
  const own = executor ?? await nativeExecutor(1);
  const { runs, inputs } = await planIn(home, study);
  const context: ExecutionContext = {
    executor: own,
    programs: new ProgramCache(own),
    inputs,
    environment: await readEnvironment(),
    results,
    jobs: 1,
    onStep: () => Promise.resolve(),
    isStopping: () => false,
    checkpointMillis: 0,
  };
  return { context, runs };
}

/** The folder in which a run lies that has no record yet. */
export function underWayFolder(results: string, folder: string): string {
  const names = [...Deno.readDirSync(`${results}/${underWay}`)].map(({ name }) => name);
  const [token] = attemptsAt(folder, names);
  if (token === undefined) throw new Error(`Nothing of "${folder}" is among ${names}`);
  return attemptPath(results, folder, token);
}

/** Takes out of a run's record what its files hold, as older records are, so that a test may change them unnoticed. */
export async function forgetFiles(folder: string): Promise<void> {
  const path = `${folder}/record.json`;
  const { files: _files, ...record } = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify(record));
}

/** Changes one line (from 0) of a journal, as if it had been recorded so. */
export async function changeLine(
  path: string,
  line: number,
  change: (value: Record<string, unknown>) => Record<string, unknown>,
): Promise<void> {
  const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
  lines[line] = JSON.stringify(change(JSON.parse(lines[line]!)));
  await Deno.writeTextFile(path, `${lines.join("\n")}\n`);
  await forgetFiles(path.slice(0, path.lastIndexOf("/")));
}

/** Runs a check in a folder of its own that has the tiny tasks, and files as {@linkcode withFolder} takes them. */
export function inHome<T>(
  check: (home: string) => Promise<T>,
  files: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  return withFolder(async (home) => {
    await writeTinyTasks(home);
    return await check(home);
  }, files);
}
