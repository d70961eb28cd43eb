/**
 * Builds the tasks that ranklab ships from the corpora.
 *
 * @module
 */
import { RandomStream } from "../../src/base/random.ts";
import { chapterDocument } from "./corpora/books.ts";
import type { Corpora } from "./corpora/corpora.ts";
import { buildAcceptability } from "./task_sources/acceptability.ts";
import { buildYearsApart } from "./task_sources/addresses.ts";
import { buildTopic } from "./task_sources/definitions.ts";
import { buildGenre } from "./task_sources/genre.ts";
import { buildKindOf, buildRelated } from "./task_sources/relations.ts";
import type { BuiltTask } from "./task_sources/rows.ts";

/** The seed of the committed files. */
export const embeddedTasksSeed = 2026;

/**
 * All embedded tasks, the same for the same corpora and seed.
 *
 * @throws {RangeError} If the corpora are too small for a task.
 */
export function buildEmbeddedTasks(
  { synsets, chapters, factbook, sotu }: Corpora,
  seed: number = embeddedTasksSeed,
): BuiltTask[] {
  const random = (name: string) => RandomStream.fromSeed(seed).fork("tasks").fork(name);
  return [
    buildAcceptability(
      [...chapters.map(chapterDocument), ...factbook, ...sotu],
      { train: 3000, dev: 600 },
      random("Acceptability"),
    ),
    buildGenre(chapters, { train: 1500, dev: 480 }, random("Genre")),
    buildTopic(synsets, { train: 1600, dev: 512 }, random("Topic")),
    buildYearsApart(sotu, { train: 1500, dev: 360 }, random("YearsApart")),
    buildRelated(synsets, { train: 2500, dev: 500 }, random("Related")),
    buildKindOf(synsets, { train: 3600, dev: 600 }, random("KindOf")),
  ];
}
