/**
 * Error messages for a name that is not known: they list what is and point at the closest.
 *
 * @module
 */
import { closest, distance } from "fastest-levenshtein";

/**
 * A message such as `Unknown task "RET": known are "CoLA", "RTE". Did you mean "RTE"?`.
 *
 * @param what What the name should have named, for instance `task`.
 * @param found The name that was found.
 * @param known The names that exist.
 */
export function unknownName(what: string, found: string, known: readonly string[]): string {
  const list = known.map((name) => `"${name}"`).join(", ");
  const lower = found.toLowerCase();
  const near = known.length === 0
    ? null
    : known.find((name) =>
      name.toLowerCase() === closest(lower, known.map((k) => k.toLowerCase()))
    );
  const isNear = near != null &&
    distance(lower, near.toLowerCase()) <= Math.max(2, Math.ceil(near.length / 2));
  return `Unknown ${what} "${found}": known are ${list}${
    isNear ? `. Did you mean "${near}"?` : ""
  }`;
}
