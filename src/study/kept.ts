/**
 * Which evaluation of a run counts.
 *
 * @module
 */
import type { TrainSettings } from "./types.ts";

/**
 * Of a run's best and last evaluation the one that counts: the one whose numbers are reported and whose weights are exported.
 *
 * @param keep What the run's settings say.
 */
export function keptOf<T>(
  keep: TrainSettings["keep"],
  { best, last }: { readonly best: T; readonly last: T },
): T {
  return keep === "best" ? best : last;
}
