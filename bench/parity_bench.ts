/**
 * `deno run -P=bench bench/parity_bench.ts --model DIR --data DIR`: one forward and backward pass over a real batch of MRPC
 * against transformers and peft.
 *
 * Hidden states of the encoder after each layer, and with adapters of random numbers on all modules the logits, the loss and
 * the gradient of every trained tensor, all in single precision. PyTorch computes them in double precision too, which tells
 * whose rounding a difference is. A difference is the largest of a tensor over the largest number of that tensor.
 *
 * @module
 */
import { RandomStream } from "../src/base/random.ts";
import { UsageError } from "../src/base/input_error.ts";
import { readArguments, runCommand, say } from "../src/cli/terminal.ts";
import { textTable } from "../src/base/text_table.ts";
import { input, makeProgram, optimise, type Tensor } from "../src/graph/mod.ts";
import { architectureOf } from "../src/models/architectures.ts";
import { plainLinear } from "../src/models/forward_context.ts";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../src/models/safetensors.ts";
import { encoderInputs, tokenFeeds } from "../src/models/token_rows.ts";
import { firstBatch } from "../src/tasks/batches.ts";
import type { Batch } from "../src/tasks/types.ts";
import { outputCount } from "../src/train/assembly_request.ts";
import { batchDims, inputFeeds } from "../src/train/feeds.ts";
import type { TrainingRequest } from "../src/train/run_types.ts";
import { Trainer } from "../src/train/trainer.ts";
import { exportTensors } from "../src/train/stored_tensors.ts";
import {
  alpha,
  type Engine,
  rank,
  regulariserWeight,
  repeating,
  requestOf,
  schedule,
  seed,
  startEngine,
  threads,
  totalSteps,
} from "./minilm.ts";
import { installPeer, peerPython } from "./peer.ts";
import { benchResults } from "./setup.ts";

type ParityMethod = "lora" | "adalora";
type Numbers = ReadonlyMap<string, ArrayLike<number>>;

/** Deviation of the adapters' numbers: their updates are then about as large as trained ones. */
const deviation = 0.05;

/** The request of a method on MRPC, for one step whose first moments are its gradients. */
async function gradientRequest(
  engine: Engine,
  { folder, data, method }: {
    readonly folder: string;
    readonly data: string;
    readonly method: ParityMethod;
  },
): Promise<TrainingRequest> {
  const dropout = { hidden: 0, attention: 0, head: 0, adapter: 0 };
  const glue = { data, task: "MRPC" };
  const request = await requestOf({ engine, folder, method, train: { dropout }, glue });
  const { assembly } = request;
  const train = { ...assembly.train, beta1: 0, clipNorm: null };
  return {
    ...request,
    programKey: `${request.programKey}/gradients`,
    assembly: { ...assembly, train },
    splits: [],
  };
}

/** Hidden states of the frozen encoder after each layer and of the embeddings (0), rows of real tokens alone. */
async function hiddenStates(
  { executor }: Engine,
  { assembly: { encoder: { config, tensors } } }: TrainingRequest,
  batch: Batch,
): Promise<Numbers> {
  const leaves = new Map<string, Tensor>();
  const parameter = (name: string) => {
    const leaf = leaves.get(name) ?? input(name, tensors.get(name)!.shape);
    leaves.set(name, leaf);
    return leaf;
  };
  const context = {
    parameter,
    linear: plainLinear.bind(null, parameter),
    mask: () => null,
  };
  const inputs = encoderInputs(config.heads);
  const outputs = Array.from({ length: config.layers + 1 }, (_, layers) => {
    const shorter = { ...config, layers };
    const states = architectureOf(config).encode(shorter, inputs, context, new Map(), "all");
    return [`hidden.${layers}`, states] as const;
  });
  const program = optimise(makeProgram(Object.fromEntries(outputs)));
  const session = await executor.load(program);
  const { read } = await session.run({
    feeds: {
      ...Object.fromEntries([...leaves.keys()].map((name) => [name, tensors.get(name)!])),
      ...tokenFeeds(batch, config, program.inputs.keys()),
    },
    dims: batchDims(batch),
    read: [...program.outputs.keys()],
  });
  await session.release();
  const count = batch.tokens * config.hidden;
  return new Map(
    Object.entries(read).map((
      [name, { data }],
    ) => [name, Array.from(data, Number).slice(0, count)]),
  );
}

/** The peer's hidden states at the places of real tokens, in their order. */
function realTokens(states: StoredTensor, mask: Float32Array): readonly number[] {
  const hidden = states.shape.at(-1)!;
  const found: number[] = [];
  mask.forEach((on, place) => {
    if (on === 1) found.push(...states.data.subarray(place * hidden, (place + 1) * hidden));
  });
  return found;
}

/** A trainer whose adapters are random numbers. */
async function randomTrainer(request: TrainingRequest): Promise<Trainer> {
  const fresh = await Trainer.create(request, null);
  const checkpoint = await fresh.checkpoint();
  const { adapterSize } = fresh.assembly;
  fresh.dispose();
  const theta = checkpoint.vectors.theta!.slice();
  theta.set(RandomStream.fromSeed(seed).fork("adapters").normals(adapterSize, deviation));
  return await Trainer.create(request, {
    ...checkpoint,
    vectors: { ...checkpoint.vectors, theta },
  });
}

/** Logits, loss and gradients of our side, with the trained numbers that they belong to. */
async function ourPass(request: TrainingRequest, batch: Batch) {
  const trainer = await randomTrainer(repeating(request, batch));
  const before = await trainer.checkpoint();
  const theta = before.vectors.theta!;
  const { assembly, evaluate } = trainer.programs;
  const { read } = await evaluate.run({
    feeds: {
      theta: { type: "f32", shape: [theta.length], data: theta },
      ...inputFeeds(assembly, batch, assembly.evaluationProgram.inputs.keys()),
    },
    dims: batchDims(batch),
    read: ["logits"],
  });
  const [step] = await trainer.next();
  if (step?.kind !== "step") throw new RangeError("The first event is no step");
  const { vectors, order } = await trainer.checkpoint();
  trainer.dispose();
  const found = new Map<string, ArrayLike<number>>([
    ["logits", Array.from(read["logits"]!.data, Number)],
    ["loss", [step.loss + step.regulariser]],
  ]);
  // With beta1 = 0 and without clipping the first moments are the gradient.
  for (const { name, data } of exportTensors(assembly, vectors.m!, order)) {
    found.set(`gradient.${name}`, data);
  }
  return { found, trained: exportTensors(assembly, theta, order) };
}

/** What the peer computes from the same numbers, and its versions. */
async function peerPass(
  method: ParityMethod,
  { request, batch, folder, trained }: {
    readonly request: TrainingRequest;
    readonly batch: Batch;
    readonly folder: string;
    readonly trained: ReturnType<typeof exportTensors>;
  },
): Promise<{ readonly tensors: ReadonlyMap<string, StoredTensor>; readonly versions: string }> {
  await Deno.mkdir(benchResults, { recursive: true });
  const [given, out] = [`${benchResults}/parity-given`, `${benchResults}/parity-found`]
    .map((name) => `${name}-${method}.safetensors`) as [string, string];
  const stored = trained.map(({ name, shape, data }) => [name, { shape, data }] as const);
  await Deno.writeFile(given, writeSafetensors(new Map(stored)));
  const matrix = (values: ArrayLike<number>) =>
    Array.from(
      { length: batch.size },
      (_, i) => Array.from(values).slice(i * batch.length, (i + 1) * batch.length),
    );
  const asked = {
    folder,
    method,
    rank,
    initialRank: request.assembly.ranks[0]?.rank ?? rank,
    alpha,
    dropout: 0,
    adapterDropout: 0,
    labels: outputCount(request.task.output),
    regulariserWeight,
    schedule: { ...schedule, totalSteps },
    threads,
    trained: given,
    out,
    batch: {
      input_ids: matrix(batch.ids),
      token_type_ids: matrix(batch.types),
      attention_mask: matrix(batch.mask),
      labels: [...batch.targets],
    },
  };
  const script = decodeURIComponent(new URL("peer/parity.py", import.meta.url).pathname);
  const process = new Deno.Command(peerPython, {
    args: ["-W", "ignore", script],
    clearEnv: true,
    env: { HF_HUB_OFFLINE: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(asked)));
  await writer.close();
  const { code, stdout } = await process.output();
  if (code !== 0) throw new Error(`The peer ended with ${code}; is it installed? ${installPeer}`);
  const { tensors } = readSafetensors(await Deno.readFile(out), out);
  return { tensors, versions: new TextDecoder().decode(stdout).trim() };
}

/** The largest difference of two lists over the largest number of the second. */
function difference(found: ArrayLike<number>, wanted: ArrayLike<number>, what: string): number {
  if (found.length !== wanted.length) {
    throw new RangeError(
      `Cannot compare ${what}: ${found.length} numbers found, ${wanted.length} wanted`,
    );
  }
  let [apart, scale] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    apart = Math.max(apart, Math.abs(found[i]! - wanted[i]!));
    scale = Math.max(scale, Math.abs(wanted[i]!));
  }
  return apart / scale;
}

/** The kind of a tensor as the table names it. */
function kindOf(name: string): string {
  const part = /^gradient\.layer\..*\.([ABE])$/.exec(name)?.[1];
  if (part !== undefined) return `gradients of ${part}`;
  return name.startsWith("gradient.") ? "gradients of the head" : name;
}

/** Lines of the table: for each kind the largest differences of its tensors, and which tensor that is. */
function differenceRows(method: string, ours: Numbers, peer: (precision: string) => Numbers) {
  const [single, double] = [peer("float32"), peer("float64")];
  const rows = [...ours].map(([name, found]) => ({
    kind: kindOf(name),
    name,
    toSingle: difference(found, single.get(name)!, name),
    toDouble: difference(found, double.get(name)!, name),
    peers: difference(single.get(name)!, double.get(name)!, name),
  }));
  return [...Map.groupBy(rows, ({ kind }) => kind)].map(([kind, members]) => {
    const most = (of: "toSingle" | "toDouble" | "peers") =>
      Math.max(...members.map((member) => member[of])).toExponential(1);
    const worst = members.reduce((top, row) => row.toSingle > top.toSingle ? row : top);
    const where = members.length === 1 ? "" : worst.name.replace("gradient.", "");
    return [
      method,
      kind,
      `${members.length}`,
      most("toSingle"),
      most("toDouble"),
      most("peers"),
      where,
    ];
  });
}

async function parity(args: readonly string[]): Promise<number> {
  const given = readArguments(args, { strings: ["data", "model"] });
  const [data, folder] = [given.text("data"), given.text("model")];
  if (data === null || folder === null) {
    throw new UsageError("Give --model DIR (an encoder) and --data DIR (the GLUE files)");
  }
  const engine = await startEngine();
  const table: string[][] = [];
  for (const method of ["lora", "adalora"] as const) {
    const request = await gradientRequest(engine, { folder, data, method });
    const { batch } = request.stages[0]!.batches.next(firstBatch);
    const { found, trained } = await ourPass(request, batch);
    const hidden = method === "lora" ? await hiddenStates(engine, request, batch) : new Map();
    const { tensors, versions } = await peerPass(method, { request, batch, folder, trained });
    await say(
      `${method}: ${batch.size} texts of MRPC, ${batch.tokens} tokens, padded to ${batch.length}; ` +
        `${trained.length} trained tensors; peer ${versions}`,
    );
    const ofPeer = (precision: string): Numbers =>
      new Map(
        [...tensors].filter(([name]) => name.startsWith(`${precision}/`)).map(([name, tensor]) => {
          const short = name.slice(precision.length + 1);
          return [
            short,
            short.startsWith("hidden.") ? realTokens(tensor, batch.mask) : tensor.data,
          ];
        }),
      );
    table.push(...differenceRows(method, new Map([...hidden, ...found]), ofPeer));
  }
  await engine.programs.clear();
  const head = ["method", "what", "tensors", "to float32", "to float64", "float32 to float64", ""];
  await say(textTable(head, table).trimEnd());
  return 0;
}

await runCommand(parity);
