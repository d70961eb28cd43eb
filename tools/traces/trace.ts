/**
 * Traces of the authors' rank allocators: small training runs recorded number by number, which are
 * compared with ranklab's policies.
 *
 * @module
 */
import * as z from "zod";
import { InputError } from "../../src/base/input_error.ts";
import type { ModuleSlots, SlotTable } from "./slots.ts";

const numbers = z.array(z.number());
const matrix = z.array(numbers);
const count = z.int().nonnegative();
const positive = z.int().positive();

const common = {
  dims: z.array(z.object({ in: positive, out: positive })).min(1),
  initial_rank: positive,
  alpha: z.number(),
  total_step: positive,
  init_warmup: count,
  final_warmup: count,
  mask_interval: positive,
  beta1: z.number(),
  beta2: z.number(),
  sgd_lr: z.number(),
  orth_reg: z.number(),
  ranknum: positive,
};
const elaloraConfig = z.object({
  ...common,
  method: z.literal("elalora"),
  b: count,
  k: positive,
  enable_scheduler: z.boolean(),
});
const adaloraConfig = z.object({
  ...common,
  method: z.literal("adalora"),
  target_rank: z.number(),
  target_total_rank: positive,
});
const table = z.record(z.string(), matrix);
const traceSchema = z.object({
  config: z.preprocess(
    // Traces of ElaLoRA carry no method.
    (config) =>
      typeof config === "object" && config !== null ? { method: "elalora", ...config } : config,
    z.discriminatedUnion("method", [elaloraConfig, adaloraConfig]),
  ),
  frozen: z.record(z.string(), z.object({ weight: matrix, bias: numbers })),
  x: matrix,
  y: matrix,
  initial: table,
  steps: z.array(z.object({
    step: count,
    loss: z.number(),
    grads: table,
    params_before: table,
    exp_avg_ipt: table,
    exp_avg_unc: table,
    ranks: z.array(count),
    b: count.optional(),
    budget: count.optional(),
    adjusted: z.boolean().optional(),
    threshold: z.number().optional(),
    scores: z.array(numbers).optional(),
    random_vectors: z.array(numbers).optional(),
    params_after: table.optional(),
  })).min(1),
});

/** Settings of a recorded run, in the authors' names. */
export type TraceConfig = z.infer<typeof elaloraConfig> | z.infer<typeof adaloraConfig>;

/** What the authors' allocator did after a step. */
export interface TraceEvent {
  readonly threshold: number;
  /** Scores by module before the change; null where the trace has none (AdaLoRA). */
  readonly scores: readonly Float64Array[] | null;
  /** Normal vectors of new slots: for each, the one for A and then the one for B. */
  readonly randomVectors: readonly Float64Array[];
  readonly paramsAfter: SlotTable;
}

/** One recorded step. */
export interface TraceStep {
  /** The step number that the allocator was given. */
  readonly step: number;
  readonly loss: number;
  readonly gradients: SlotTable;
  /** After the SGD update, before the allocator. */
  readonly paramsBefore: SlotTable;
  /** Averages after the allocator; slots that were just added are not in them. */
  readonly sensitivity: SlotTable;
  readonly uncertainty: SlotTable;
  /** Ranks to move (ElaLoRA) or total rank allowed (AdaLoRA). */
  readonly budget: number;
  /** Ranks after the allocator: slots (ElaLoRA), entries of E that are not zero (AdaLoRA). */
  readonly ranks: readonly number[];
  readonly event: TraceEvent | null;
}

/** One recorded run. */
export interface Trace {
  readonly name: string;
  readonly config: TraceConfig;
  /** `m0`, `m1`, … in the network's order. */
  readonly modules: readonly {
    readonly name: string;
    readonly inSize: number;
    readonly outSize: number;
    /** Frozen weight, rows of length `inSize`. */
    readonly weight: readonly Float64Array[];
    readonly bias: Float64Array;
  }[];
  /** Inputs and targets, one row an example. */
  readonly x: readonly Float64Array[];
  readonly y: readonly Float64Array[];
  readonly initial: SlotTable;
  readonly steps: readonly TraceStep[];
}

/**
 * Reads a trace from parsed JSON.
 *
 * @param name What messages call the trace, for instance its file name.
 * @throws {InputError} Naming the place where a field is missing, unknown in type or of a wrong shape.
 */
export function parseTrace(json: unknown, name: string): Trace {
  const parsed = traceSchema.safeParse(json);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, 5)
      .map(({ path, message }) => `at "${path.map(String).join(".")}": ${message}`);
    throw traceError(name, issues[0]!, issues.join("; "));
  }
  const { config, frozen, x, y, initial, steps } = parsed.data;
  const fail = (place: string, problem: string): never => {
    throw traceError(name, `"${place}" ${problem}`);
  };

  const modules = config.dims.map((size, i) => {
    const own = frozen[`m${i}`];
    if (own === undefined) return fail(`frozen.m${i}`, "is missing");
    return {
      name: `m${i}`,
      inSize: size.in,
      outSize: size.out,
      weight: rows(own.weight, size.out, size.in, { name, place: `frozen.m${i}.weight` }),
      bias: row(own.bias, size.out, { name, place: `frozen.m${i}.bias` }),
    };
  });

  /** A table by slot; `ranks` fixes the number of slots, or null takes them from E. */
  function slots(
    values: z.infer<typeof table>,
    place: string,
    ranks: readonly number[] | null,
  ): SlotTable {
    return Object.fromEntries(modules.map(({ name: module, inSize, outSize }, i) => {
      const [A, E, B] = ["A", "E", "B"].map((part) => {
        const value = values[`${module}.${part}`];
        return value ?? fail(`${place}.${module}.${part}`, "is missing");
      }) as [number[][], number[][], number[][]];
      const rank = ranks?.[i] ?? E.length;
      const label = (part: string) => ({ name, place: `${place}.${module}.${part}` });
      const columns = rows(B, outSize, rank, label("B"));
      const own: ModuleSlots = {
        a: rows(A, rank, inSize, label("A")),
        e: Float64Array.from(rows(E, rank, 1, label("E")), (entry) => entry[0]!),
        b: Array.from(
          { length: rank },
          (_, slot) => Float64Array.from(columns, (line) => line[slot]!),
        ),
      };
      return [module, own];
    }));
  }

  const isMoving = config.method === "elalora";
  let live = modules.map(() => config.initial_rank);
  return {
    name,
    config,
    modules,
    x: rows(x, x.length, modules[0]!.inSize, { name, place: "x" }),
    y: rows(y, x.length, modules.at(-1)!.outSize, { name, place: "y" }),
    initial: slots(initial, "initial", live),
    steps: steps.map((raw, index) => {
      const place = `steps.${index}`;
      const gradients = slots(raw.grads, `${place}.grads`, live);
      const paramsBefore = slots(raw.params_before, `${place}.params_before`, live);
      const budget = isMoving ? raw.b : raw.budget;
      if (budget === undefined) {
        return fail(`${place}.${isMoving ? "b" : "budget"}`, "is missing");
      }
      if (raw.ranks.length !== modules.length) {
        fail(`${place}.ranks`, `has ${raw.ranks.length} entries, ${modules.length} wanted`);
      }
      if (isMoving) live = raw.ranks;
      return {
        step: raw.step,
        loss: raw.loss,
        gradients,
        paramsBefore,
        sensitivity: slots(raw.exp_avg_ipt, `${place}.exp_avg_ipt`, null),
        uncertainty: slots(raw.exp_avg_unc, `${place}.exp_avg_unc`, null),
        budget,
        ranks: raw.ranks,
        event: raw.adjusted ? event(raw, place) : null,
      };
    }),
  };

  function event(raw: z.infer<typeof traceSchema>["steps"][number], place: string): TraceEvent {
    const { threshold, scores, params_after, random_vectors } = raw;
    if (threshold === undefined || params_after === undefined) {
      return fail(place, 'is marked as adjusted but lacks "threshold" or "params_after"');
    }
    return {
      threshold,
      scores: scores?.map((values) => Float64Array.from(values)) ?? null,
      randomVectors: random_vectors?.map((values) => Float64Array.from(values)) ?? [],
      paramsAfter: slots(params_after, `${place}.params_after`, live),
    };
  }
}

/** The error of a trace; `problem` begins with the place in quotes. */
function traceError(name: string, problem: string, whole: string = problem): InputError {
  const place = /"([^"]*)"/.exec(problem)?.[1] ?? "";
  return new InputError({
    file: name,
    place,
    found: problem,
    wanted: "a trace as deno task traces --help has it",
    message: `Cannot read trace "${name}": ${whole}`,
  });
}

/** Where numbers stand in a trace. */
interface TracePlace {
  readonly name: string;
  readonly place: string;
}

function row(
  values: readonly number[],
  length: number,
  { name, place }: TracePlace,
  at = "",
): Float64Array {
  if (values.length !== length) {
    throw traceError(name, `"${place}"${at} has ${values.length} entries, ${length} wanted`);
  }
  return Float64Array.from(values);
}

function rows(
  values: readonly (readonly number[])[],
  height: number,
  width: number,
  place: TracePlace,
): Float64Array[] {
  if (values.length !== height) {
    throw traceError(
      place.name,
      `"${place.place}" has ${values.length} rows, ${height} wanted`,
    );
  }
  return values.map((line, i) => row(line, width, place, ` row ${i}`));
}
