/** Types that are published are written out; here the compiler sees that they are those of their validators. */
import type { z } from "zod";

/** A type whose keys are all there and readonly, at every depth: a key that only one of two types has tells them apart. */
type Whole<T> = [z.core.util.JSONType] extends [T] ? "any JSON"
  : { readonly [K in keyof T]-?: Whole<T[K]> };

/** The output of a validator, if it is the type. */
export type Same<T, S extends z.ZodType> = [Whole<T>, Whole<z.output<S>>] extends
  [Whole<z.output<S>>, Whole<T>] ? true : false;
