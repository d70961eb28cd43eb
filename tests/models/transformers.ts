/**
 * What an encoder computes for a batch of texts and its targets, held to what transformers and peft computed.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Executor } from "../../src/exec/executor.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import {
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
import { evaluationPass } from "../../src/methods/adapter.ts";
import { findMethod } from "../../src/methods/table.ts";
import { architectureOf, type EncoderConfig } from "../../src/models/architectures.ts";
import type { WantedStates } from "../../src/models/forward_context.ts";
import { targetModules } from "../../src/models/config.ts";
import { encoderInputs, tokenFeeds, tokenRows } from "../../src/models/token_rows.ts";
import { defaultSettings, type ModulePart } from "../../src/study/schema/settings.ts";
import type { ModuleShape } from "../../src/study/types.ts";
import { forward, survey } from "../../src/train/forward.ts";
import { groupParameter, slotGroups } from "../../src/train/slots.ts";
import { assertNear } from "../graph/numbers.ts";
import { noDropout } from "../train/fixture.ts";
import { contextOf, type Outcome, type PaddedTokens } from "./golden_tokens.ts";

/** The kinds of targets. */
export const kinds = ["classification", "regression"] as const;

/** How far values and gradients may be off, relative to the largest. */
export interface Tolerances {
  readonly values: number;
  readonly gradients: number;
}

/** What an encoder is held to transformers on, and how near it comes. */
export const executors: readonly (readonly [string, () => Promise<Executor>, Tolerances])[] = [
  [
    "double precision",
    () => Promise.resolve(new ReferenceExecutor()),
    { values: 1e-9, gradients: 1e-9 },
  ],
  ["the native executor", () => nativeExecutor(1), { values: 2e-6, gradients: 2e-5 }],
];

/** Labels of a classification, or scores of a regression. */
export function targetsOf(kind: (typeof kinds)[number], targets: readonly number[]): HostTensor {
  const shape = [targets.length];
  return kind === "classification"
    ? { type: "i32", shape, data: Int32Array.from(targets) }
    : { type: "f32", shape, data: Float32Array.from(targets) };
}

/** An encoder with a head, and a batch of texts with their targets. */
export interface Subject {
  readonly config: EncoderConfig;
  readonly parameters: ReadonlyMap<string, HostTensor>;
  readonly batch: PaddedTokens;
  readonly targets: HostTensor;
}

function lossOf({ type }: HostTensor, logits: Tensor): Tensor {
  return type === "i32"
    ? reduceMean(crossEntropy(logits, input("targets", ["batch"], "i32")))
    : meanSquaredError(reshape(logits, ["batch"]), input("targets", ["batch"]));
}

/** What a batch is fed as, and its sizes. */
function fed({ config, batch, targets }: Omit<Subject, "parameters">, names: Iterable<string>) {
  const dims = { batch: batch.size, seq: batch.length, tokens: tokenRows(batch).count };
  return { dims, feeds: { ...tokenFeeds(batch, config, names), targets } };
}

/** States, logits, loss, and the gradients of some parameters as `grad/NAME`. */
export async function computed(
  executor: Executor,
  subject: Subject,
  names: readonly string[],
  wanted: WantedStates = "first",
): Promise<Readonly<Record<string, HostTensor>>> {
  const { config, parameters } = subject;
  const architecture = architectureOf(config);
  const leaves = new Map([...parameters].map(([name, { shape }]) => [name, input(name, shape)]));
  const context = contextOf(leaves);
  const inputs = encoderInputs(config.heads);
  const states = architecture.encode(config, inputs, context, new Map(), wanted);
  const first = wanted === "first" ? states : gemm(inputs.pool, states);
  const logits = architecture.taskHead(config, first, inputs, context);
  const loss = lossOf(subject.targets, logits);
  const gradients = grad(loss, names.map((name) => leaves.get(name)!));
  const program = makeProgram({
    states,
    logits,
    loss,
    ...Object.fromEntries(names.map((name, i) => [`grad/${name}`, gradients[i]!])),
  });
  const session = await executor.load(program);
  const { dims, feeds } = fed(subject, program.inputs.keys());
  const { read } = await session.run({
    feeds: { ...Object.fromEntries(parameters), ...feeds },
    dims,
    read: [...program.outputs.keys()],
  });
  await session.release();
  return read;
}

/** A subject with what transformers computed. */
export interface GoldenSubject extends Subject {
  readonly wanted: Outcome;
  /** The states of the real tokens, text after text. */
  readonly hidden: readonly number[];
  /** What gradients are relative to where all of a parameter are smaller. Default 0. */
  readonly floor?: number;
}

/** Fails unless states, logits, loss and gradients are those of transformers, from the states of all tokens and from first ones. */
export async function assertAsTransformers(
  executor: Executor,
  subject: GoldenSubject,
  { values, gradients }: Tolerances,
): Promise<void> {
  const { config: { hidden: width }, batch, wanted, hidden, floor = 0 } = subject;
  const rows = tokenRows(batch);
  const real = [...batch.mask].flatMap((kept, place) => kept === 1 ? [place] : []);
  for (const states of ["all", "first"] as const) {
    const found = await computed(executor, subject, Object.keys(wanted.gradients), states);
    assertEquals(found["states"]!.shape[0], states === "all" ? rows.count : batch.size);
    // What stands at padding is nobody's.
    const places = states === "all" ? real : real.filter((place) => place % batch.length === 0);
    const own = places.flatMap((place) => {
      const row = states === "all" ? rows.rowOf[place]! : place / batch.length;
      return Array.from(found["states"]!.data.slice(row * width, (row + 1) * width), Number);
    });
    const wantedStates = places.map((place) => real.indexOf(place))
      .flatMap((token) => hidden.slice(token * width, (token + 1) * width));
    assertNear({ data: Float64Array.from(own) }, wantedStates, values, `states of ${states}`, 1);
    assertNear(found["logits"]!, wanted.logits, values, "logits", 1);
    assertNear(found["loss"]!, [wanted.loss], values, "loss", 1);
    for (const [name, gradient] of Object.entries(wanted.gradients)) {
      assertNear(found[`grad/${name}`]!, gradient, gradients, `gradient of ${name}`, floor);
    }
  }
}

/** Adapters of a rank whose numbers come from outside. */
export interface AdaptedSubject extends Subject {
  readonly method: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly parts?: readonly ModulePart[];
  readonly rank: number;
  /** The numbers of a part of a module, as the other library has them. */
  readonly numbersOf: (module: ModuleShape, part: string) => ArrayLike<number>;
  /** Whether the other library has a part turned, as `[row, rank]`. */
  readonly isTurned: (part: string) => boolean;
  readonly wanted: Outcome;
}

/** A part that another library has turned, `[row, rank]`, in rows for each rank. */
export function inRows(values: ArrayLike<number>, rank: number): Float64Array {
  const row = values.length / rank;
  return Float64Array.from(
    { length: values.length },
    (_, i) => values[(i % row) * rank + Math.floor(i / row)]!,
  );
}

/** Fails unless logits, loss and the gradients of all adapters are those of another library, in double precision. */
export function assertAdapted(subject: AdaptedSubject): void {
  const { config, parameters, rank, numbersOf, isTurned, wanted } = subject;
  const method = findMethod(subject.method);
  const options = method.parseOptions(subject.options);
  const bound = method.bind(options);
  const modules = targetModules(config, subject.parts ?? method.moduleParts(options) ?? undefined);
  const groups = slotGroups(bound.adapter!, modules.map((module) => ({ module, capacity: rank })));
  const views = new Map(groups.map((group) => {
    const name = groupParameter(group);
    return [name, input(name, [group.modules.length, group.capacity, group.rowLength])] as const;
  }));
  const request = {
    encoder: { config, tensors: parameters },
    output: { type: "classification", labels: ["a", "b", "c"] },
    method: bound,
    ranks: modules.map((module) => ({ module, rank })),
    train: { ...defaultSettings.train, dropout: noDropout },
  } as const;
  const plan = { request, survey: survey(request, views), views, groups };
  const { logits } = forward(plan, evaluationPass);
  const loss = lossOf(subject.targets, logits);
  const names = [...views.keys()];
  const gradients = grad(loss, names.map((name) => views.get(name)!));
  const program = makeProgram({
    logits,
    loss,
    ...Object.fromEntries(names.map((name, i) => [`grad/${name}`, gradients[i]!])),
  });
  const ours = (values: ArrayLike<number>, part: string) =>
    isTurned(part) ? inRows(values, rank) : values;
  const adapters = Object.fromEntries(groups.map((group) => {
    const { name } = group.part;
    const numbers = group.modules.flatMap((module) =>
      Array.from(ours(numbersOf(module, name), name))
    );
    const shape = [group.modules.length, group.capacity, group.rowLength];
    const host: HostTensor = { type: "f32", shape, data: Float32Array.from(numbers) };
    return [groupParameter(group), host];
  }));
  const { dims, feeds } = fed(subject, program.inputs.keys());
  const found = interpret(program, { ...feeds, ...adapters }, dims);
  assertNear(found["logits"]!, wanted.logits, 1e-9, "logits", 1);
  assertNear(found["loss"]!, [wanted.loss], 1e-9, "loss", 1);
  let compared = 0;
  for (const group of groups) {
    const whole = found[`grad/${groupParameter(group)}`]!.data;
    const size = group.capacity * group.rowLength;
    group.modules.forEach(({ name }, i) => {
      const key = `${name}.${group.part.name}`;
      const own = { data: whole.subarray(i * size, (i + 1) * size) };
      assertNear(
        own,
        Array.from(ours(wanted.gradients[key]!, group.part.name)),
        1e-9,
        `gradient of ${key}`,
      );
      compared++;
    });
  }
  assertEquals(compared, Object.keys(wanted.gradients).length);
}
