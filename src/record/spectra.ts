/**
 * `spectra.json` of a study: what the updates of its finished runs are made of.
 *
 * @module
 */
import * as z from "zod";
import { type Parser, parserOf } from "./parser.ts";

/** The update of one module of a run, s·BA. */
export interface ModuleSpectrum {
  /** `layer.<n>.<part>`. */
  readonly module: string;
  /** The rank that the module held at the selected evaluation, with slots that were merged into its weight. */
  readonly rank: number;
  /** Singular values with the adapter's scale, the largest first; none where the module ended without a rank. */
  readonly values: readonly number[];
  /** Exponential of the entropy of the singular values; 0 for an update of nothing. */
  readonly effectiveRank: number;
  /** Squared Frobenius norm over the squared largest singular value; 0 for an update of nothing. */
  readonly stableRank: number;
  /** Frobenius norm. */
  readonly norm: number;
  /** The norm over that of the frozen weight. */
  readonly relativeNorm: number;
  /** Intruder dimensions among the first singular vectors of the new weight; null where they were not looked for. */
  readonly intruders: number | null;
}

/** The updates of one run. */
export interface RunSpectra {
  /** Id of the run. */
  readonly id: string;
  /** SHA-256 of the file of weights that they were read from. */
  readonly weights: string;
  /** The adapted modules in the encoder's order. */
  readonly modules: readonly ModuleSpectrum[];
}

/** The subspaces of the updates of two runs that differ in their seed alone. */
export interface SpectraOverlap {
  /** Id of the run that comes first in the study. */
  readonly first: string;
  /** Id of the other. */
  readonly second: string;
  /** Modules in which both have an update. */
  readonly modules: readonly {
    readonly module: string;
    /** Overlap of the left singular vectors, the directions that are written to. */
    readonly left: number;
    /** Overlap of the right singular vectors, the directions that are read. */
    readonly right: number;
    /** What the overlaps would be on average if the subspaces were drawn at random. */
    readonly leftChance: number;
    readonly rightChance: number;
  }[];
}

/** A finished run that has no spectra. */
export interface LeftOutRun {
  /** Id of the run. */
  readonly id: string;
  /** Task, method, budget and seed in one line. */
  readonly title: string;
  /** Why it has none, such as weights that are not there. */
  readonly reason: string;
}

/** `spectra.json`. */
export interface StudySpectra {
  /** Version of the file's schema, that of records. */
  readonly schema: number;
  /** Name of the study. */
  readonly study: string;
  /** Singular vectors of the new weight that are looked at for intruders. */
  readonly top: number;
  /** Cosine with all of the old weight's singular vectors below which one of them is an intruder. */
  readonly threshold: number;
  /** One entry a run that was read, in the order of the study. */
  readonly runs: readonly RunSpectra[];
  /** One entry a pair of runs of the same task, method and budget. */
  readonly overlaps: readonly SpectraOverlap[];
  /** Finished runs with ranks that have no spectra. */
  readonly leftOut: readonly LeftOutRun[];
}

const text = z.string();
const count = z.int().min(0);
const positive = z.number().min(0);
const share = positive.max(1);

export const spectra = z.object({
  schema: z.int().min(1),
  study: text,
  top: count,
  threshold: share,
  runs: z.array(z.object({
    id: text,
    weights: text,
    modules: z.array(z.object({
      module: text,
      rank: count,
      values: z.array(positive),
      effectiveRank: positive,
      stableRank: positive,
      norm: positive,
      relativeNorm: positive,
      intruders: count.nullable(),
    })),
  })),
  overlaps: z.array(z.object({
    first: text,
    second: text,
    modules: z.array(z.object({
      module: text,
      left: share,
      right: share,
      leftChance: positive,
      rightChance: positive,
    })),
  })),
  leftOut: z.array(z.object({ id: text, title: text, reason: text })),
});

/**
 * Parses `spectra.json`.
 *
 * @throws {NewerSchemaError} If a newer ranklab wrote it.
 * @throws {RecordFormatError} If a key is missing or holds something else.
 */
export const parseStudySpectra: Parser<StudySpectra> = parserOf(spectra, true);
