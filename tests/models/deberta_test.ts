import { evaluationPass } from "../../src/methods/adapter.ts";
import { InputError } from "../../src/base/input_error.ts";
import { assertEquals, assertThrows } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import {
  computeDims,
  crossEntropy,
  gemm,
  grad,
  type HostTensor,
  input,
  interpret,
  makeProgram,
  meanSquaredError,
  reduceMean,
  reshape,
  type Tensor,
} from "../../src/graph/mod.ts";
import { findMethod } from "../../src/methods/table.ts";
import { architectureOf, parseConfig } from "../../src/models/architectures.ts";
import { type DebertaConfig, debertaV2 } from "../../src/models/deberta.ts";
import { countedRelativeInputs, plainModel } from "../../src/models/plain_model.ts";
import { positionRow, relativeFeed, relativeInputs } from "../../src/models/deberta_positions.ts";
import type { WantedStates } from "../../src/models/forward_context.ts";
import { targetModules } from "../../src/models/config.ts";
import { encoderInputs, tokenFeeds, tokenRows } from "../../src/models/token_rows.ts";
import { assemble } from "../../src/train/assemble.ts";
import type { AssemblyRequest } from "../../src/train/assembly_request.ts";
import { forward, survey } from "../../src/train/forward.ts";
import { groupParameter, slotGroups } from "../../src/train/slots.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { subjects, testEach } from "../exec/executors.ts";
import {
  batch,
  common,
  configOf,
  configs,
  drawn,
  type Golden,
  golden,
  kinds,
  parametersFor,
  type PeftOutcome,
} from "./deberta_fixture.ts";
import { assertNear, contextOf } from "./golden_tokens.ts";
import { plainFeeds } from "./runtime_logits.ts";
import { lossesOf, type TinyRun, trainingRequest, trainTo } from "../train/fixture.ts";

function targetsOf(kind: (typeof kinds)[number]): HostTensor {
  return kind === "classification"
    ? { type: "i32", shape: [batch.size], data: Int32Array.from(common.labels) }
    : { type: "f32", shape: [batch.size], data: Float32Array.from(common.scores) };
}

function lossOf(kind: (typeof kinds)[number], logits: Tensor): Tensor {
  return kind === "classification"
    ? reduceMean(crossEntropy(logits, input("targets", ["batch"], "i32")))
    : meanSquaredError(reshape(logits, ["batch"]), input("targets", ["batch"]));
}

function batchFeeds(config: DebertaConfig, names: Iterable<string>) {
  const rows = tokenRows(batch);
  return {
    rows,
    dims: { batch: batch.size, seq: batch.length, tokens: rows.count },
    feeds: tokenFeeds(batch, config, names),
  };
}

interface Tolerances {
  readonly values: number;
  readonly gradients: number;
}

interface Case {
  readonly name: (typeof configs)[number];
  readonly kind: (typeof kinds)[number];
  readonly states: WantedStates;
}

async function compareWithTransformers(
  executor: Executor,
  { name, kind, states }: Case,
  tolerances: Tolerances,
) {
  const file = golden<Golden>(name);
  const config = configOf(file.config);
  const wanted = file[kind];
  const parameters = parametersFor(config, kind === "classification" ? 3 : 1);
  const leaves = new Map([...parameters].map(([key, { shape }]) => [key, input(key, shape)]));
  const context = contextOf(leaves);
  const inputs = encoderInputs(config.heads);
  const found = debertaV2.encode(config, inputs, context, new Map(), states);
  const first = states === "first" ? found : gemm(inputs.pool, found);
  const logits = debertaV2.taskHead(config, first, inputs, context);
  const loss = lossOf(kind, logits);
  const names = Object.keys(wanted.gradients);
  const gradients = grad(loss, names.map((key) => leaves.get(key)!));
  const program = makeProgram({
    found,
    logits,
    loss,
    ...Object.fromEntries(names.map((key, i) => [`grad/${key}`, gradients[i]!])),
  });
  const session = await executor.load(program);
  const { dims, feeds, rows } = batchFeeds(config, program.inputs.keys());
  const { read } = await session.run({
    feeds: { ...Object.fromEntries(parameters), ...feeds, targets: targetsOf(kind) },
    dims,
    read: [...program.outputs.keys()],
  });
  await session.release();
  const { hidden } = config;
  const rowAt = (values: ArrayLike<number>, row: number) =>
    Array.from({ length: hidden }, (_, i) => values[row * hidden + i]!);
  const real = [...batch.mask].flatMap((kept, place) => kept === 1 ? [place] : []);
  // The golden file has real tokens only; what stands at padding is nobody's.
  const places = states === "all" ? real : real.filter((place) => place % batch.length === 0);
  const values = read["found"]!.data as Float32Array;
  const own = places.flatMap((place) =>
    rowAt(values, states === "all" ? rows.rowOf[place]! : place / batch.length)
  );
  const wantedStates = places.flatMap((place) => rowAt(file.hidden, real.indexOf(place)));
  assertNear({ data: Float64Array.from(own) }, wantedStates, tolerances.values, "hidden", 1);
  assertNear(read["logits"]!, wanted.logits, tolerances.values, "logits", 1);
  assertNear(read["loss"]!, [wanted.loss], tolerances.values, "loss", 1);
  for (const key of names) {
    const gradient = read[`grad/${key}`]!;
    assertNear(gradient, wanted.gradients[key]!, tolerances.gradients, `gradient of ${key}`, 1e-2);
  }
}

const executors: readonly (readonly [string, () => Promise<Executor>, Tolerances])[] = [
  [
    "double precision",
    () => Promise.resolve(new ReferenceExecutor()),
    { values: 1e-9, gradients: 1e-9 },
  ],
  ["the native executor", () => nativeExecutor(1), { values: 2e-6, gradients: 2e-5 }],
];

for (const [label, make, tolerances] of executors) {
  for (const name of configs) {
    for (const kind of kinds) {
      Deno.test(`DeBERTa equals transformers, config "${name}", ${kind} and gradients, in ${label}`, async () => {
        const executor = await make();
        for (const states of ["all", "first"] as const) {
          await compareWithTransformers(executor, { name, kind, states }, tolerances);
        }
      });
    }
  }
}

Deno.test("DeBERTa's parameters have the names and shapes of transformers'", () => {
  for (const name of configs) {
    const { config: file, parameters } = golden<Golden>(name);
    const config = configOf(file);
    assertEquals(architectureOf(config), debertaV2 as ReturnType<typeof architectureOf>);
    const own = [...debertaV2.encoderParameters(config), ...debertaV2.headParameters(config, 3)];
    assertEquals(Object.fromEntries(own.map((spec) => [spec.name, spec.shape])), parameters);
  }
});

Deno.test("positionRow() numbers distances as transformers does, up to those that the table ends at", () => {
  for (const { buckets, maxDistance, longest, rows } of common.rows) {
    const positions = { buckets: Math.max(buckets, 0), maxDistance };
    const found = rows.map((_, i) => positionRow(i + 1 - longest, positions));
    assertEquals(found, rows, `${buckets} buckets of ${maxDistance}`);
  }
});

/** The adapters' views of the "shared" config as inputs, with the numbers that peft had. */
function adaptedForward({ parts, rank, alpha }: PeftOutcome) {
  const config = configOf(golden<Golden>("shared").config);
  const method = findMethod("lora");
  const bound = method.bind(method.parseOptions({ alpha }));
  const modules = targetModules(config, parts);
  const request: AssemblyRequest = {
    encoder: { config, tensors: parametersFor(config, 3) },
    output: { type: "classification", labels: ["a", "b", "c"] },
    method: bound,
    ranks: modules.map((module) => ({ module, rank })),
    train: {
      dropout: { hidden: 0, attention: 0, head: 0, adapter: 0 },
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 1,
    },
  };
  const groups = slotGroups(bound.adapter!, modules.map((module) => ({ module, capacity: rank })));
  const views = new Map(groups.map((group) => {
    const name = groupParameter(group);
    return [name, input(name, [group.modules.length, rank, group.rowLength])] as const;
  }));
  const plan = { request, survey: survey(request, views), views, groups };
  return { config, groups, views, logits: forward(plan, evaluationPass).logits };
}

/** A part of a module in our order, `[rank, row]`; peft has B as `[out, rank]`. */
function inRows(values: ArrayLike<number>, part: string, rank: number): number[] {
  const row = values.length / rank;
  return Array.from(
    { length: values.length },
    (_, i) => part === "A" ? values[i]! : values[(i % row) * rank + Math.floor(i / row)]!,
  );
}

for (const wanted of golden<readonly PeftOutcome[]>("peft")) {
  Deno.test(`LoRA on DeBERTa's ${wanted.parts.join(", ")} has peft's loss and gradients`, () => {
    const { rank } = wanted;
    const { config, groups, views, logits } = adaptedForward(wanted);
    const loss = lossOf("classification", logits);
    const names = [...views.keys()];
    const gradients = grad(loss, names.map((name) => views.get(name)!));
    const program = makeProgram({
      logits,
      loss,
      ...Object.fromEntries(names.map((name, i) => [`grad/${name}`, gradients[i]!])),
    });
    const adapters = Object.fromEntries(groups.map((group) => {
      const numbers = group.modules.flatMap(({ name, inSize, outSize }) => {
        const shape = group.part.name === "A" ? [rank, inSize] : [outSize, rank];
        const { data } = drawn(`${name}.${group.part.name}`, shape);
        return inRows(data as Float32Array, group.part.name, rank);
      });
      const shape = [group.modules.length, rank, group.rowLength];
      return [groupParameter(group), {
        type: "f32",
        shape,
        data: Float32Array.from(numbers),
      }] as const;
    }));
    const { dims, feeds } = batchFeeds(config, program.inputs.keys());
    const found = interpret(
      program,
      { ...feeds, ...adapters, targets: targetsOf("classification") },
      dims,
    );
    assertNear(found["logits"]!, wanted.logits, 1e-9, "logits", 1);
    assertNear(found["loss"]!, [wanted.loss], 1e-9, "loss", 1);
    let compared = 0;
    for (const group of groups) {
      const whole = found[`grad/${groupParameter(group)}`]!.data;
      group.modules.forEach(({ name }, i) => {
        const key = `${name}.${group.part.name}`;
        const size = rank * group.rowLength;
        const own = whole.subarray(i * size, (i + 1) * size);
        assertNear(
          { data: own },
          inRows(wanted.gradients[key]!, group.part.name, rank),
          1e-9,
          `gradient of ${key}`,
        );
        compared++;
      });
    }
    assertEquals(compared, Object.keys(wanted.gradients).length);
  });
}

type Dropout = Partial<Readonly<Record<"hidden" | "attention" | "head" | "adapter", number>>>;

const everywhere = (rate: number): Dropout => ({
  hidden: rate,
  attention: rate,
  head: rate,
  adapter: rate,
});

function debertaRun(dropout: Dropout): TinyRun {
  const config = configOf(golden<Golden>("shared").config);
  return {
    method: "lora",
    encoder: { config, tensors: parametersFor(config, 2) },
    longest: 10,
    train: {
      dropout: { ...everywhere(0), ...dropout },
    },
  };
}

async function threeLosses(executor: Executor, dropout: Dropout): Promise<readonly number[]> {
  const request = trainingRequest(executor, debertaRun(dropout));
  const trainer = await Trainer.create(request, null);
  const found = lossesOf(await trainTo(trainer, 3));
  trainer.dispose();
  await request.programs.clear();
  return found;
}

const all = await subjects();
const reference = all.find(({ kind }) => kind === "reference")!.executor!;
let inDoublePrecision: Promise<readonly number[]> | null = null;

Deno.test("each kind of dropout alone changes the losses of LoRA steps on DeBERTa, an adapter's once B is not zero", async () => {
  const still = await threeLosses(reference, {});
  for (const kind of ["hidden", "attention", "head", "adapter"] as const) {
    const dropped = await threeLosses(reference, { [kind]: 0.2 });
    const differs = dropped.map((loss, i) => Math.abs(loss - still[i]!) > 1e-6);
    assertEquals(differs, [kind !== "adapter", true, true], `${kind}: ${dropped} and ${still}`);
  }
});

testEach(
  all.filter(({ kind }) => kind !== "reference"),
  "LoRA steps on DeBERTa, dropout and all, are those of double precision",
  async (executor) => {
    const wanted = await (inDoublePrecision ??= threeLosses(reference, everywhere(0.2)));
    const found = await threeLosses(executor, everywhere(0.2));
    assertNear({ data: Float64Array.from(found) }, wanted, 1e-5, "losses");
  },
);

Deno.test("a step on frozen DeBERTa scatters nothing but its labels' gradient", () => {
  const { stepProgram } = assemble(
    trainingRequest(new ReferenceExecutor(), debertaRun(everywhere(0.1))).assembly,
  );
  const scatters = stepProgram.nodes.filter(({ op }) => op === "ScatterElements");
  assertEquals(scatters.length, 1);
});

Deno.test("countedRelativeInputs() computes in the graph what relativeFeed() gives", async () => {
  const positions = { buckets: 4, maxDistance: 8 };
  const outputs = countedRelativeInputs(positions, input("size", [1], "i64"), 12);
  const program = computeDims(makeProgram({ ...outputs }), { seq: input("seq", [1], "i64") });
  const fed = relativeInputs(positions, input);
  const executor = await nativeExecutor(1);
  const session = await executor.load(program);
  for (const length of [1, 5, 12]) {
    const size: HostTensor = { type: "i64", shape: [1], data: BigInt64Array.of(BigInt(length)) };
    const { read } = await session.run({
      feeds: { size, seq: size },
      dims: { seq: length },
      read: [...program.outputs.keys()],
    });
    for (const name of Object.keys(outputs) as (keyof typeof outputs)[]) {
      const wanted = relativeFeed(String(fed[name].node.attributes["name"]), length)!;
      assertEquals([...read[name]!.shape], [...wanted.shape], name);
      assertEquals(Array.from(read[name]!.data, Number), Array.from(wanted.data, Number), name);
    }
  }
  await session.release();
});

Deno.test("plainModel() of DeBERTa gives transformers' logits from token ids alone", async () => {
  const executor = await nativeExecutor(1);
  for (const name of configs) {
    const { config: file, classification } = golden<Golden>(name);
    const config = configOf(file);
    const program = plainModel(config, parametersFor(config, 3));
    const session = await executor.load(program);
    const feeds = Object.fromEntries(
      Object.entries(plainFeeds(batch)).filter(([key]) => program.inputs.has(key)),
    );
    const dims = { batch: batch.size, seq: batch.length };
    const { read } = await session.run({ feeds, dims, read: ["logits"] });
    await session.release();
    assertNear(read["logits"]!, classification.logits, 2e-6, `logits of "${name}"`, 1);
  }
});

Deno.test("DeBERTa's config names the variants that cannot be built", () => {
  const good = golden<Golden>("shared").config;
  const bad: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [{ conv_kernel_size: 3 }, "conv_kernel_size is 3, known is 0"],
    [{ relative_attention: false }, "relative_attention is false, known is true"],
    [{ embedding_size: 8 }, "embedding_size is 8, known is 16"],
    [{ pooler_hidden_act: "tanh" }, 'pooler_hidden_act is "tanh", known is "gelu"'],
    [{ pos_att_type: "p2p|c2p" }, 'pos_att_type is "p2p", known are "c2p", "p2c"'],
    [{ pos_att_type: [] }, "pos_att_type is empty"],
    [{ norm_rel_ebd: "batch_norm" }, 'norm_rel_ebd is "batch_norm"'],
    [{ position_buckets: 16 }, "position_buckets 16 with 8 relative positions"],
  ];
  for (const [change, message] of bad) {
    assertThrows(() => configOf({ ...good, ...change }), InputError, message);
  }
  const text = JSON.stringify({ ...good, pos_att_type: "c2p | p2c" });
  assertEquals(parseConfig(text, "golden/config.json"), configOf(good));
});
