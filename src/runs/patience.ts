/**
 * How long a process waits for others that give no sign of life.
 *
 * @module
 */
import type { ClaimSettings } from "../record/claims.ts";

/** How long others are waited for. */
export interface Patience {
  /**
   * Seconds after which a run is taken over whose process gave no sign of life; more than the file system takes to show what other
   * hosts write. Default, and null: 30.
   */
  readonly patience?: number | null;
}

/** How runs are claimed with such patience. */
export function claimsOf({ patience = null }: Patience): ClaimSettings {
  return patience === null ? {} : { times: { patienceMillis: 1_000 * patience } };
}
