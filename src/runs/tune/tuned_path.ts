/**
 * Where a tuning lies: its trials, and the file with the chosen settings.
 *
 * @module
 */

/** The results folder of a study's trials. */
export function tuningFolder(results: string, study: string): string {
  return `${results}/${study}/tuning`;
}

/** The name of the file with the chosen settings. */
export const tunedFileName = "tuned.json";

/** The file with the chosen settings of a study. */
export function tunedPath(results: string, study: string): string {
  return `${tuningFolder(results, study)}/${tunedFileName}`;
}
