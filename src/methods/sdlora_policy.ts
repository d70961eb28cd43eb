/**
 * What SD-LoRA does between two tasks: the directions of the task that ended are frozen and divided by their norm, expressed by
 * earlier ones where they can be, and each module gets slots for the next task.
 *
 * Wu et al., arXiv 2501.13198, section 3; SD-LoRA-RR and SD-LoRA-KD as there. The authors' repository has RR commented out and KD
 * not at all, so that KD is not verified against it.
 *
 * @module
 */
import * as z from "zod";
import { closed } from "../study/schema/shapes.ts";
import { type Direction, expressed, innerProduct } from "./factored_directions.ts";
import type { RankDecision, RowEdit } from "./rank_actions.ts";
import { rateOptions } from "./options.ts";
import { moduleNamesOf } from "./ranked_slots.ts";
import type { PolicyModule, RankPolicy, RowView } from "./rank_policy.ts";

/** Added to norms that directions are divided by while they are trained. */
export const normEpsilon = 1e-8;

const rankReduction = closed({
  mu: z.int().positive().default(4).describe("Tasks with the first rank (mu)"),
  nu: z.int().positive().default(8).describe("Tasks before the third rank (nu)"),
  ranks: z.tuple([z.int().positive(), z.int().positive(), z.int().positive()])
    .default([10, 8, 6]).describe("The three ranks, in proportion: the budget sets the first"),
});

/** SD-LoRA's options. */
export const sdloraOptions = z.strictObject({
  alphaPer: z.enum(["task", "module"]).default("task").describe(
    "Whether all modules share the magnitude of a task, or each has its own",
  ),
  alphas: z.enum(["carried", "upstream"]).default("carried").describe(
    "carried starts at 1 and goes on from task to task; upstream sets all to 0.8 at the start of each task",
  ),
  normaliseCurrent: z.boolean().default(false).describe(
    "Whether the direction of the current task is divided by its norm too, as the formula is printed; B then starts near zero",
  ),
  norms: z.enum(["product", "upstream"]).default("product").describe(
    "What directions are divided by when they are frozen: the norm of their product; upstream takes that of A times that of B",
  ),
  foldNorms: z.boolean().default(false).describe(
    "Whether a shared magnitude is multiplied by the mean norm of its directions when they are frozen; one a module always is, by its own",
  ),
  rankReduction: rankReduction.nullable().default(null).describe(
    "Lower ranks for later tasks (SD-LoRA-RR), or null",
  ),
  tau: z.number().nonnegative().nullable().default(null).describe(
    "Largest residual with which a direction is expressed by earlier ones and dropped (SD-LoRA-KD, 9e-4 in the paper), or null",
  ),
  ...rateOptions,
});

/** Values of {@linkcode sdloraOptions}. */
export type SdloraOptions = z.output<typeof sdloraOptions>;

type PolicyOptions = Omit<SdloraOptions, "bRate">;

/** State of {@linkcode sdloraPolicy}. */
interface SdloraState {
  readonly modules: readonly PolicyModule[];
  /** Ranks of the first task. */
  readonly ranks: readonly number[];
  /** The last step of each task. */
  readonly lastSteps: readonly number[];
  /** The current task, from 0. */
  readonly task: number;
  /** The task of each slot, by module. */
  readonly tasksOf: Readonly<Record<string, readonly number[]>>;
}

/** α of a task that starts. */
export function startOfAlpha(alphas: PolicyOptions["alphas"]): number {
  return alphas === "upstream" ? 0.8 : 1;
}

/**
 * The rank of a task, counted from 0, in a module that has `rank` in the first: at least 1.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { rankOfTask } from "./sdlora_policy.ts";
 * const paper = { mu: 4, nu: 8, ranks: [10, 8, 6] as [number, number, number] };
 * assertEquals([0, 3, 4, 7, 8].map((task) => rankOfTask(paper, 10, task)), [10, 10, 8, 8, 6]);
 * ```
 */
export function rankOfTask(
  reduction: PolicyOptions["rankReduction"],
  rank: number,
  task: number,
): number {
  if (reduction === null) return rank;
  const { mu, nu, ranks } = reduction;
  const own = ranks[task < mu ? 0 : task < nu ? 1 : 2]!;
  return Math.max(1, Math.round((rank * own) / ranks[0]!));
}

/** The slots of a task in a module. */
function slotsOf({ tasksOf }: SdloraState, module: string, task: number): readonly number[] {
  return tasksOf[module]!.flatMap((own, slot) => own === task ? [slot] : []);
}

/** The norm of all numbers of some rows. */
function frobenius(rows: readonly Float32Array[]): number {
  return Math.sqrt(rows.reduce((all, row) => row.reduce((sum, value) => sum + value ** 2, all), 0));
}

/** The direction of a task in a module, divided by its norm; null where it has none. */
function unitDirection(
  { norms, normaliseCurrent }: PolicyOptions,
  state: SdloraState,
  seen: RowView,
  module: string,
  task: number,
): { readonly direction: Direction; readonly norm: number } | null {
  const slots = slotsOf(state, module, task);
  const [A, B] = ["A", "B"].map((part) => seen.rows(module, part)) as [
    readonly Float32Array[],
    readonly Float32Array[],
  ];
  const pick = (rows: readonly Float32Array[]) => slots.map((slot) => rows[slot]!);
  const plain = { A: pick(A), B: pick(B), factor: 1 };
  const norm = norms === "product"
    ? Math.sqrt(innerProduct(plain, plain))
    : frobenius(plain.A) * frobenius(plain.B);
  if (!(norm > 0)) return null;
  const epsilon = normaliseCurrent ? normEpsilon : 0;
  return { direction: { ...plain, factor: 1 / (norm + epsilon) }, norm };
}

/** What an event makes of the magnitudes and of the task that ended. */
interface Frozen {
  /** Magnitudes by module; one object for all where they are shared. */
  readonly alphas: Readonly<Record<string, number[]>>;
  /** What the directions of the task are multiplied by, by module; 0 where there is none. */
  readonly factors: Readonly<Record<string, number>>;
  /** Modules in which the direction is dropped. */
  readonly dropped: ReadonlySet<string>;
}

function freeze(options: PolicyOptions, state: SdloraState, seen: RowView): Frozen {
  const { alphaPer, alphas: kind, normaliseCurrent, foldNorms, tau } = options;
  const { modules, task } = state;
  const names = modules.map(({ name }) => name);
  const unitsOf = (own: number) =>
    names.map((name) => unitDirection(options, state, seen, name, own));
  const current = unitsOf(task);
  const dropped = new Set<string>();
  const alphas: Record<string, number[]> = {};
  // Modules that share magnitudes are frozen together.
  const sharing = alphaPer === "task" ? [names] : names.map((name) => [name]);
  const earlier = tau === null ? [] : Array.from({ length: task }, (_, own) => unitsOf(own));
  for (const own of sharing) {
    const alpha = Array.from(seen.rows(own[0]!, "alpha")[0]!);
    const places = own.map((name) => names.indexOf(name));
    const norms = places.flatMap((i) => current[i] === null ? [] : [current[i]!.norm]);
    if ((alphaPer === "module" || foldNorms) && !normaliseCurrent && norms.length > 0) {
      alpha[task]! *= norms.reduce((sum, norm) => sum + norm, 0) / norms.length;
    }
    const pick = (units: typeof current) => places.map((i) => units[i]?.direction ?? null);
    const { a, residual } = expressed(earlier.map(pick), pick(current));
    if (tau !== null && task > 0 && norms.length > 0 && residual <= tau) {
      // α_t D_t ≈ Σ_k α_t a_k D_k, so that outputs stay.
      a.forEach((value, k) => alpha[k]! += alpha[task]! * value);
      for (const name of own) dropped.add(name);
    }
    for (const name of own) alphas[name] = kind === "upstream" ? alpha.fill(0.8) : alpha;
  }
  const factors = Object.fromEntries(
    names.map((name, i) => [name, current[i]?.direction.factor ?? 0]),
  );
  return { alphas, factors, dropped };
}

/** The policy. */
export function sdloraPolicy(options: PolicyOptions): RankPolicy<SdloraState> {
  const isDue = ({ lastSteps, task }: SdloraState, step: number) =>
    task + 1 < lastSteps.length && step === lastSteps[task];
  return {
    start(context) {
      moduleNamesOf(context);
      const { modules, ranks, stages } = context;
      if (stages === undefined || stages.length < 2) {
        throw new RangeError(
          `Cannot start SD-LoRA: found ${
            stages?.length ?? 1
          } task, at least 2 are wanted, one after the other`,
        );
      }
      return {
        modules: modules.map(({ name, inSize, outSize }) => ({ name, inSize, outSize })),
        ranks,
        lastSteps: stages.map(({ firstStep, steps }) => firstStep + steps - 1),
        task: 0,
        tasksOf: Object.fromEntries(
          modules.map(({ name }, i) => [name, Array.from({ length: ranks[i]! }, () => 0)]),
        ),
      };
    },
    isDue,
    trainedNumbers(state) {
      const { modules, tasksOf, task } = state;
      const factors = modules.reduce(
        (sum, { name, inSize, outSize }) =>
          sum + slotsOf(state, name, task).length * (inSize + outSize),
        0,
      );
      const magnitudes = modules.map(({ name }) => new Set(tasksOf[name]));
      return factors +
        (options.alphaPer === "module"
          ? magnitudes.reduce((sum, { size }) => sum + size, 0)
          : magnitudes.reduce((all, own) => all.union(own)).size);
    },
    decide(state, _step, _scores, seen) {
      const { modules, ranks, task } = state;
      const { alphas, factors, dropped } = freeze(options, state, seen);
      const drop: { module: string; slot: number }[] = [];
      const grow: string[] = [];
      const rows: RowEdit[] = [];
      const tasksOf: Record<string, readonly number[]> = {};
      modules.forEach(({ name }, i) => {
        const isDropped = dropped.has(name);
        if (isDropped) {
          for (const slot of slotsOf(state, name, task)) drop.push({ module: name, slot });
        }
        const kept = state.tasksOf[name]!.filter((own) => !(isDropped && own === task));
        const fresh = Array.from(
          { length: rankOfTask(options.rankReduction, ranks[i]!, task + 1) },
          () => task + 1,
        );
        grow.push(...fresh.map(() => name));
        tasksOf[name] = [...kept, ...fresh];
        const edit = (slot: number, part: string, values: ArrayLike<number>) =>
          rows.push({ module: name, slot, part, values, moments: "zero" });
        tasksOf[name].forEach((own, slot) => {
          if (own === task + 1) edit(slot, "task", [own]);
          if (own !== task) return;
          edit(slot, "live", [0]);
          edit(slot, "factor", [factors[name]!]);
        });
        if (options.alphaPer === "module" || i === 0) edit(0, "alpha", alphas[name]!);
      });
      const decision: RankDecision = {
        actions: [
          // What is kept had better not hold the ranks of the next task, which are not trained yet.
          ...(seen.isEvaluated ? [{ type: "evaluate" } as const] : []),
          { type: "drop", slots: drop },
          { type: "grow", modules: grow },
          { type: "write", rows },
        ],
      };
      return { decision, state: { ...state, task: task + 1, tasksOf } };
    },
  };
}
