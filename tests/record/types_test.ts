/** The types of records are written out; here the compiler sees that they are those of their parsers. */
import type { Same } from "../same_type.ts";
import type * as schema from "../../src/record/schema.ts";
import type { spectra, StudySpectra } from "../../src/record/spectra.ts";
import type * as types from "../../src/record/types.ts";
import type { Verification, verification } from "../../src/record/verification.ts";

Deno.test("types of records are those of their parsers: no key of a file is dropped", () => {
  true satisfies Same<types.RunRecord, typeof schema.runRecord>;
  true satisfies Same<types.RunState, typeof schema.runState>;
  true satisfies Same<types.StepLine, typeof schema.stepLine>;
  true satisfies Same<types.EvaluationLine, typeof schema.evaluationLine>;
  true satisfies Same<types.RankLine, typeof schema.rankLine>;
  true satisfies Same<types.ImportanceLine, typeof schema.importanceLine>;
  true satisfies Same<types.PredictionLine, typeof schema.predictionLine>;
  true satisfies Same<types.SlotScoresFile, typeof schema.slotScores>;
  true satisfies Same<types.RunAblation, typeof schema.runAblation>;
  true satisfies Same<StudySpectra, typeof spectra>;
  true satisfies Same<Verification, typeof verification>;
});
