/** Sweeps in several workers: the same bytes as one run after the other, failures, a full disk, a stop. */
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Inputs } from "../../src/runs/inputs.ts";
import { LocalWorker, type RunWorker, ThreadWorker } from "../../src/runs/pool/workers.ts";
import { Pool } from "../../src/runs/pool/pool.ts";
import { expand, planRuns } from "../../src/runs/plan/planning.ts";
import { planText } from "../../src/cli/plan_text.ts";
import { modelFrom } from "../../src/runs/shared_models.ts";
import { StopFlag } from "../../src/runs/events.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { runAll, unfinished } from "../../src/runs/pool/run_all.ts";
import { sweepStudy } from "../../src/runs/sweep.ts";
import { ExecutorError, type Session } from "../../src/exec/executor.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { methods } from "../../src/methods/table.ts";
import { readEnvironment } from "../../src/record/provenance.ts";
import { NewerSchemaError } from "../../src/record/parser.ts";
import type { RunRecord, StepLine } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import { newToken, StorageError } from "../../src/record/durable.ts";
import {
  sweepOptions,
  tinyModel,
  tinyStudy,
  underWayFolder,
  withSwept,
} from "../runs/tiny_study.ts";

/** Each method, and one run that diverges. */
const withFailure: Study = parseStudy({
  ...tinyStudy,
  deltas: [
    ...tinyStudy.deltas ?? [],
    { when: { method: "diverging" }, set: { train: { learningRate: 1e30, clipNorm: null } } },
  ],
  axes: {
    ...tinyStudy.axes,
    methods: [...tinyStudy.axes.methods, { method: "lora", label: "diverging" }],
  },
});

function sweepSideBySide(home: string, results: string, of: Study = tinyStudy, jobs = 2) {
  return sweepStudy({ study: of, folder: home, methods }, {
    ...sweepOptions,
    jobs,
    results,
  });
}

function foldersIn(folder: string): readonly string[] {
  return [...Deno.readDirSync(folder)].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name).sort();
}

function recordIn(folder: string): RunRecord {
  return JSON.parse(Deno.readTextFileSync(`${folder}/record.json`));
}

/** The contents of a run's files by name, without what differs from one execution to the next. */
function timelessFiles(folder: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...Deno.readDirSync(folder)].map(({ name }): [string, unknown] => {
    const path = `${folder}/${name}`;
    if (name === "steps.jsonl") {
      return [
        name,
        Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => {
          const { stepMillis: _time, ...rest } = JSON.parse(line) as StepLine;
          return rest;
        }),
      ];
    }
    if (name !== "record.json") return [name, Deno.readFileSync(path)];
    const { happened: { time: _time, ...happened }, files, ...record } = recordIn(folder);
    const { "steps.jsonl": _steps, ...timeless } = files!;
    return [name, { ...record, happened, files: timeless }];
  }));
}

function assertSameStudies(found: string, wanted: string): void {
  assertEquals(foldersIn(found), foldersIn(wanted));
  assertEquals(
    Deno.readTextFileSync(`${found}/study.json`),
    Deno.readTextFileSync(`${wanted}/study.json`),
  );
  for (const run of foldersIn(wanted)) {
    assertEquals(timelessFiles(`${found}/${run}`), timelessFiles(`${wanted}/${run}`), run);
  }
}

Deno.test("two runs at a time leave the bytes of one after the other, a failure too, and are skipped the next time", async () => {
  await withSwept(
    async ({ home, folder }) => {
      const result = await sweepSideBySide(home, `${home}/side`, withFailure);
      assertEquals([result.finished, result.failed, result.skipped], [4, 1, 0]);
      assert(result.executorShare > 0 && result.executorShare <= 1, `${result.executorShare}`);
      assertSameStudies(result.folder, folder);
      assertEquals(recordIn(`${folder}/${foldersIn(folder)[0]}`).where.device.threads, 1);
      // Times of runs side by side are not those of a run alone.
      const jobsIn = (study: string) => {
        const records = foldersIn(study).map((run) => recordIn(`${study}/${run}`));
        return records.map(({ happened }) => happened.time.jobs);
      };
      assertEquals(jobsIn(result.folder), Array(5).fill(2));
      assertEquals(jobsIn(folder), Array(5).fill(1));
      const failed = foldersIn(result.folder).find((name) => name.includes("-diverging-"))!;
      const { outcome } = recordIn(`${result.folder}/${failed}`).happened;
      assert(outcome.state === "failed");
      assertEquals(outcome.cause, "diverged");
      const again = await sweepSideBySide(home, `${home}/side`, withFailure);
      assertEquals([again.finished, again.failed, again.skipped], [0, 0, 5]);
    },
    withFailure,
    tinyModel,
    1,
  );
});

/** Runs of the tiny study by two workers, whose trainings are changed. */
async function runInWorkers(
  home: string,
  change: (
    worker: RunWorker,
    stop: StopFlag,
  ) => RunWorker["run"],
) {
  const folders = { data: null, model: tinyModel, study: home };
  const plan = await planRuns(tinyStudy, expand(tinyStudy, methods), folders, methods);
  const results = `${home}/side/tiny`;
  const stop = new StopFlag();
  const openWorkers = async (
    { environment }: Parameters<Pool["workersFor"]>[0],
  ): Promise<RunWorker[]> => {
    const models = plan.inputs.shareModels();
    const start = {
      study: tinyStudy,
      custom: { methods: [], metrics: [] },
      trust: [],
      folders,
      models,
      context: { environment, results, jobs: 2 },
      stop: stop.memory,
    };
    const open = () => ThreadWorker.open({ ...start, executor: "cpu", threads: 1 });
    return (await Promise.all([open(), open()])).map((worker): RunWorker => ({
      run: change(worker, stop),
      ablate: (recorded, onShare) => worker.ablate(recorded, onShare),
      close: () => worker.close(),
    }));
  };
  await using pool = new Pool({}, { stop, emit: () => Promise.resolve() }, openWorkers);
  const work = { title: "tiny", plan, results, studyRuns: plan.runs.length };
  return await runAll(pool, work, plan.runs);
}

Deno.test("a run that one worker cannot keep stops the others, and the sweep goes on later", async () => {
  await withSwept(async ({ home, folder }) => {
    const side = `${home}/side/tiny`;
    await assertRejects(
      () =>
        runInWorkers(home, (worker) => async (planned, attempt, watch) => {
          const result = await worker.run(planned, attempt, watch);
          if (planned.run.method !== "lora") return result;
          throw new StorageError(side, new Error("No space left on device (os error 28)"));
        }),
      StorageError,
      "finished runs are safe",
    );
    const again = await sweepSideBySide(home, `${home}/side`, tinyStudy, 1);
    assert(again.finished >= 1, `${again.finished} runs were left to make`);
    assertEquals([again.failed, again.finished + again.skipped], [0, 4]);
    assertSameStudies(side, folder);
  });
});

Deno.test("a stop reaches runs in workers, which go on from their checkpoints and end bit-equal", async () => {
  await withSwept(async ({ home, folder }) => {
    /** The first to report a step asks all for a stop. */
    const stopped = await runInWorkers(
      home,
      (worker, stop) => (planned, attempt, watch) =>
        worker.run(planned, attempt, {
          ...watch,
          onStep: async (progress) => {
            stop.raise();
            await watch.onStep(progress);
          },
        }),
    );
    assert(stopped.stopped);
    assert(stopped.finished <= 2, `${stopped.finished} runs finished after a stop`);
    const again = await sweepSideBySide(home, `${home}/side`, tinyStudy, 1);
    assertEquals([again.finished + stopped.finished, again.failed], [4, 0]);
    assertSameStudies(`${home}/side/tiny`, folder);
  });
});

const brokenPipe = {
  onStep: () => Promise.reject(new Error("broken pipe")),
  onAnew: () => Promise.resolve(),
};

Deno.test("what fails while progress is shown stops the run and is thrown on", async () => {
  await withSwept(async ({ home }) => {
    const folders = { data: null, model: tinyModel, study: home };
    const plan = await planRuns(tinyStudy, expand(tinyStudy, methods), folders, methods);
    const stop = new StopFlag();
    const worker = await ThreadWorker.open({
      executor: "cpu",
      threads: 1,
      study: tinyStudy,
      custom: { methods: [], metrics: [] },
      trust: [],
      folders,
      models: plan.inputs.shareModels(),
      context: { environment: await readEnvironment(), results: `${home}/side`, jobs: 1 },
      stop: stop.memory,
    });
    try {
      await assertRejects(
        () => worker.run(plan.runs[0]!, newToken(), brokenPipe),
        Error,
        "broken pipe",
      );
      assert(stop.isRaised);
    } finally {
      await worker.close();
    }
  });
});

Deno.test("what fails while the progress of a run in this thread is shown is no failure of the run", async () => {
  await withSwept(async ({ home }) => {
    const folders = { data: null, model: tinyModel, study: home };
    const plan = await planRuns(tinyStudy, expand(tinyStudy, methods), folders, methods);
    const planned = plan.runs[1]!;
    const results = `${home}/shown`;
    const stop = new StopFlag();
    const context = {
      executor: new ReferenceExecutor(),
      inputs: plan.inputs,
      environment: await readEnvironment(),
      results,
      jobs: 1,
    };
    await assertRejects(
      () => new LocalWorker(context, stop).run(planned, newToken(), brokenPipe),
      Error,
      "broken pipe",
    );
    assert(stop.isRaised);
    const left = underWayFolder(results, planned.folder);
    const names = [...Deno.readDirSync(left)].map(({ name }) => name);
    assert(names.includes("checkpoint.safetensors"), `${names}`);
    assert(!names.includes("record.json"), `${names}`);
  });
});

/** An executor that loses its runtime. */
class LostExecutor extends ReferenceExecutor {
  override load(): Promise<Session> {
    return Promise.resolve({
      run: () => Promise.reject(new ExecutorError("A run failed", "the runtime is gone")),
      release: () => Promise.resolve(),
    });
  }
}

Deno.test("a runtime that goes away while a run is to stop leaves no record, else one of a failure", async () => {
  await withSwept(async ({ home }) => {
    const folders = { data: null, model: tinyModel, study: home };
    const { runs: [planned], inputs } = await planRuns(
      tinyStudy,
      expand(tinyStudy, methods),
      folders,
      methods,
    );
    const executor = new LostExecutor();
    const environment = await readEnvironment();
    const results = `${home}/lost`;
    const stop = new StopFlag();
    const worker = new LocalWorker({ executor, inputs, environment, results, jobs: 1 }, stop);
    const watch = { onStep: () => Promise.resolve(), onAnew: () => Promise.resolve() };
    const { result } = await worker.run(planned!, newToken(), watch);
    assert(result.kind === "recorded");
    const { outcome } = result.record.happened;
    assert(outcome.state === "failed" && outcome.cause === "executor");
    stop.raise();
    const stopped = await worker.run(planned!, newToken(), watch);
    assertEquals(stopped.result, { kind: "stopped", step: 0 });
    assert(
      ![...Deno.readDirSync(underWayFolder(results, planned!.folder))]
        .some(({ name }) => name === "record.json"),
    );
  });
});

Deno.test("runs are to be made that have no record of their id, and failed ones when asked for", async () => {
  await withSwept(async ({ home, folder, runOf }) => {
    const folders = { data: null, model: tinyModel, study: home };
    const { runs } = await planRuns(tinyStudy, expand(tinyStudy, methods), folders, methods);
    const methodsLeft = async (retryFailed: boolean) =>
      (await unfinished(runs, folder, retryFailed)).map(({ run }) => run.method);
    const change = async (method: string, by: (record: RunRecord) => unknown) => {
      const path = `${runOf(method)}/record.json`;
      await Deno.writeTextFile(path, JSON.stringify(by(recordIn(runOf(method)))));
    };
    assertEquals(await methodsLeft(true), []);
    assertEquals(
      (await unfinished(runs, `${home}/nowhere`, false)).map(({ run }) => run.method),
      runs.map(({ run }) => run.method),
    );
    await Deno.remove(`${runOf("head")}/record.json`);
    await change("lora", (record) => ({ ...record, id: "0123456789abcdef" }));
    await change("adalora", (record) => ({
      ...record,
      happened: {
        ...record.happened,
        outcome: { state: "failed", cause: "unknown", message: "none", step: null },
      },
    }));
    assertEquals(await methodsLeft(false), ["head", "lora"]);
    assertEquals(await methodsLeft(true), ["head", "lora", "adalora"]);
    await change("elalora", (record) => ({ ...record, schema: record.schema + 1 }));
    await assertRejects(() => methodsLeft(false), NewerSchemaError, "elalora");
  });
});

Deno.test("labelled variants have folders of their own names, and a folder keeps its name whatever the label becomes", async () => {
  const variants = (labels: readonly [string, string]): Study =>
    parseStudy({
      ...tinyStudy,
      deltas: [],
      axes: {
        ...tinyStudy.axes,
        methods: labels.map((label, i) => ({
          method: "lora",
          label,
          options: { alpha: 8 * (i + 1) },
        })),
      },
    });
  const first = variants(["lora, small", "lora, large"]);
  await withSwept(async ({ home, folder }) => {
    const names = foldersIn(folder);
    assertEquals(names.map((name) => name.replace(/-[0-9a-f]{8}$/, "")), [
      "Moves-lora-large-r2-seed1",
      "Moves-lora-small-r2-seed1",
    ]);
    // As a version without labels in names left it.
    const old = names[0]!.replace("-large", "");
    await Deno.rename(`${folder}/${names[0]}`, `${folder}/${old}`);
    for (const study of [first, variants(["lora, small", "other"])]) {
      const again = await sweepSideBySide(home, `${home}/results`, study);
      assertEquals([again.finished, again.failed, again.skipped], [0, 0, 2]);
      assertEquals(foldersIn(folder), [old, names[1]!].sort());
      const { runs } = await readStudyResults(folder);
      assertEquals(
        runs.map(({ record }) => record.asked.label),
        study.axes.methods.map((method) => (method as { readonly label: string }).label),
      );
      const file = { study, folder: home, methods };
      const plan = await planText(file, {
        data: null,
        model: tinyModel,
        results: `${home}/results`,
      });
      assertEquals(plan.match(/ 1\/1 /g)?.length, 2, plan);
    }
  }, first);
});

Deno.test("workers read an encoder's weights from one memory", async () => {
  const inputs = new Inputs({ data: null, model: tinyModel, study: "." }, []);
  const { tokenizer, tensors } = await inputs.model("folder");
  const message = inputs.shareModels().get("folder")!;
  const here = await inputs.model("folder");
  // Messages are cloned as between threads; shared memory stays shared.
  const there = modelFrom(structuredClone(message));
  assertEquals([...there.tensors.keys()], [...tensors.keys()]);
  for (const [name, { data, shape }] of tensors) {
    const shared = here.tensors.get(name)!;
    assertEquals(shared.data, data, name);
    assertEquals(there.tensors.get(name), { type: "f32", shape, data }, name);
    assert(shared.data.buffer instanceof SharedArrayBuffer, name);
    assertStrictEquals(shared.data.buffer, here.tensors.values().next().value!.data.buffer);
    (shared.data as Float32Array)[0]! += 1;
    assertEquals(there.tensors.get(name)!.data[0], shared.data[0], name);
  }
  assertEquals(there.weightsHash, here.weightsHash);
  assertEquals(
    there.tokenizer.encode("the cat sat", "a dog ran", 12),
    tokenizer.encode("the cat sat", "a dog ran", 12),
  );
});
