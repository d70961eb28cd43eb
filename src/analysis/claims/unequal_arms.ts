/**
 * Whether both arms of a claim were given the same amount of training on the same data.
 *
 * @module
 */
import { canonicalJson } from "../../base/canonical_json.ts";
import { type ArmRun, valueAt } from "../../study/compare/arms.ts";
import type { ClaimPair } from "../../study/compare/pairs.ts";
import type { Claim } from "../../study/schema/claims.ts";

/** Settings that say how much a run trains, on what, and by which examples it is evaluated. */
const ofTheContest = [
  "model",
  "train.epochs",
  "train.steps",
  "train.batchSize",
  "train.trainLimit",
  "train.devLimit",
  "train.maxLength",
  "train.heldOut",
  "train.until",
  "train.keep",
] as const;

/**
 * Settings in which paired runs differ although a comparison of methods would give both the same, with the first two values, such as
 * `train.steps (600 and 60)`. Those that the claim itself names are what it is about.
 */
export function unequalSettings(
  { a, b }: Pick<Claim, "a" | "b">,
  pairs: readonly ClaimPair<ArmRun>[],
): readonly string[] {
  const named = new Set([a, b].flatMap(({ settings = {} }) => Object.keys(settings)));
  return ofTheContest.filter((key) => !named.has(key)).flatMap((key): readonly string[] => {
    const values = pairs.map((pair) =>
      [pair.a, pair.b].map((run) => canonicalJson(valueAt(run, key)))
    );
    const apart = values.find(([ours, theirs]) => ours !== theirs);
    return apart === undefined ? [] : [`${key} (${apart.join(" and ")})`];
  });
}
