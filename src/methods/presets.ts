/**
 * The named methods that are a form with a policy: the composition of the same three equals them, number for number.
 *
 * @module
 */

/** What a composition is made of. */
export interface Composition {
  readonly form: string;
  readonly policy: string;
  /** What the policy decides by; empty for one that does not score. */
  readonly score: string;
}

/** Form, policy and score by name of the method. */
export const presets: Readonly<Record<string, Composition>> = {
  lora: { form: "lora", policy: "fixed", score: "" },
  adalora: { form: "svd", policy: "mask", score: "importance" },
  elalora: { form: "svd", policy: "moves", score: "importance" },
  sora: { form: "gated", policy: "gates", score: "" },
};
