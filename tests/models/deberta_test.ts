import { InputError } from "../../src/base/input_error.ts";
import { assertEquals, assertThrows } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { computeDims, type HostTensor, input, makeProgram } from "../../src/graph/mod.ts";
import { architectureOf, parseConfig } from "../../src/models/architectures.ts";
import { debertaV2 } from "../../src/models/deberta.ts";
import { positionRow, relativeFeed, relativeInputs } from "../../src/models/deberta_positions.ts";
import { countedRelativeInputs, plainModel } from "../../src/models/plain_model.ts";
import { assemble } from "../../src/train/assemble.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { subjects, testEach } from "../exec/executors.ts";
import {
  batch,
  common,
  configOf,
  configs,
  debertaModel,
  drawn,
  type Golden,
  golden,
  parametersFor,
  type PeftOutcome,
} from "./deberta_fixture.ts";
import { plainFeeds } from "./runtime_logits.ts";
import {
  assertAdapted,
  assertAsTransformers,
  executors,
  kinds,
  targetsOf,
} from "./transformers.ts";
import { lossesOf, noDropout, type TinyRun, trainingRequest, trainTo } from "../train/fixture.ts";
import { assertNear } from "../graph/numbers.ts";

for (const [label, make, tolerances] of executors) {
  for (const name of configs) {
    for (const kind of kinds) {
      Deno.test(`DeBERTa equals transformers, config "${name}", ${kind} and gradients, in ${label}`, async () => {
        const isLabels = kind === "classification";
        const { hidden, [kind]: wanted } = golden<Golden>(name);
        const { config, tensors } = debertaModel(name, isLabels ? 3 : 1);
        const targets = targetsOf(kind, isLabels ? common.labels : common.scores);
        const subject = {
          config,
          parameters: tensors,
          batch,
          targets,
          wanted,
          hidden,
          floor: 1e-2,
        };
        await assertAsTransformers(await make(), subject, tolerances);
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

for (const wanted of golden<readonly PeftOutcome[]>("peft")) {
  Deno.test(`LoRA on DeBERTa's ${wanted.parts.join(", ")} has peft's loss and gradients`, () => {
    const { parts, rank, alpha } = wanted;
    const { config, tensors } = debertaModel("shared", 3);
    assertAdapted({
      config,
      parameters: tensors,
      batch,
      targets: targetsOf("classification", common.labels),
      ...{ method: "lora", options: { alpha }, parts, rank, wanted },
      // peft has B as `[out, rank]`.
      isTurned: (part) => part === "B",
      numbersOf: ({ name, inSize, outSize }, part) =>
        drawn(`${name}.${part}`, part === "A" ? [rank, inSize] : [outSize, rank])
          .data as Float32Array,
    });
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
  return {
    method: "lora",
    encoder: debertaModel("shared", 2),
    longest: 10,
    train: { dropout: { ...noDropout, ...dropout } },
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
