/**
 * When a process takes over the lease of another that gives no sign of life.
 *
 * @module
 */
import type { LeaseSettings } from "../../record/leases.ts";

/** When the lease of another process is taken over. */
export interface LeaseTimeout {
  /**
   * Seconds after which a run is taken over whose process gave no sign of life; more than the file system takes to show what other
   * hosts write. Default, and null: 30.
   */
  readonly leaseTimeout?: number | null;
}

/** How runs are leased with such a timeout. */
export function leasesOf({ leaseTimeout = null }: LeaseTimeout): LeaseSettings {
  return leaseTimeout === null ? {} : { times: { timeoutMillis: 1_000 * leaseTimeout } };
}
