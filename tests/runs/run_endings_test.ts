/** Executing one run: why it failed, what its sittings spent, which programs it shares, and what code computed. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { execute } from "../../src/runs/execute.ts";
import { trainingRequest } from "../../src/runs/training_request.ts";
import { ExecutorError, type Session } from "../../src/exec/executor.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import {
  decodeCheckpoint,
  encodeCheckpoint,
  sealCheckpoint,
} from "../../src/record/checkpoint_file.ts";
import { removeIfThere, StorageError } from "../../src/record/durable.ts";
import type { RunRecord } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { DivergenceError } from "../../src/train/run_types.ts";
import { executionsOf, inHome, tinyStudy, underWayFolder } from "./tiny_study.ts";
import { readEnvironment } from "../../src/record/provenance.ts";
import { environmentOf } from "../../src/runs/run_record.ts";
import type { PlannedRun } from "../../src/runs/plan/planned_run.ts";

/** An executor that makes no program ready. */
class RefusingExecutor extends ReferenceExecutor {
  readonly #error: Error;

  constructor(error: Error) {
    super();
    this.#error = error;
  }

  override load(): Promise<Session> {
    return Promise.reject(this.#error);
  }
}

Deno.test("a run that fails tells why", async () => {
  await inHome(async (home) => {
    const failures = [
      [new ExecutorError("A run failed", new Error("std::bad_alloc")), "out-of-memory", 0],
      [new ExecutorError("A run failed", new Error("Out of memory")), "out-of-memory", 0],
      [new ExecutorError("A run failed", new Error("the device is lost")), "executor", 0],
      [new DivergenceError(3, NaN), "diverged", 3],
      [new TypeError("no such thing"), "unknown", 0],
    ] as const;
    for (const [error, cause, step] of failures) {
      const executor = new RefusingExecutor(error);
      const { runs: [planned], context } = await executionsOf(
        home,
        `${home}/failed`,
        tinyStudy,
        executor,
      );
      const result = await execute(planned!, context);
      assert(result.kind === "recorded");
      const { outcome, best, last, finalTrainLoss, parameters } = result.record.happened;
      // Nothing was assembled; the encoder and its head are known all the same.
      assert(
        parameters.total > parameters.head && parameters.head > 0 && parameters.trainable === 0,
      );
      assertEquals(outcome, {
        state: "failed",
        cause,
        message: error.message,
        // Nothing was trained yet, unless the error says more.
        step: cause === "diverged" ? step : null,
      });
      assertEquals([best, last, finalTrainLoss], [null, null, null]);
    }
    const full = new RefusingExecutor(new StorageError("here", "no space left"));
    const { runs: [planned], context } = await executionsOf(home, `${home}/full`, tinyStudy, full);
    await assertRejects(() => execute(planned!, context), StorageError, "no space left");
  });
});

Deno.test("parameters that are never trained do not count as trainable", async () => {
  await inHome(async (home) => {
    const study = parseStudy({
      ...tinyStudy,
      deltas: [],
      axes: { ...tinyStudy.axes, methods: ["lora", "lorafa", "pissa", "dora-dynamic"] },
    });
    const { runs, context } = await executionsOf(home, `${home}/results`, study);
    const counts: Record<string, readonly [adapter: number, frozen: number, encoder: number]> = {};
    for (const planned of runs) {
      const result = await execute(planned, context);
      assert(result.kind === "recorded");
      const { asked: { method }, happened: { parameters, budget, initialRanks } } = result.record;
      const { total, trainable, frozen, head } = parameters;
      // At the start no room is spare, so the budget counts all that is trained of the adapter.
      assertEquals(trainable - head, budget!.initial, method);
      counts[method] = [trainable - head, frozen!, total - trainable - frozen!];
      if (method === "dora-dynamic") {
        assertEquals(frozen, Object.values(initialRanks!).reduce((sum, rank) => sum + rank, 0));
      }
    }
    const { lora, lorafa, pissa } = counts;
    assertEquals([lora![1], lorafa![0] + lorafa![1], pissa![1]], [0, lora![0], lora![0]]);
    assertEquals(new Set(Object.values(counts).map(([, , encoder]) => encoder)).size, 1);
  });
});

Deno.test("what earlier sittings of a run spent is in its record", async () => {
  await inHome(async (home) => {
    const { runs, context } = await executionsOf(home, `${home}/results`);
    const planned = runs.find(({ run }) => run.method === "elalora")!;
    assertEquals(await execute(planned, { ...context, isStopping: () => true }), {
      kind: "stopped",
      step: 1,
    });
    const path = `${underWayFolder(context.results, planned.folder)}/checkpoint.safetensors`;
    const stored = decodeCheckpoint(await Deno.readFile(path), path);
    const timings = {
      trainMillis: 1e9,
      evaluateMillis: 2e9,
      eventMillis: 3e9,
      wallMillis: 7e9,
      startedAt: "2001-02-03T04:05:06.000Z",
    };
    await Deno.writeFile(path, await sealCheckpoint(encodeCheckpoint({ ...stored, timings })));
    const result = await execute(planned, context);
    assert(result.kind === "recorded");
    const { time, steps } = result.record.happened;
    assertEquals([time.startedAt, steps], [timings.startedAt, 14]);
    for (const name of ["trainMillis", "evaluateMillis", "eventMillis", "wallMillis"] as const) {
      // This sitting's part comes on top, and took less than an hour.
      const own = time[name]! - timings[name];
      assert(own > 0 && own < 3.6e6, `${name}: ${own}`);
    }
  });
});

Deno.test("a record is made of what its sittings have: inputs are read once, and no journal at the end", async () => {
  await inHome(async (home) => {
    const { runs, context } = await executionsOf(home, `${home}/results`);
    const planned = runs.find(({ run }) => run.method === "elalora")!;
    const whole = await execute(planned, { ...context, results: `${home}/whole` });
    assert(whole.kind === "recorded");
    const stopping = { ...context, isStopping: () => true };
    assertEquals((await execute(planned, stopping)).kind, "stopped");
    const { inputs } = context;
    const read = inputs.read.bind(inputs);
    let reads = 0;
    inputs.read = (run) => {
      reads++;
      return read(run);
    };
    const onStep = async () => {
      const folder = underWayFolder(context.results, planned.folder);
      for (const name of ["steps", "evaluations"]) await removeIfThere(`${folder}/${name}.jsonl`);
    };
    const resumed = await execute(planned, { ...context, onStep });
    assert(resumed.kind === "recorded");
    assertEquals(reads, 1);
    const timeless = ({ happened: { time: _time, ...rest } }: RunRecord) => rest;
    assertEquals(timeless(resumed.record), timeless(whole.record));
  });
});

Deno.test("runs share programs exactly where their graphs are the same", async () => {
  await inHome(async (home) => {
    const study = parseStudy({
      ...tinyStudy,
      deltas: [
        {
          when: { seed: 3 },
          set: { train: { learningRate: 0.5, schedule: "constant", steps: 9 } },
        },
        { when: { seed: 4 }, set: { train: { clipNorm: 7 } } },
        { when: { seed: 5 }, set: { train: { dropout: { hidden: 0.4 } } } },
        { when: { method: "lora", seed: 6 }, options: { alpha: 3 } },
        { when: { seed: 7 }, set: { adapter: { modules: ["query"] } } },
      ],
      axes: {
        tasks: ["Moves"],
        methods: ["lora"],
        budgets: [1, 2],
        seeds: [1, 2, 3, 4, 5, 6, 7],
      },
    });
    const { runs, context } = await executionsOf(home, `${home}/results`, study);
    const keyOf = async (seed: number, budget = 1) => {
      const planned = runs.find(({ run }) => run.seed === seed && run.budget!.value === budget)!;
      return (await trainingRequest(planned, context)).programKey;
    };
    const key = await keyOf(1);
    // Seeds, rates and schedules are fed.
    assertEquals([await keyOf(2), await keyOf(3)], [key, key]);
    const others = [
      await keyOf(1, 2),
      ...await Promise.all([4, 5, 6, 7].map((seed) => keyOf(seed))),
    ];
    assertEquals(new Set([key, ...others]).size, 6);
  });
});

Deno.test("a record has the hashes of the native runtime where that computed, and V8's version everywhere", async () => {
  const environment = await readEnvironment();
  const planned = {
    hashes: { data: {}, weights: "w", tokenizer: "t" },
    origin: null,
    method: {} as PlannedRun["method"],
    metrics: [],
  };
  const reference = new ReferenceExecutor();
  const native = Object.assign(new ReferenceExecutor(), { kind: "cpu" as const });
  const whereWith = (executor: ReferenceExecutor) =>
    environmentOf({ environment, executor }, planned);
  assertEquals(whereWith(native).hashes.libraries, environment.libraries);
  assert(Object.keys(environment.libraries).length > 0);
  assert(!Object.hasOwn(whereWith(reference).hashes, "libraries"));
  assert(!Object.hasOwn(whereWith(native), "libraries"));
  assertEquals(whereWith(reference).v8, Deno.version.v8);
});
