/**
 * The weights that a finished run stored: `adapter.safetensors` of its end, `best.safetensors` of its best evaluation.
 *
 * @module
 */
import { parseJson } from "../base/read_json.ts";
import type { SlotRef } from "../methods/rank_actions.ts";
import { readSafetensors, type StoredTensor } from "../models/safetensors.ts";
import { slotRefs } from "./checkpoint_file.ts";
import { checkPrint } from "./damage.ts";
import { parserOf } from "./parser.ts";
import type { ResultsReader } from "./results_reader.ts";
import type { RunRecord } from "./types.ts";

/** What a file of a run's weights holds. */
export interface WeightsFile {
  /** Parts of adapters by `<module>.<part>`, and parameters that were trained whole. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Id of the run; undefined where the file does not say. */
  readonly run: string | undefined;
  /** Steps done when the weights were these; undefined where the file does not say. */
  readonly step: string | undefined;
  /** Slots that were masked then. */
  readonly off: readonly SlotRef[];
}

const parseOff = parserOf(slotRefs, false);

/**
 * Reads a run's weights.
 *
 * @param path How errors name the file.
 *
 * @throws {InputError} If the file is damaged, or none of weights.
 */
export function readWeightsFile(bytes: Uint8Array, path: string): WeightsFile {
  const { tensors, metadata: { run, step, off = "[]" } } = readSafetensors(bytes, path);
  const place = 'the key "off" of its header';
  return { tensors, run, step, off: parseOff(parseJson(off, path, { place }), path) };
}

const weightsSuffix = ".safetensors";

/** Whether a file is one of weights, by its name. */
export function isWeights(path: string): boolean {
  return path.endsWith(weightsSuffix);
}

/**
 * Checks that a run's weights are those that its record has the hashes of. They may be missing, as in published studies.
 *
 * @throws {DamagedFileError} If they are others.
 */
export async function checkWeights(
  run: ResultsReader,
  { files = {} }: Pick<RunRecord, "files">,
): Promise<void> {
  for (const [name, print] of Object.entries(files)) {
    const bytes = isWeights(name) ? await run.read(name) : null;
    if (bytes !== null) await checkPrint(`${run.path}/${name}`, bytes, print);
  }
}
