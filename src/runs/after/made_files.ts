/**
 * Reading what commands made of a study's results: its spectra and its verification.
 *
 * @module
 */
import { isDamage, parseJsonFile } from "../../record/damage.ts";
import { folderReader, outputFolder, type ResultsReader } from "../../record/results_reader.ts";
import type { Parser } from "../../record/parser.ts";
import { parseStudySpectra, type StudySpectra } from "../../record/spectra.ts";
import type { Verification } from "../../record/verification.ts";
import { parseVerification } from "../../record/verification_file.ts";
import type { DamagedFile } from "../../analysis/results.ts";

/** A file that a command made of a study's results, or null where there is none. */
async function readMade<T>(
  reader: ResultsReader,
  name: string,
  parse: Parser<T>,
): Promise<T | null> {
  // What was made of a packed study lies beside it, and is newer than the pack's own.
  const beside = folderReader(outputFolder(reader.path));
  for (const place of [beside, reader]) {
    const bytes = await place.read(name);
    if (bytes === null) continue;
    const path = `${place.path}/${name}`;
    return parse(parseJsonFile(bytes, path), path);
  }
  return null;
}

/** What commands made of a study's results; null where there is none, or one that is damaged. */
export interface MadeFiles {
  readonly verification: Verification | null;
  readonly spectra: StudySpectra | null;
}

/** Told of a file that is left out. */
export type OnDamagedFile = (damaged: DamagedFile) => unknown;

/**
 * What is read of a file, or null where that is damaged, which is told.
 *
 * @param command The one that makes the file.
 */
export async function unlessDamaged<T>(
  { file, command }: Pick<DamagedFile, "file" | "command">,
  reading: Promise<T>,
  onDamage: OnDamagedFile,
): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (!isDamage(error)) throw error;
    await onDamage({ file, command, problem: error.message });
    return null;
  }
}

/** What the last `deno task spectra` of a study found; null where there was none, or it is damaged, which is told. */
export async function readSpectra(
  reader: ResultsReader,
  onDamage: OnDamagedFile,
): Promise<StudySpectra | null> {
  const file = "spectra.json";
  return await unlessDamaged(
    { file, command: "spectra" },
    readMade(reader, file, parseStudySpectra),
    onDamage,
  );
}

/** Reads what commands made of a study's results; what is damaged is told and left out. */
export async function readMadeFiles(
  reader: ResultsReader,
  onDamage: OnDamagedFile,
): Promise<MadeFiles> {
  const file = "verify/verification.json";
  return {
    verification: await unlessDamaged(
      { file, command: "verify" },
      readMade(reader, file, parseVerification),
      onDamage,
    ),
    spectra: await readSpectra(reader, onDamage),
  };
}
