/**
 * The thread that plans a study; see `plan.ts`.
 *
 * @module
 */
import { answerThread } from "../base/ask_thread.ts";
import type { Registration } from "../analysis/claims/statement.ts";
import type { Fetching } from "../fetch/model_files.ts";
import { planStudy } from "../runs/plan/planned_study.ts";
import { readStudyFile } from "../runs/plan/study_file.ts";
import { registrationOfPlan } from "../runs/registration.ts";
import { fetchRefused, terminalTransport } from "./fetch_report.ts";
import type { PlanAsked } from "./plan.ts";
import { planText } from "./plan_text.ts";

answerThread(async (
  { name, options, cache, isRegistered }: PlanAsked,
): Promise<string | Registration> => {
  const fetching: Fetching = {
    cache: () => cache,
    access: (model) => {
      throw fetchRefused(model);
    },
    transport: terminalTransport,
  };
  const file = await readStudyFile(name);
  return isRegistered
    ? await registrationOfPlan(await planStudy(file, options, fetching))
    : await planText(file, options, fetching);
});
