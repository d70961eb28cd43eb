/**
 * How a study names an encoder: the grammar of `model`, without any idea of files or networks.
 *
 * @module
 */
import { unknownName } from "../../base/suggest.ts";

/** Encoders that are named by one word. */
export const modelNames: readonly string[] = ["embedded", "embedded-random", "folder"];

type ModelName =
  | { readonly kind: "embedded" | "embedded-random" | "folder" }
  | {
    readonly kind: "hub";
    /** `OWNER/NAME`, or `NAME` alone for the oldest ones. */
    readonly repository: string;
    /** A branch, tag, `refs/pr/N`, or the 40 digits of a commit. */
    readonly revision: string;
  }
  | {
    readonly kind: "wheel";
    readonly path: string;
    /** The folder within the wheel, or null for the only one that holds an encoder. */
    readonly folder: string | null;
  };

const defaultRevision = "main";

const part = "[A-Za-z0-9][A-Za-z0-9_.-]*";

/** What the two long forms look like, as regular expressions; also for the JSON Schema of studies. */
export const modelPatterns = {
  hub: `^hub:(${part}(?:/${part})?)(?:@(${part}(?:/${part})*))?$`,
  wheel: "^wheel:([^#]+)(?:#([^#]+))?$",
} as const;

const hubForm = new RegExp(modelPatterns.hub);

const wheelForm = new RegExp(modelPatterns.wheel);

/**
 * What a study's `model` says, or null where it says nothing that is known.
 *
 * @param text `embedded`, `embedded-random`, `folder`, `hub:OWNER/NAME@REVISION` or `wheel:PATH#FOLDER`; the revision
 * is `main` where it is left out, and `#FOLDER` is needed only in a wheel with several encoders.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseModelName } from "./model_name.ts";
 * assertEquals(parseModelName("hub:FacebookAI/roberta-base"), {
 *   kind: "hub",
 *   repository: "FacebookAI/roberta-base",
 *   revision: "main",
 * });
 * ```
 */
export function parseModelName(text: string): ModelName | null {
  if (text === "embedded" || text === "embedded-random" || text === "folder") return { kind: text };
  const hub = hubForm.exec(text);
  // ".." would leave the cache's folder.
  if (hub !== null && !text.includes("..")) {
    return { kind: "hub", repository: hub[1]!, revision: hub[2] ?? defaultRevision };
  }
  const wheel = wheelForm.exec(text);
  if (wheel !== null) return { kind: "wheel", path: wheel[1]!, folder: wheel[2] ?? null };
  return null;
}

/** The message for a model that {@linkcode parseModelName} does not know. */
export function unknownModel(text: string): string {
  if (text.startsWith("hub:")) {
    return `Unknown model "${text}": want "hub:OWNER/NAME" or "hub:OWNER/NAME@REVISION", ` +
      `such as "hub:FacebookAI/roberta-base@main"`;
  }
  if (text.startsWith("wheel:")) {
    return `Unknown model "${text}": want "wheel:PATH" or "wheel:PATH#FOLDER"`;
  }
  return unknownName("model", text, [...modelNames, "hub:OWNER/NAME", "wheel:PATH"]);
}

/**
 * What is wrong with a place of an encoder that is given beside runs; null where some of them take their encoder from there.
 *
 * @param given The folder, wheel or `hub:` name, or null.
 * @param names What the runs say of their encoders.
 */
export function problemOfGivenModel(given: string | null, names: readonly string[]): string | null {
  if (given === null || names.length === 0 || names.includes("folder")) return null;
  const stated = [...new Set(names)].map((name) => `"${name}"`).join(", ");
  return `found "${given}", but no run reads it, since the encoder is stated as ${stated}; wanted "folder" there, or none ` +
    "in the study, or no other one beside it";
}

/** What is said where runs take their encoder from a place that is given beside a study that states none. */
export function givenModelText(given: string): string {
  return `Encoder: ${given}, as given by --model, since the study states none`;
}
