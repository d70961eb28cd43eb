/**
 * The baselines without ranks: the head alone, biases (BitFit), everything.
 *
 * @module
 */
import * as z from "zod";
import { defineMethod } from "./method.ts";

const none = z.strictObject({});

/** The frozen encoder with a trained head: what adaptation must beat. */
export const head = defineMethod({
  name: "head",
  title: "Head only",
  source: "linear probing",
  version: 2,
  options: none,
  budget: null,
  bind: () => ({}),
});

/** BitFit: the encoder's biases (those of the norms included) and the head (Zaken et al., arXiv 2106.10199). */
export const bitfit = defineMethod({
  name: "bitfit",
  title: "BitFit",
  source: "arXiv 2106.10199",
  version: 2,
  options: none,
  budget: null,
  bind: () => ({ backbone: "biases" }),
});

/** Full fine-tuning: every parameter. */
export const full = defineMethod({
  name: "full",
  title: "Full fine-tuning",
  source: "Devlin et al., arXiv 1810.04805",
  version: 2,
  options: none,
  budget: null,
  bind: () => ({ backbone: "all" }),
});
