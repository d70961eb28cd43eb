/**
 * The words of a report.
 *
 * @module
 */
import { glossaryHtml } from "../glossary.ts";
import { prose, type Section } from "../section.ts";

/** All words with their explanations. */
export const glossary: Section = {
  title: "Glossary",
  blocks: [prose(({ labels }) => [glossaryHtml(labels)])],
};
