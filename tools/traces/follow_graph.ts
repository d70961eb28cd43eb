/**
 * Follows a recorded run through ranklab's own graph: the network of the trace with the adapter that training uses, its
 * gradients by the reverse walk, all in double precision.
 *
 * @module
 */
import { InputError } from "../../src/base/input_error.ts";
import {
  add,
  constant,
  gemm,
  grad,
  type HostTensor,
  input,
  interpret,
  makeProgram,
  meanSquaredError,
  mul,
  type Program,
  reshape,
  tanh,
  type Tensor,
} from "../../src/graph/mod.ts";
import type { PartGroup } from "../../src/methods/adapter.ts";
import { adaptedLinear } from "../../src/methods/low_rank.ts";
import type { ModuleSlots, SlotTable } from "./slots.ts";
import { orthogonalityRegulariser, svdPrepare, svdScale } from "../../src/methods/svd_form.ts";
import type { Difference } from "./difference.ts";
import { followDecisions, type FollowOptions, type StepGradients } from "./follow_policy.ts";
import type { Trace } from "./trace.ts";

const partNames = ["A", "E", "B"] as const;

type PartName = (typeof partNames)[number];

function matrix(rows: readonly Float64Array[], width: number): HostTensor {
  const data = new Float64Array(rows.length * width);
  rows.forEach((row, i) => data.set(row, i * width));
  return { type: "f32", shape: [rows.length, width], data };
}

/**
 * Checks that each module of a trace takes as many numbers as the one before yields.
 *
 * @throws {InputError} Naming the two modules where it does not.
 */
export function checkChain({ name, modules }: Pick<Trace, "name" | "modules">): void {
  modules.forEach((module, i) => {
    const before = modules[i - 1];
    if (before === undefined || before.outSize === module.inSize) return;
    const found = `"${before.name}" yields ${before.outSize} numbers and "${module.name}" takes ` +
      module.inSize;
    throw new InputError({
      file: name,
      place: 'key "config.dims"',
      found,
      wanted: "the same",
      message:
        `Cannot build the network of trace "${name}": ${found}, want the same; correct "config.dims"`,
    });
  });
}

/**
 * Loss and gradients of a trace's network as a program.
 *
 * The network is m0, tanh, m1, tanh, …, each module x Wᵀ + bias plus the adapter's delta; the loss is the mean square error
 * plus `orth_reg` times the regulariser that the authors' codes compute. Inputs are `m0.A` `[rank, in]`, `m0.E` `[rank, 1]`,
 * `m0.B` `[rank, out]` and so on; outputs are `loss` and `gradient.m0.A` and so on.
 *
 * @param ranks Slots by module, in the network's order.
 *
 * @throws {InputError} Where a module's input is not as long as the output of the one before.
 */
export function traceProgram(trace: Trace, ranks: readonly number[]): Program {
  checkChain(trace);
  const { config, modules } = trace;
  const scale = svdScale(config.alpha, config.ranknum);
  const inputs: Record<string, Tensor> = {};
  const groups: PartGroup[] = [];
  let hidden = constant(matrix(trace.x, modules[0]!.inSize), "x");
  modules.forEach(({ name, inSize, outSize, weight, bias }, i) => {
    const rank = ranks[i]!;
    const widths = { A: inSize, E: 1, B: outSize };
    const on: HostTensor = { type: "f32", shape: [1, rank], data: new Float64Array(rank).fill(1) };
    const part = (key: PartName): Tensor => {
      const rows = input(`${name}.${key}`, [rank, widths[key]]);
      inputs[`${name}.${key}`] = rows;
      groups.push({ part: key, rows: reshape(rows, [1, rank, widths[key]]), on: constant(on) });
      return rows;
    };
    const parts = { A: part("A"), E: part("E"), B: part("B") };
    const layer = {
      x: hidden,
      weight: constant(matrix(weight, inSize), `${name}.weight`),
      bias: constant({ type: "f32", shape: [outSize], data: bias }, `${name}.bias`),
    };
    const output = rank === 0
      ? gemm(hidden, layer.weight, { transB: true, bias: layer.bias })
      : adaptedLinear({ ...layer, ...svdPrepare(parts, scale), mask: null });
    hidden = i === modules.length - 1 ? output : tanh(output);
  });
  const wanted = constant(matrix(trace.y, modules.at(-1)!.outSize), "y");
  const term = orthogonalityRegulariser(config.orth_reg, "unsquared");
  const loss = add(meanSquaredError(hidden, wanted), mul(term.build(groups), term.weight));
  const names = Object.keys(inputs);
  const slopes = grad(loss, Object.values(inputs));
  return makeProgram({
    loss,
    ...Object.fromEntries(names.map((name, i) => [`gradient.${name}`, slopes[i]!])),
  });
}

/** What {@linkcode traceProgram} is fed at the given parameters, in double precision. */
export function traceFeeds(
  { modules }: Pick<Trace, "modules">,
  params: SlotTable,
): Readonly<Record<string, HostTensor>> {
  return Object.fromEntries(modules.flatMap(({ name, inSize, outSize }) => {
    const { a, e, b } = params[name]!;
    const scales: HostTensor = { type: "f32", shape: [e.length, 1], data: e };
    return [
      [`${name}.A`, matrix(a, inSize)],
      [`${name}.E`, scales],
      [`${name}.B`, matrix(b, outSize)],
    ];
  }));
}

/** Numbers that a run of {@linkcode traceProgram} returned for one output, row-major. */
export interface ProgramOutput {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

/** Loss and gradients from the outputs of {@linkcode traceProgram}. */
export function readGradients(
  { modules }: Pick<Trace, "modules">,
  outputs: Readonly<Record<string, ProgramOutput>>,
): ReturnType<StepGradients> {
  const numbers = (name: string) => Float64Array.from(outputs[name]!.data, Number);
  const rows = (name: string): Float64Array[] => {
    const [height, width] = outputs[name]!.shape as readonly [number, number];
    const data = numbers(name);
    return Array.from({ length: height }, (_, i) => data.slice(i * width, (i + 1) * width));
  };
  const gradients = modules.map(({ name }): [string, ModuleSlots] => [name, {
    a: rows(`gradient.${name}.A`),
    e: numbers(`gradient.${name}.E`),
    b: rows(`gradient.${name}.B`),
  }]);
  return { loss: numbers("loss")[0]!, gradients: Object.fromEntries(gradients) };
}

/** Slots by module of a table, in the network's order. */
export function ranksOf(
  { modules }: Pick<Trace, "modules">,
  params: SlotTable,
): readonly number[] {
  return modules.map(({ name }) => params[name]!.e.length);
}

/**
 * Loss and gradients of a trace's network at any parameters, through the reference interpreter.
 *
 * The program is built anew whenever the ranks are others than at the last call.
 */
export function graphGradients(trace: Trace): StepGradients {
  let held: { readonly ranks: string; readonly program: Program } | null = null;
  return (_step, params) => {
    const ranks = ranksOf(trace, params);
    if (held?.ranks !== ranks.join()) {
      held = { ranks: ranks.join(), program: traceProgram(trace, ranks) };
    }
    return readGradients(trace, interpret(held.program, traceFeeds(trace, params)));
  };
}

/** What was found. */
export interface Followed {
  /** The first number that differs, or null. */
  readonly difference: Difference | null;
  /** Steps in which everything agreed. */
  readonly steps: number;
  /** Those of them after which the allocator acted. */
  readonly events: number;
}

/**
 * Follows a trace with loss and gradients from ranklab's graph; nothing but the parameters at the start, the data and the
 * recorded random vectors is taken from the trace.
 *
 * @param options As for {@linkcode followDecisions}.
 *
 * @throws TypeError where the trace's modules do not chain.
 *
 * @example
 * ```ts
 * import { parseTrace } from "./trace.ts";
 * import { followTrace } from "./follow_graph.ts";
 * const agrees = (json: unknown) => followTrace(parseTrace(json, "my trace")).difference === null;
 * ```
 */
export function followTrace(
  trace: Trace,
  options: Omit<FollowOptions, "gradients"> = {},
): Followed {
  const source = graphGradients(trace);
  let begun = 0;
  const difference = followDecisions(trace, {
    ...options,
    gradients: (step, params) => {
      begun++;
      return source(step, params);
    },
  });
  const agreed = trace.steps.slice(0, difference === null ? begun : begun - 1);
  return {
    difference,
    steps: agreed.length,
    events: agreed.filter(({ event }) => event !== null).length,
  };
}
