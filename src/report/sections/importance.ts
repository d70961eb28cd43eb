/**
 * The scores by which policies moved ranks.
 *
 * @module
 */
import { charts, type Section } from "../section.ts";

/** Importance over the steps. */
export const importance: Section = {
  title: "Importance",
  empty: () => "No run logged importance scores; AdaLoRA and ElaLoRA do.",
  blocks: [charts(({ charts }) => charts.importance, { isByMethod: true })],
};
