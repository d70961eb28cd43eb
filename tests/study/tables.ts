/**
 * Small tables of tasks, methods and modules, as the other rooms would hand them to spec.
 *
 * @module
 */
import { assertThrows } from "@std/assert";
import { z } from "zod";
import type { Json } from "../../src/base/canonical_json.ts";
import type { Study } from "../../src/study/schema/study.ts";
import { StudyError } from "../../src/study/check/problems.ts";
import { expandStudy } from "../../src/study/grid/expand.ts";
import type { StudyTables } from "../../src/study/grid/tasks.ts";
import type {
  AdapterCosts,
  GridRun,
  MethodEntry,
  ModuleShape,
  RunFacts,
} from "../../src/study/types.ts";
import type { ModulePart } from "../../src/study/schema/settings.ts";

/** Options with the names and defaults of the methods room. */
const alpha = z.number().gt(0).default(16);
const regulariser = {
  regulariserWeight: z.number().min(0).default(0.1),
  regulariser: z.enum(["unsquared", "squared"]).default("unsquared"),
  ties: z.enum(["exact", "upstream"]).default("exact"),
};
const schedule = {
  initWarmup: z.number().min(0).default(0.1),
  finalWarmup: z.number().min(0).default(0.3),
  maskInterval: z.int().min(1).default(10),
  beta1: z.number().default(0.85),
  beta2: z.number().default(0.85),
};

/** Costs of a row of A, a column of B and `extra` numbers a rank. */
export function costsWith(extra: number): AdapterCosts {
  return { perRank: ({ inSize, outSize }) => inSize + outSize + extra, perModule: () => 0 };
}

function entry(
  name: string,
  shape: z.ZodRawShape,
  rest: Partial<Omit<MethodEntry, "name" | "parseOptions" | "optionsSchema">> = {},
): MethodEntry {
  const schema = z.strictObject(shape);
  return {
    name,
    version: 1,
    usesBudget: true,
    costs: () => costsWith(0),
    initialFactor: () => 1,
    moduleParts: () => null,
    rankWeights: () => null,
    check: () => {},
    parseOptions: (options) => schema.parse(options) as unknown as Json,
    optionsSchema: z.toJSONSchema(schema, { io: "input" }) as unknown as Json,
    ...rest,
  };
}

/** Refuses warm-ups that fill the run; each is a share below 1, else a number of steps. */
function check(options: Json, { totalSteps }: RunFacts): void {
  const { initWarmup, finalWarmup } = options as { initWarmup: number; finalWarmup: number };
  const steps = (value: number) => value < 1 ? Math.round(value * totalSteps) : value;
  if (steps(initWarmup) + steps(finalWarmup) >= totalSteps) {
    throw new RangeError(
      `initWarmup ${initWarmup} and finalWarmup ${finalWarmup} leave no room in ${totalSteps} steps`,
    );
  }
}

/** Every method that the committed experiments name. */
export const methods: readonly MethodEntry[] = [
  entry("head", {}, { usesBudget: false }),
  entry("full", {}, { usesBudget: false }),
  entry("lora", { alpha, scaling: z.enum(["alpha/r", "alpha/sqrt(r)"]).default("alpha/r") }),
  entry("adalora", {
    alpha,
    initialFactor: z.number().min(1).default(1.5),
    ...schedule,
    ...regulariser,
  }, {
    costs: () => costsWith(1),
    initialFactor: (options) => (options as { initialFactor: number }).initialFactor,
    check,
  }),
  entry("elalora", {
    alpha,
    ...schedule,
    ...regulariser,
    b: z.int().min(0).default(4),
    k: z.int().min(1).default(2),
    decay: z.enum(["cubic", "none"]).default("cubic"),
    upstream: z.boolean().optional(),
  }, { costs: () => costsWith(1), check }),
];

export const tasks: readonly string[] = [
  "CoLA",
  "SST-2",
  "MRPC",
  "STS-B",
  "QQP",
  "MNLI",
  "QNLI",
  "RTE",
  "WNLI",
  "Acceptability",
  "Genre",
  "Topic",
  "YearsApart",
  "Related",
  "KindOf",
];

/** Published sizes of the GLUE training splits; 2000 for the embedded tasks. */
export function examplesOf(task: string): number {
  const sizes: Readonly<Record<string, number>> = {
    CoLA: 8551,
    "SST-2": 67349,
    MRPC: 3668,
    "STS-B": 5749,
    MNLI: 392702,
    QNLI: 104743,
    RTE: 2490,
  };
  return sizes[task] ?? 2000;
}

/** The six modules of each layer of a BERT-like encoder. */
export function encoderModules(
  layers: number,
  hidden: number,
  feedForward: number,
): readonly ModuleShape[] {
  const sides: readonly [ModulePart, number, number][] = [
    ["query", hidden, hidden],
    ["key", hidden, hidden],
    ["value", hidden, hidden],
    ["attention_output", hidden, hidden],
    ["intermediate", hidden, feedForward],
    ["output", feedForward, hidden],
  ];
  return Array.from({ length: layers }, (_, layer) => layer).flatMap((layer) =>
    sides.map(([part, inSize, outSize]) => ({
      name: `layer.${layer}.${part}`,
      layer,
      part,
      inSize,
      outSize,
    }))
  );
}

/** A method of the table above. */
export function method(name: string): MethodEntry {
  const found = methods.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`No method "${name}" in the tables of this test`);
  return found;
}

/** A study of one RTE run, with what is given laid over it. */
export function smallStudy(
  study: Partial<Omit<Study, "axes">> & { axes?: Partial<Study["axes"]> } = {},
): Study {
  const { axes, ...rest } = study;
  return {
    name: "small",
    ...rest,
    axes: { tasks: ["RTE"], methods: ["lora"], budgets: [4], seeds: [1], ...axes },
  };
}

/** The runs of a {@linkcode smallStudy}. */
export function runsOf(study: Parameters<typeof smallStudy>[0] = {}): readonly GridRun[] {
  return expandStudy(smallStudy(study), { tasks, methods });
}

/** The problems of a study that cannot be expanded, as "path: message". */
export function problemsOf(study: Study, tables: Partial<StudyTables> = {}): readonly string[] {
  return problemsIn(() => expandStudy(study, { tasks, methods, ...tables }));
}

/** The problems of the error that something throws, as "path: message". */
export function problemsIn(work: () => unknown): readonly string[] {
  const { problems } = assertThrows(work, StudyError);
  return problems.map(({ where, message }) => `${where}: ${message}`);
}
