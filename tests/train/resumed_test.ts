/** Passes that begin at a layer, in every family, and ablations that are made of them. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import type { LoadOptions, Session } from "../../src/exec/executor.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import type { HostTensor, Program } from "../../src/graph/mod.ts";
import { ablate, piecesOf } from "../../src/train/ablation.ts";
import { assemble, type Assembly } from "../../src/train/assemble.ts";
import type { EncoderWeights } from "../../src/train/assembly_request.ts";
import { evaluateAll } from "../../src/train/evaluate.ts";
import { batchDims, inputFeeds } from "../../src/train/feeds.ts";
import { enteringName, resumedProgram, ResumedPrograms } from "../../src/train/resumed.ts";
import type { TrainingRequest } from "../../src/train/run_types.ts";
import { exportTensors } from "../../src/train/stored_tensors.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withoutModules } from "../../src/train/vectors.ts";
import { configs, debertaModel } from "../models/deberta_fixture.ts";
import { goldenEncoder, goldenFamilies } from "../models/encoders.ts";
import { goldenModel } from "../models/fixture.ts";
import { trainingRequest, trainTo } from "./fixture.ts";

const reference = new ReferenceExecutor();

const encoders: readonly (readonly [string, EncoderWeights])[] = [
  ["bert", goldenModel()],
  ...goldenFamilies.map((family) => [family, goldenEncoder(family).model] as const),
  ...configs.map((name) => [`deberta ${name}`, debertaModel(name, 2)] as const),
];

/** Parameters none of which is zero, so that every part of every adapter counts. */
function drawnTheta({ layout }: Assembly): HostTensor {
  const stream = RandomStream.fromSeed(5).fork("theta");
  const data = Float32Array.from({ length: layout.size }, () => 0.2 * stream.normal());
  return { type: "f32", shape: [layout.size], data };
}

async function assertResumes(request: TrainingRequest): Promise<void> {
  const assembly = assemble(request.assembly);
  const { layers } = request.assembly.encoder.config;
  const programs = new ResumedPrograms(reference, request.assembly, assembly);
  const theta = drawnTheta(assembly);
  const [batch] = request.splits[0]!.batches as [(typeof request.splits)[0]["batches"][0]];
  const feeds = { theta, ...inputFeeds(assembly, batch) };
  const dims = batchDims(batch);
  const logitsOf = async (session: Session, fed = {}) => {
    const { read } = await session.run({ feeds: { ...feeds, ...fed }, dims, read: ["logits"] });
    return read["logits"]!.data;
  };
  const wanted = await logitsOf(await programs.whole());
  const all = Array.from({ length: layers }, (_, layer) => layer);
  const states = await (await programs.withStates(all)).run({
    feeds,
    dims,
    keep: all.map(enteringName),
    read: ["logits"],
  });
  assertEquals(states.read["logits"]!.data, wanted);
  for (const layer of all) {
    const found = await logitsOf(await programs.from(layer), states.kept);
    found.forEach((value, i) =>
      assertAlmostEquals(Number(value), Number(wanted[i]), 1e-9, `from layer ${layer}`)
    );
    const { nodes, inputs } = resumedProgram(request.assembly, assembly, layer);
    assert(!inputs.has("ids"), "the embeddings are computed again");
    // What DeBERTa makes of its position table stands where it is used first, and belongs to no layer.
    const below = nodes.filter(({ label }) =>
      Number(/^layer\.(\d+)(?!\/positions)/.exec(label)?.[1]) < layer
    );
    assertEquals(below.map(({ label }) => label), []);
  }
  await programs.release();
}

for (const [name, encoder] of encoders) {
  Deno.test(`${name}: a pass that starts at a layer ends as the whole one does`, async () => {
    await assertResumes(trainingRequest(reference, { method: "lora", encoder, longest: 8 }));
  });
}

for (const method of ["head", "elalora", "dora", "houlsby", "pfeiffer", "full"]) {
  Deno.test(`${method}: a pass that starts at a layer ends as the whole one does`, async () => {
    await assertResumes(trainingRequest(reference, { method }));
  });
}

/** An executor whose programs each hold the encoder's weights; it knows how many are loaded, and how many were at most. */
class WithOwnWeights extends ReferenceExecutor {
  override readonly sharesConstants = false;
  now = 0;
  most = 0;

  override async load(program: Program, options?: LoadOptions): Promise<Session> {
    const session = await super.load(program, options);
    this.now++;
    this.most = Math.max(this.most, this.now);
    return {
      run: (request) => session.run(request),
      release: () => {
        this.now--;
        return session.release();
      },
    };
  }
}

Deno.test("a program that cannot be loaded is tried again", async () => {
  class Refusing extends ReferenceExecutor {
    refuses = true;
    override load(program: Program, options?: LoadOptions): Promise<Session> {
      if (this.refuses) return Promise.reject(new Error("no room"));
      return super.load(program, options);
    }
  }
  const executor = new Refusing();
  const { assembly: request } = trainingRequest(executor, { method: "lora" });
  const programs = new ResumedPrograms(executor, request, assemble(request));
  await assertRejects(() => programs.from(1), Error, "no room");
  executor.refuses = false;
  await (await programs.from(1)).release();
  await programs.release();
});

Deno.test("an ablation gives the metrics of whole passes, however few states it may keep", async () => {
  const request = trainingRequest(reference, {
    method: "elalora",
    longest: 8,
    train: { steps: 24, learningRate: 3e-2 },
  });
  const trainer = await Trainer.create(request, null);
  await trainTo(trainer);
  const { assembly, programs: { evaluate } } = trainer;
  const { vectors, order } = await trainer.checkpoint();
  const theta = vectors.theta!;
  const tensors = new Map(
    exportTensors(assembly, theta, order).map(({ name, ...rest }) => [name, rest]),
  );
  const modules = assembly.modules.map(({ module }) => module);
  const pieces = piecesOf(modules, {});
  const wanted: number[] = [];
  for (const piece of pieces) {
    const data = withoutModules(assembly, theta, piece.modules);
    const [whole] = await evaluateAll(
      { assembly, evaluate },
      { type: "f32", shape: [data.length], data },
      request,
    );
    wanted.push(whole!.metrics["accuracy"]!);
  }
  assert(new Set(wanted).size > 1, "no removal changes anything");
  assert(request.splits[0]!.batches.length > 2);

  const executor = new WithOwnWeights();
  for (const statesKept of [undefined, 1]) {
    const shares: number[] = [];
    const programs = new ResumedPrograms(executor, request.assembly, assembly);
    const { removals } = await ablate({
      ...request,
      executor,
      programs,
      tensors,
      pieces,
      ...(statesKept === undefined ? {} : { statesKept }),
      onProgress: (share) => {
        shares.push(share);
        return Promise.resolve();
      },
    });
    assertEquals(removals.map(({ metric }) => metric), wanted);
    assertEquals(shares.at(-1), 1);
    assertEquals(shares, shares.toSorted((a, b) => a - b));
    await programs.release();
  }
  // The whole program, that with the states, and one that starts at a layer.
  assertEquals([executor.now, executor.most], [0, 3]);
  trainer.dispose();
});
