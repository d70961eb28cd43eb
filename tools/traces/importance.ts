/**
 * Importance of weights and slots in plain numbers: the reference for the training graph, used by
 * traces that are followed and by tests.
 *
 * Sensitivity-based importance of AdaLoRA (arXiv 2303.10512, equations 8 to 11), which ElaLoRA
 * (arXiv 2504.00254) takes over.
 *
 * @module
 */

/** Smoothed sensitivity Ī and uncertainty Ū of some weights, in the weights' order. */
export interface Importance {
  readonly sensitivity: Float64Array;
  readonly uncertainty: Float64Array;
}

/** Averages of weights that nothing is known of: zeros. */
export function zeroImportance(length: number): Importance {
  return { sensitivity: new Float64Array(length), uncertainty: new Float64Array(length) };
}

/**
 * One smoothing step: I = |w·g|, Ī ← β1·Ī + (1−β1)·I, Ū ← β2·Ū + (1−β2)·|I − Ī| with the new Ī.
 *
 * @throws RangeError where the lengths differ.
 */
export function updateImportance(
  before: Importance,
  weights: ArrayLike<number>,
  gradients: ArrayLike<number>,
  beta1 = 0.85,
  beta2 = 0.85,
): Importance {
  const length = before.sensitivity.length;
  if (weights.length !== length || gradients.length !== length) {
    throw new RangeError(
      `Cannot update importance: ${weights.length} weights and ${gradients.length} gradients found, ` +
        `${length} of each wanted`,
    );
  }
  const after = zeroImportance(length);
  for (let i = 0; i < length; i++) {
    const now = Math.abs(weights[i]! * gradients[i]!);
    const smooth = beta1 * before.sensitivity[i]! + (1 - beta1) * now;
    after.sensitivity[i] = smooth;
    after.uncertainty[i] = beta2 * before.uncertainty[i]! + (1 - beta2) * Math.abs(now - smooth);
  }
  return after;
}

/** The averages of one slot: its entry of E, its row of A, its column of B. */
interface SlotImportance {
  readonly e: Importance;
  readonly a: Importance;
  readonly b: Importance;
}

/** A slot's score S = s(E) + mean s(A row) + mean s(B column), where s = Ī·Ū. */
export function slotScore(parts: SlotImportance): number {
  return meanScore(parts.e) + meanScore(parts.a) + meanScore(parts.b);
}

function meanScore({ sensitivity, uncertainty }: Importance): number {
  let sum = 0;
  for (let i = 0; i < sensitivity.length; i++) sum += sensitivity[i]! * uncertainty[i]!;
  return sum / sensitivity.length;
}
