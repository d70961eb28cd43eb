/** The golden traces of the authors' allocators, whole and changed in one place. */
import { assert } from "@std/assert";

export const names = ["elalora_trace_a", "elalora_trace_b", "adalora_trace_a", "adalora_trace_b"];

/** Where a trace lies. */
export function pathOf(name: string): string {
  return decodeURIComponent(new URL(`../../golden/${name}.json`, import.meta.url).pathname);
}

export function load(name: string): unknown {
  return JSON.parse(Deno.readTextFileSync(pathOf(name)));
}

/** What a number or a list becomes. */
export type Change = (value: unknown) => unknown;

export const times = (factor: number): Change => (value) => Number(value) * factor;
export const plus = (amount: number): Change => (value) => Number(value) + amount;
export const become = (replacement: unknown): Change => () => replacement;
export const remove = become(undefined);
export const shorten: Change = (value) => (value as unknown[]).slice(0, -1);

/** The trace with the value at a path (`steps/4/loss`) changed, or removed where the change gives undefined. */
export function edited(name: string, path: string, change: Change): unknown {
  const json = load(name);
  const keys = path.split("/");
  const last = keys.pop()!;
  type Place = Record<string, unknown>;
  const owner = keys.reduce((at, key) => (at as Place)[key], json) as Place;
  assert(last in owner, path);
  const value = change(owner[last]);
  if (value === undefined) delete owner[last];
  else owner[last] = value;
  return json;
}
