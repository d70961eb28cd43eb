/** The finished studies of the repository, packed or as folders. */
import { targetModules } from "../../src/models/config.ts";
import { parseConfig } from "../../src/models/architectures.ts";
import { embeddedModelFolder } from "../../src/models/sources.ts";
import type { RunRecord } from "../../src/record/types.ts";
import type { ModuleShape } from "../../src/study/types.ts";
import { encoderModules } from "../study/tables.ts";
import { openResults, type ResultsReader } from "../../src/record/results_reader.ts";
import { findResults } from "../../src/runs/plan/study_file.ts";
import { readStoredStudy, type StoredStudy } from "../../src/runs/stored_study.ts";

/** Where they are. */
export const publishedFolder = decodeURIComponent(
  new URL("../../results/published", import.meta.url).pathname,
);

/** The names of the studies, in order. A folder that holds only what a report left beside a pack counts once. */
export async function publishedStudies(): Promise<readonly string[]> {
  const names = new Set<string>();
  for await (const { name } of Deno.readDir(publishedFolder)) {
    if (name !== "README.md") names.add(name.replace(/\.ranklab\.zip$/, ""));
  }
  return [...names].sort();
}

/** A study's plan, and a reader of its files. */
export async function readPublished(
  name: string,
): Promise<{ readonly stored: StoredStudy; readonly reader: ResultsReader }> {
  const reader = await openResults(await findResults(name, publishedFolder));
  return { stored: await readStoredStudy(reader), reader };
}

/** Embedded encoders that ranklab had before, by the hash of their weights. */
const earlierEncoders: Readonly<Record<string, readonly ModuleShape[]>> = {
  "96a6e5f34357aa01d289054cf3eb6555d697fbf26021f2a736f7d91d62585d89": encoderModules(4, 128, 512),
};

/** The modules of the encoder that a published run was trained on: an embedded one, or MiniLM-L6. */
export async function modulesOf({ asked, where }: RunRecord): Promise<readonly ModuleShape[]> {
  const { model } = (asked.run as { readonly settings: { readonly model: string } }).settings;
  if (model !== "embedded") return encoderModules(6, 384, 1536);
  const earlier = earlierEncoders[where.hashes.weights];
  if (earlier !== undefined) return earlier;
  const config = await Deno.readTextFile(new URL("config.json", embeddedModelFolder));
  return targetModules(parseConfig(config, "config.json"));
}
