/**
 * Validators of objects whose keys are known: closed, with keys that may be left out, and with defaults.
 *
 * @module
 */
import { z } from "zod";
import { unknownName } from "../../base/suggest.ts";

/**
 * An object without any other keys: a further one is an error that lists the known keys and the closest.
 *
 * @param shape The validators of its keys.
 */
export function closed<S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? (issue.keys as string[]).map((key) => unknownName("key", key, known)).join("; ")
        : undefined,
  });
}

/** The same keys, each of which may be left out. */
export function optionalKeys<S extends z.ZodRawShape>(shape: S) {
  return Object.fromEntries(
    Object.entries(shape).map(([key, schema]) => [key, z.exactOptional(schema)]),
  ) as { [K in keyof S]: z.ZodExactOptional<S[K]> };
}

/** A setting with its default, which its description says too. */
export function setting<S extends z.ZodType>(
  schema: S,
  usual: z.util.NoUndefined<z.output<S>>,
  text: string,
): z.ZodDefault<S> {
  return schema.describe(`${text}; default ${usual}`).default(usual);
}

type Defaulted = Readonly<Record<string, z.ZodDefault<z.ZodType>>>;

export function requiredKeys<S extends Defaulted>(shape: S) {
  return Object.fromEntries(
    Object.entries(shape).map(([key, schema]) => [key, schema.unwrap()]),
  ) as { [K in keyof S]: ReturnType<S[K]["unwrap"]> };
}

export const optionalOf = <S extends Defaulted>(shape: S) => optionalKeys(requiredKeys(shape));

export const defaultsOf = <S extends Defaulted>(shape: S) => z.object(shape).parse({});

/** One value or a list of values, any of which matches. */
export type OneOrMore<T> = T | readonly T[];

/** A validator of one value or a list of values. */
export function oneOrMore<T>(item: z.ZodType<T>): z.ZodType<OneOrMore<T>> {
  return z.union([item, z.array(item).min(1)]);
}

/** A value or a list of values as a list. */
export function toList<T>(value: OneOrMore<T>): readonly T[] {
  return Array.isArray(value) ? value : [value as T];
}
