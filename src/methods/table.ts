/**
 * The methods that studies can name: those that are built in, and those that a study brings.
 *
 * @module
 */
import { checkOwnNames, unknownName } from "../base/suggest.ts";
import { adalora } from "./adalora.ts";
import { alora } from "./alora.ts";
import { beamlora } from "./beamlora.ts";
import { bitfit, full, head } from "./baselines.ts";
import { composed } from "./composed.ts";
import { dora } from "./dora.ts";
import { doraDynamic } from "./dora_dynamic.ts";
import { dylora } from "./dylora.ts";
import { elalora } from "./elalora.ts";
import { eva } from "./eva.ts";
import { gelora } from "./gelora.ts";
import { houlsby } from "./houlsby.ts";
import { lora, lorafa, loraplus } from "./lora.ts";
import type { Method } from "./method.ts";
import { pfeiffer } from "./pfeiffer.ts";
import { pissa } from "./pissa.ts";
import { prilora } from "./prilora.ts";
import { raclora } from "./raclora.ts";
import { sdlora } from "./sdlora.ts";
import { sora } from "./sora.ts";
import { xgblora } from "./xgblora.ts";

/** The methods that a study can name. */
export type MethodTable = readonly Method[];

/** All built-in methods, in the order in which reports show them. */
export const methods: MethodTable = [
  head,
  bitfit,
  full,
  houlsby,
  pfeiffer,
  lora,
  loraplus,
  lorafa,
  pissa,
  dora,
  dylora,
  prilora,
  gelora,
  eva,
  adalora,
  doraDynamic,
  sora,
  alora,
  elalora,
  beamlora,
  raclora,
  xgblora,
  sdlora,
  composed,
];

/**
 * The built-in methods followed by a study's own.
 *
 * @param from What messages call the place of its own methods, for instance the study's file.
 *
 * @throws {RangeError} If a name is that of a built-in method, or given twice.
 */
export function methodTable(own: readonly Method[], from = "methods"): MethodTable {
  const isBuiltIn = (name: string) => methods.some((method) => method.name === name);
  checkOwnNames("method", own, isBuiltIn, from);
  return [...methods, ...own];
}

/**
 * The method of a name.
 *
 * @param table Default: the built-in methods.
 *
 * @throws {RangeError} If there is none; the message lists those that exist.
 */
export function findMethod(name: string, table: MethodTable = methods): Method {
  const method = table.find((candidate) => candidate.name === name);
  if (method === undefined) {
    throw new RangeError(unknownName("method", name, table.map(({ name }) => name)));
  }
  return method;
}
