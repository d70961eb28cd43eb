/**
 * The words of a report.
 *
 * @module
 */
import { glossaryHtml } from "../glossary.ts";
import { type Section, text } from "../section.ts";

/** All words with their explanations. */
export const glossary: Section = {
  title: "Glossary",
  blocks: [text(({ labels }) => [glossaryHtml(labels)])],
};
