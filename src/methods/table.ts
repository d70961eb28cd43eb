/**
 * The methods that studies can name.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { adalora } from "./adalora.ts";
import { bitfit, full, head } from "./baselines.ts";
import { elalora } from "./elalora.ts";
import { lora } from "./lora.ts";
import type { Method } from "./method.ts";

/** All methods, in the order in which reports show them. */
export const methods: readonly Method[] = [head, bitfit, full, lora, adalora, elalora];

/**
 * The method of a name.
 *
 * @throws {RangeError} If there is none; the message lists those that exist.
 */
export function findMethod(name: string): Method {
  const method = methods.find((candidate) => candidate.name === name);
  if (method === undefined) {
    throw new RangeError(unknownName("method", name, methods.map(({ name }) => name)));
  }
  return method;
}
