/**
 * Numbers as people read them.
 *
 * @module
 */

/** What stands where there is no value. */
export const nothing = "–";

const minus = (text: string): string => text.replace(/^-/, "−");

/** A number with fixed decimals, a true minus sign, and a dash for null, undefined and NaN. */
export function fixed(value: unknown, decimals: number): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return nothing;
  const text = value.toFixed(decimals);
  return minus(Number(text) === 0 ? text.replace("-", "") : text);
}

/** Like {@linkcode fixed}, with a plus sign before positive numbers. */
export function signed(value: unknown, decimals: number): string {
  const text = fixed(value, decimals);
  return text !== nothing && Number((value as number).toFixed(decimals)) > 0 ? `+${text}` : text;
}

/** A number with about `digits` significant digits, large ones grouped by thousands. */
export function significant(value: unknown, digits = 3): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return nothing;
  const rounded = Number(value.toPrecision(digits));
  return Math.abs(rounded) >= 10 ** digits ? whole(value) : minus(String(rounded));
}

/** A whole number grouped by thousands. */
export function whole(value: unknown): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return nothing;
  return minus(Math.round(value).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ","));
}

/** A duration given in milliseconds. */
export function duration(millis: unknown): string {
  if (typeof millis !== "number" || !Number.isFinite(millis)) return nothing;
  const seconds = millis / 1000;
  if (seconds < 60) return `${significant(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** An interval such as `[−0.31, 1.20]`, or a dash. */
export function interval(low: unknown, high: unknown, decimals: number): string {
  if (typeof low !== "number" || typeof high !== "number") return nothing;
  return `[${fixed(low, decimals)}, ${fixed(high, decimals)}]`;
}

/** `1 run`, `2 runs`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

/** A p-value: two significant digits, none below a thousandth. */
export function chance(p: unknown): string {
  if (typeof p !== "number" || !Number.isFinite(p)) return nothing;
  return p < 0.001 ? "< 0.001" : fixed(p, p < 0.1 ? 3 : 2);
}

/** Names that a list spells out; the others are counted. */
const mostNamed = 5;

/** `A, B and C`, whatever their number. */
export function joined(parts: readonly string[], word = "and"): string {
  return parts.length < 2
    ? parts.join("")
    : `${parts.slice(0, -1).join(", ")} ${word} ${parts[parts.length - 1]}`;
}

/** `A, B and C`; of more than six the first five and `3 others`. */
export function listed(names: readonly string[], word = "and"): string {
  const shown = names.length > mostNamed + 1 ? names.slice(0, mostNamed) : names;
  const rest = names.length - shown.length;
  return joined(rest > 0 ? [...shown, `${whole(rest)} others`] : shown, word);
}

/** An interval in a sentence, such as `95% interval −0.31 to 1.20`; empty where it is not known. */
export function intervalWords(low: number | null, high: number | null, decimals: number): string {
  return low === null || high === null
    ? ""
    : `95% interval ${fixed(low, decimals)} to ${fixed(high, decimals)}`;
}

/** The texts that there are; `false`, null and an empty one stand for none. */
export function said(...texts: readonly (string | false | null)[]): readonly string[] {
  return texts.flatMap((text) => text || []);
}
