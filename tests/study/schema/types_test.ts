/** The types that are published are written out; here the compiler sees that they are those of the validators. */
import type { Same } from "../../same_type.ts";
import type {
  Arm,
  armSchema,
  comparisonsSchema,
  StudyComparison,
} from "../../../src/study/compare/arms.ts";
import type {
  Claim,
  claimsSchema,
  Decide,
  decideSchema,
  marginSchema,
  StudyMargin,
} from "../../../src/study/schema/claims.ts";
import type { conditionSchema, DeltaCondition } from "../../../src/study/schema/conditions.ts";
import type {
  PartialSettings,
  partialSettingsSchema,
  Settings,
  settingsSchema,
} from "../../../src/study/schema/settings.ts";
import type {
  ConvergenceRule,
  convergenceSchema,
  Study,
  StudyPart,
  studyPartSchema,
  studySchema,
} from "../../../src/study/schema/study.ts";
import type { Tune, tuneSchema } from "../../../src/study/schema/tune.ts";
import type { Tuned, tunedSchema } from "../../../src/study/schema/tuned.ts";

Deno.test("types are those of their validators", () => {
  true satisfies Same<Settings, typeof settingsSchema>;
  true satisfies Same<PartialSettings, typeof partialSettingsSchema>;
  true satisfies Same<DeltaCondition, ReturnType<typeof conditionSchema>>;
  true satisfies Same<Arm, typeof armSchema>;
  true satisfies Same<readonly StudyComparison[], typeof comparisonsSchema>;
  true satisfies Same<readonly Claim[], typeof claimsSchema>;
  true satisfies Same<StudyMargin, typeof marginSchema>;
  true satisfies Same<Decide, typeof decideSchema>;
  true satisfies Same<Partial<ConvergenceRule>, typeof convergenceSchema>;
  true satisfies Same<Tune, typeof tuneSchema>;
  true satisfies Same<Tuned, typeof tunedSchema>;
  true satisfies Same<Study, typeof studySchema>;
  true satisfies Same<StudyPart, typeof studyPartSchema>;
  // @ts-expect-error: a key of one of them alone is seen.
  true satisfies Same<Omit<Decide, "level">, typeof decideSchema>;
});
