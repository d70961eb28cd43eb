/**
 * Names in `under-way/`, the folder of a study in which runs lie until they have their records.
 *
 * `<run>.claim/` says who makes a run; `<run>.<token>/` has what was made of it so far, the token being that of the lease. A
 * writer whose lease was taken over finds its folder renamed, and can spoil nothing.
 *
 * @module
 */

/** The folder in a study's results. */
export const underWay = "under-way";

const tokenPattern = /^[0-9a-f]{16}$/;

/** How names of leases end. */
const leaseEnd = ".claim";

/** The path of a run's lease. */
export function leasePath(results: string, run: string): string {
  return `${results}/${underWay}/${run}${leaseEnd}`;
}

/** The runs that somebody has a lease of, by the names in `under-way/`. */
export function leasedRuns(names: Iterable<string>): readonly string[] {
  return [...names].filter((name) => name.endsWith(leaseEnd))
    .map((name) => name.slice(0, -leaseEnd.length)).toSorted();
}

/** The path of what was made of a run under a lease. */
export function attemptPath(results: string, run: string, token: string): string {
  return `${results}/${underWay}/${run}.${token}`;
}

/** The tokens of the attempts at a run, by the names in `under-way/`. */
export function attemptsAt(run: string, names: Iterable<string>): readonly string[] {
  return [...names].filter((name) => name.startsWith(`${run}.`))
    .map((name) => name.slice(run.length + 1))
    .filter((end) => tokenPattern.test(end))
    .toSorted();
}

/** The runs that were begun, by the names in `under-way/`. */
export function runsUnderWay(names: Iterable<string>): readonly string[] {
  const runs = [...names].flatMap((name) => {
    const at = name.lastIndexOf(".");
    return tokenPattern.test(name.slice(at + 1)) ? [name.slice(0, at)] : [];
  });
  return [...new Set(runs)].toSorted();
}
