/**
 * SD-LoRA: tasks one after the other, of which each adds a direction to the weights; those of earlier tasks are frozen, and how
 * far the weights go along each is learned on.
 *
 * Wu et al., arXiv 2501.13198, section 3 and Algorithm 1: h = (W₀ + Σ_{k≤t} α_k B_k A_k / ‖B_k A_k‖_F) x. In task t the factors
 * A_t (random) and B_t (zero) are trained and α_1…α_t with them, one a task and shared by all modules; the loss is over the new
 * classes. As printed, the formula divides by zero where B_t = 0, so that here, as in the authors' `backbone/lora.py`, the
 * direction of the current task is not divided (`normaliseCurrent` does as printed). Earlier ones are divided by their norm; the
 * authors' code takes ‖A‖·‖B‖ instead (`norms`). α is kept out of weight decay, which would forget earlier tasks; so are A and B,
 * which would shrink when they are frozen.
 *
 * A budget is what a task trains: rank r stands for r ranks a module and task, and t tasks store t times as many.
 *
 * @module
 */
import {
  abs,
  add,
  constant,
  div,
  matMul,
  mul,
  reduceSum,
  relu,
  reshape,
  scalar,
  sqrt,
  sub,
  type Tensor,
  transpose,
  withGradient,
} from "../graph/mod.ts";
import type { CountFacts, CountRange, PlannedCounts, RunFacts } from "../study/types.ts";
import { type Adapter, type AdapterPart } from "./adapter.ts";
import { constantPart, loraParts } from "./lora_form.ts";
import { withBRate } from "./options.ts";
import { defineMethod } from "./method.ts";
import {
  normEpsilon,
  rankOfTask,
  type SdloraOptions,
  sdloraOptions,
  sdloraPolicy,
  startOfAlpha,
} from "./sdlora_policy.ts";

/** Deviation of B where the current direction is normalised: small (not verified against the authors' code). */
const smallDeviation = 1e-3;

/**
 * The parts: A and B; of each slot its `task`, counted from 0, whether it is `live`, 1 in the current task and 0 when it is frozen,
 * and the `factor` of its direction besides α; and α, one a task.
 */
function partsOf(
  { alphaPer, alphas, normaliseCurrent, bRate }: SdloraOptions,
): readonly AdapterPart[] {
  const [A, B] = withBRate(loraParts, bRate) as readonly [AdapterPart, AdapterPart];
  return [
    { ...A, decay: false },
    {
      ...B,
      ...(normaliseCurrent
        ? { initial: () => ({ type: "normal", deviation: smallDeviation }) as const }
        : {}),
      decay: false,
    },
    constantPart("task", { isTrained: false }),
    constantPart("live", { isTrained: false }, 1),
    constantPart("factor", { isTrained: false }, 1),
    constantPart("alpha", {
      per: alphaPer === "task" ? "adapter" : "module",
      rowLength: (_, stages = 1) => stages,
      decay: false,
    }, startOfAlpha(alphas)),
  ];
}

/** The rows as they are, of which those that are not live pass no gradient. */
function frozenWhere(rows: Tensor, live: Tensor): Tensor {
  const [modules, slots, width] = rows.shape as readonly [number, number, number];
  const flat = withGradient(reshape(rows, [modules * slots, width]), {
    inputs: [rows],
    rule: (g) => [mul(reshape(g, rows.shape), live)],
  });
  return reshape(flat, rows.shape);
}

/** ‖BᵀA‖_F of the slots that are live, `[modules, 1, 1]`: √tr((A Aᵀ)(B Bᵀ)), so that the product is never made. */
function liveNorm(A: Tensor, B: Tensor, live: Tensor): Tensor {
  const gram = (rows: Tensor) => {
    const own = mul(rows, live);
    return matMul(own, transpose(own, [0, 2, 1]));
  };
  const squares = reduceSum(mul(gram(A), gram(B)), { axes: [1, 2], keepDims: true });
  // The root has no slope at 0, where a module was switched off.
  return sqrt(add(squares, 1e-30));
}

/**
 * α of the task of each slot, `[modules, slots, 1]`.
 *
 * @param alpha `[modules or 1, 1, tasks]`.
 * @param task `[modules, slots, 1]`.
 */
function alphaOfSlots(alpha: Tensor, task: Tensor): Tensor {
  const count = alpha.shape[2] as number;
  const data = Float32Array.from({ length: count }, (_, i) => i);
  const each = constant({ type: "f32", shape: [1, 1, count], data }, "tasks");
  // 1 where a slot is of a task, else 0: the numbers are whole.
  const isOfTask = relu(sub(scalar(1), abs(sub(task, each))));
  return reduceSum(mul(isOfTask, alpha), { axes: [2], keepDims: true });
}

function adapterOf(chosen: SdloraOptions): Adapter {
  const { normaliseCurrent } = chosen;
  return {
    parts: partsOf(chosen),
    prepare: (parts, scale, { mode }) => {
      const own = parts as Record<"A" | "B" | "task" | "live" | "factor" | "alpha", Tensor>;
      const rows = (part: Tensor) => mode === "training" ? frozenWhere(part, own.live) : part;
      const [A, B] = [rows(own.A), rows(own.B)];
      const magnitude = mul(mul(alphaOfSlots(own.alpha, own.task), own.factor), scale);
      if (!normaliseCurrent) return { A: mul(A, magnitude), B };
      const norm = add(liveNorm(A, B, own.live), normEpsilon);
      const ofLive = add(sub(scalar(1), own.live), div(own.live, norm));
      return { A: mul(A, mul(magnitude, ofLive)), B };
    },
    scale: () => 1,
    policy: {
      rule: sdloraPolicy(chosen),
      kind: "move",
    },
  };
}

/** Refuses what would do something else than was asked. */
function checkRun(chosen: SdloraOptions, { stages = [] }: RunFacts): void {
  const { alphas, alphaPer, norms, foldNorms, normaliseCurrent, rankReduction, tau } = chosen;
  const refuse = (what: string): never => {
    throw new RangeError(`Cannot train SD-LoRA: ${what}`);
  };
  if (stages.length < 2) {
    refuse(
      "found one task, and it learns tasks one after the other; name a sequence of tasks, or use lora",
    );
  }
  if (rankReduction !== null) {
    const { mu, nu, ranks } = rankReduction;
    if (nu < mu) refuse(`found "nu" of ${nu} below "mu" of ${mu}; raise nu to ${mu} or more`);
    if (ranks.some((rank, i) => i > 0 && rank > ranks[i - 1]!)) {
      refuse(`found the "ranks" ${ranks.join(", ")}, which rise; ranks that fall are wanted`);
    }
    if (mu >= stages.length) {
      refuse(
        `found "mu" of ${mu} and ${stages.length} tasks, so that all have the first rank; lower mu below ${stages.length}, ` +
          "or set rankReduction to null",
      );
    }
  }
  if (alphas === "upstream" && (foldNorms || tau !== null)) {
    refuse(
      `found ${
        foldNorms ? "foldNorms" : "tau"
      } with "alphas" of "upstream", which forgets what is put into the ` +
        "magnitudes; set alphas to carried",
    );
  }
  if (norms === "upstream" && normaliseCurrent) {
    refuse(
      'found normaliseCurrent with "norms" of "upstream", so that freezing would change the norm that was trained with; set ' +
        "norms to product",
    );
  }
  if (foldNorms && (normaliseCurrent || alphaPer === "module")) {
    refuse(
      `found foldNorms with ${
        normaliseCurrent ? "normaliseCurrent" : '"alphaPer" of "module"'
      }, where freezing changes no output and there is nothing to fold; set foldNorms to false`,
    );
  }
}

/** What each task trains: the factors of its ranks, and the magnitudes so far, fewer where directions are dropped. */
function countsOf(
  { alphaPer, rankReduction, tau }: SdloraOptions,
  { plan, modules, stages = [] }: CountFacts,
): PlannedCounts {
  const adapted = plan.initial.filter((rank) => rank > 0).length;
  const magnitudes = alphaPer === "task" ? 1 : adapted;
  const ofTask = (task: number): CountRange => {
    const factors = modules.reduce((sum, { inSize, outSize }, i) => {
      const rank = plan.initial[i]!;
      return sum + (rank === 0 ? 0 : rankOfTask(rankReduction, rank, task) * (inSize + outSize));
    }, 0);
    const most = factors + (task + 1) * magnitudes;
    return { least: tau === null ? most : factors + magnitudes, most };
  };
  const all = stages.map((_, task) => ofTask(task));
  return {
    initial: ofTask(0),
    peak: {
      least: Math.max(...all.map(({ least }) => least)),
      most: Math.max(...all.map(({ most }) => most)),
    },
    final: all.at(-1) ?? ofTask(0),
  };
}

/** SD-LoRA. */
export const sdlora = defineMethod({
  name: "sdlora",
  title: "SD-LoRA",
  source: "arXiv 2501.13198",
  version: 1,
  options: sdloraOptions,
  budget: { counts: countsOf },
  check: checkRun,
  bind: (chosen) => ({ adapter: adapterOf(chosen) }),
});
