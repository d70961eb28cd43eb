/**
 * AdamW as a few operators on flat vectors (Loshchilov and Hutter, arXiv 1711.05101, Algorithm 2).
 *
 * @module
 */
import {
  add,
  constant,
  div,
  type HostTensor,
  hostVector,
  input,
  min,
  mul,
  scalar,
  sqrt,
  sub,
  sumOfSquares,
  type Tensor,
  withScope,
} from "../graph/mod.ts";

/** The optimiser's constants. */
export interface OptimiserSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled weight decay, where the decay mask is 1. */
  readonly weightDecay: number;
  /** Largest global norm of the gradient; null for no clipping. */
  readonly clipNorm: number | null;
}

/** Names of the state vectors, in the order in which they are stored. */
export const optimiserVectors = ["theta", "m", "v", "c1", "c2"] as const;

/**
 * The state that a step takes and returns: parameters `theta`, first and second moment `m` and `v`, all `[size]`, and the
 * weights `c1` and `c2` that correct the moments' bias.
 *
 * `c` is the moving average of ones with the moment's own rate, so c = 1 − βᵗ after t steps. With one number for
 * all parameters (`[1]`) this is Adam's usual correction; with one number a parameter (`[size]`) a
 * parameter that starts anew in mid-training is corrected by its own step count.
 */
type OptimiserState = Readonly<Record<(typeof optimiserVectors)[number], Tensor>>;

/** Declares the state as inputs of a program. */
export function optimiserInputs(size: number, perParameterCorrection: boolean): OptimiserState {
  const correction = perParameterCorrection ? [size] : [1];
  return {
    theta: input("theta", [size]),
    m: input("m", [size]),
    v: input("v", [size]),
    c1: input("c1", correction),
    c2: input("c2", correction),
  };
}

/** What learning rates differ by from parameter to parameter. */
interface RateDifferences {
  /** Numbers of all parameters. */
  readonly size: number;
  /** A factor for each parameter, `[size]`, the same in all steps; null for none. */
  readonly own: Float32Array | null;
  /** A factor of the step for the first `count` parameters, a scalar; null for none. */
  readonly step: { readonly factor: Tensor; readonly count: number } | null;
  /** A rate in place of all that for the last `count` parameters, a scalar; null where they have that of all. */
  readonly head: { readonly rate: Tensor; readonly count: number } | null;
}

/**
 * The learning rate of each parameter, `[size]`; a scalar where all have the same.
 *
 * @param rate A scalar.
 */
export function learningRates(
  rate: Tensor,
  { size, own, step, head }: RateDifferences,
): Tensor {
  let rates = rate;
  if (step !== null) {
    const mask = new Float32Array(size).fill(1, 0, step.count);
    rates = mul(add(mul(vector(mask, "adapters"), sub(step.factor, 1)), 1), rates);
  }
  if (own !== null) rates = mul(vector(own, "partRates"), rates);
  if (head === null) return rates;
  const first = size - head.count;
  const mask = new Float32Array(size).fill(1, first);
  const others = mask.map((value) => 1 - value);
  return add(mul(vector(others, "others"), rates), mul(vector(mask, "head"), head.rate));
}

interface OptimiserUpdate {
  readonly state: OptimiserState;
  /** Global norm of the gradient before clipping, a scalar. */
  readonly gradientNorm: Tensor;
  /** The gradient after clipping, `[size]`. */
  readonly clipped: Tensor;
}

function vector(data: Float32Array, name: string): Tensor {
  return constant(hostVector(data), name);
}

/**
 * One step of AdamW after clipping by global norm.
 *
 * The factor of clipping is min(1, clipNorm / (norm + 10⁻⁶)), as PyTorch's `clip_grad_norm_` computes it.
 *
 * @param gradient `[size]`.
 * @param learningRate A scalar, or one number a parameter, `[size]`.
 * @param decayMask `[size]`, 1 where weight decay applies.
 * @param clipMask `[size]`, 1 where gradients count in the norm and are scaled; null for everywhere.
 * @param decayBase `[size]`, what is added to the parameters before weight decay takes its share of them; null for nothing.
 */
export function adamW(
  state: OptimiserState,
  gradient: Tensor,
  learningRate: Tensor,
  settings: OptimiserSettings,
  decayMask: Float32Array,
  clipMask: Float32Array | null = null,
  decayBase: HostTensor | null = null,
): OptimiserUpdate {
  return withScope("adamw", () => {
    const { beta1, beta2, epsilon, weightDecay, clipNorm } = settings;
    const counted = clipMask === null ? null : vector(clipMask, "clipped");
    const gradientNorm = sqrt(sumOfSquares(counted === null ? gradient : mul(gradient, counted)));
    const factor = clipNorm === null
      ? null
      : min(div(scalar(clipNorm), add(gradientNorm, 1e-6)), 1);
    // Where the mask is 0 the factor is 1.
    const clipped = factor === null
      ? gradient
      : mul(gradient, counted === null ? factor : add(mul(counted, sub(factor, 1)), 1));
    const average = (old: Tensor, fresh: Tensor, beta: number) =>
      add(mul(old, beta), mul(fresh, 1 - beta));
    const m = average(state.m, clipped, beta1);
    const v = average(state.v, mul(clipped, clipped), beta2);
    const c1 = add(mul(state.c1, beta1), 1 - beta1);
    const c2 = add(mul(state.c2, beta2), 1 - beta2);
    const direction = div(div(m, c1), add(sqrt(div(v, c2)), epsilon));
    const stepped = sub(state.theta, mul(direction, learningRate));
    const decayed = decayBase === null
      ? state.theta
      : add(state.theta, constant(decayBase, "decayBase"));
    const theta = weightDecay === 0 || !decayMask.includes(1) ? stepped : sub(
      stepped,
      mul(
        mul(decayed, vector(decayMask, "decay")),
        mul(learningRate, weightDecay),
      ),
    );
    return { state: { theta, m, v, c1, c2 }, gradientNorm, clipped };
  });
}
