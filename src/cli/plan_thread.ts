/**
 * The thread that plans a study; see `plan_apart.ts`.
 *
 * @module
 */
import type { Fetching } from "../fetch/model_files.ts";
import { answerApart } from "../runs/plan/apart.ts";
import { readStudyFile } from "../runs/plan/study_file.ts";
import { fetchRefused, terminalTransport } from "./fetch_report.ts";
import type { PlanAsked } from "./plan.ts";
import { planText } from "./plan_text.ts";

answerApart(async ({ name, options, cache }: PlanAsked): Promise<string> => {
  const fetching: Fetching = {
    cache: () => cache,
    access: (model) => {
      throw fetchRefused(model);
    },
    transport: terminalTransport,
  };
  return await planText(await readStudyFile(name), options, fetching);
});
