/**
 * Error messages for a name that is not known: they list what is and point at the closest.
 *
 * @module
 */
import { distance } from "fastest-levenshtein";
import { shown } from "./input_error.ts";

/** Longer names, and more of them, are not compared: a comparison takes the product of both lengths. */
const most = { characters: 200, names: 1_000 };

/** Names that a message lists. */
const mostListed = 100;

/**
 * The known names that are closest to one, the closest first; none for a name of more than 200 characters.
 *
 * @param count How many at most.
 * @param spelt How a known name is spelt for the comparison. Default: as it is.
 */
export function nearestNames(
  name: string,
  known: Iterable<string>,
  count: number,
  spelt: (known: string) => string = (known) => known,
): readonly string[] {
  if (name.length > most.characters) return [];
  const near: { readonly other: string; readonly far: number }[] = [];
  let seen = 0;
  for (const other of known) {
    if (++seen > most.names) break;
    if (other.length > most.characters) continue;
    near.push({ other, far: distance(name, spelt(other)) });
  }
  return near.sort((a, b) => a.far - b.far).slice(0, count).map(({ other }) => other);
}

/** What other tools call what is known here by another word; without capitals and what joins words. */
const synonyms: ReadonlyMap<string, string> = new Map(
  Object.entries({
    learningrate: ["lr"],
    batchsize: ["bs", "batch", "trainbatchsize", "perdevicetrainbatchsize"],
    epochs: ["ep", "numepochs", "numtrainepochs"],
    steps: ["maxsteps", "iters", "iterations"],
    weightdecay: ["wd", "decay", "l2"],
    maxlength: ["len", "length", "seqlen", "maxlen", "maxseqlen", "maxseqlength"],
    clipnorm: ["clip", "gradclip", "maxgradnorm"],
    epsilon: ["eps", "adamepsilon"],
    schedule: ["scheduler", "lrscheduler", "lrschedulertype"],
    warmup: ["warmupratio", "warmupsteps"],
    evaluateevery: ["evalsteps", "evalevery"],
    modules: ["targetmodules"],
    model: ["encoder", "backbone"],
    alpha: ["loraalpha"],
    budgets: ["rank", "ranks", "r"],
    seeds: ["randomseed"],
  }).flatMap(([word, others]) => others.map((other) => [other, word] as const)),
);

/** The last part of a name, without capitals and what joins words. */
function wordOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1).toLowerCase().replaceAll(/[_-]/g, "");
}

/** The known name that means the same as another one, if there is one: by its own word, then by a synonym. */
function synonymOf(found: string, known: readonly string[]): string | undefined {
  const word = wordOf(found);
  return [word, synonyms.get(word)].flatMap((meant) =>
    known.find((name) => meant !== "" && wordOf(name) === meant) ?? []
  )[0];
}

/**
 * A message such as `Unknown task "RET": known are "CoLA", "RTE". Did you mean "RTE"?`.
 *
 * @param what What the name should have named, for instance `task`.
 * @param found The name that was found.
 * @param known The names that exist.
 */
export function unknownName(what: string, found: string, known: readonly string[]): string {
  const more = known.length - mostListed;
  const list = known.slice(0, mostListed).map((name) => `"${shown(name)}"`).join(", ") +
    (more > 0 ? ` and ${more} more` : "");
  const meant = synonymOf(found, known) ?? nearName(found.toLowerCase(), known);
  return `Unknown ${what} "${shown(found)}": known are ${list}${
    meant === undefined ? "" : `. Did you mean "${meant}"?`
  }`;
}

/** The known name whose letters are close to those of another one. */
function nearName(lower: string, known: readonly string[]): string | undefined {
  const [near] = nearestNames(lower, known, 1, (name) => name.toLowerCase());
  const isNear = near !== undefined &&
    distance(lower, near.toLowerCase()) <= Math.max(2, Math.ceil(near.length / 2));
  return isNear ? near : undefined;
}

/**
 * Checks the names of what a study brings along.
 *
 * @param what What it brings, for instance `method`.
 * @param from What messages call the place that it comes from.
 * @throws {RangeError} If a name is built in, or given twice.
 */
export function checkOwnNames(
  what: string,
  own: readonly { readonly name: string }[],
  isBuiltIn: (name: string) => boolean,
  from: string,
): void {
  own.forEach(({ name }, i) => {
    const fail = (found: string, wanted: string): never => {
      throw new RangeError(
        `Cannot add the ${what} "${name}" of ${from}: found ${found} of that name, want ${wanted}`,
      );
    };
    if (isBuiltIn(name)) fail(`a built-in ${what}`, "a name of its own");
    if (own.findIndex((other) => other.name === name) < i) fail("two", "each name once");
  });
}
