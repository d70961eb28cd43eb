/**
 * Fields that a method may state: a misspelt one would be taken for one that is left out, and its default be used.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import type {
  Adapter,
  AdapterPolicy,
  BottleneckAdapter,
  StepRules,
  StorageRules,
  WeightAdapter,
} from "./adapter.ts";

/** Names as the keys of an object, so that the compiler counts them. */
export type Names<Fields> = Readonly<Record<keyof Required<Fields>, true>>;

const adapter: Names<WeightAdapter & BottleneckAdapter> = {
  parts: true,
  prepare: true,
  scale: true,
  start: true,
  place: true,
  nonlinearity: true,
  step: true,
  policy: true,
  storage: true,
};

const step: Names<StepRules> = {
  regulariser: true,
  after: true,
  feeds: true,
  learningRate: true,
  rateFactor: true,
};

const policy: Names<AdapterPolicy> = {
  rule: true,
  kind: true,
  scores: true,
  growth: true,
  capacity: true,
  inputNormDecay: true,
};

const storage: Names<StorageRules> = { costs: true, isSparse: true, truncation: true };

/**
 * Checks that a method states no field that is not known.
 *
 * @param name The method's name.
 * @param what What the fields are of, for the message.
 * @throws {RangeError} Naming the first such field, with those that are known.
 */
export function checkFields(
  name: string,
  what: string,
  stated: object | null | undefined,
  known: Readonly<Record<string, true>>,
): void {
  const wrong = Object.keys(stated ?? {}).find((field) => !Object.hasOwn(known, field));
  if (wrong === undefined) return;
  throw new RangeError(
    `Cannot use method "${name}": ${unknownName(`field of ${what}`, wrong, Object.keys(known))}`,
  );
}

/**
 * Checks the fields of an adapter and of its groups.
 *
 * @throws {RangeError} As {@linkcode checkFields}.
 */
export function checkAdapterFields(name: string, stated: Adapter): void {
  checkFields(name, "its adapter", stated, adapter);
  checkFields(name, "its step", stated.step, step);
  checkFields(name, "its policy", stated.policy, policy);
  checkFields(name, "its storage", stated.storage, storage);
}
