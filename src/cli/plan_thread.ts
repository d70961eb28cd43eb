/**
 * The thread that plans a study; see `plan.ts`.
 *
 * @module
 */
import { answerThread } from "../base/ask_thread.ts";
import type { Fetching } from "../fetch/model_files.ts";
import { readStudyFile } from "../runs/plan/study_file.ts";
import { fetchRefused, terminalTransport } from "./fetch_report.ts";
import type { PlanAsked } from "./plan.ts";
import { planText } from "./plan_text.ts";

answerThread(async ({ name, options, cache }: PlanAsked): Promise<string> => {
  const fetching: Fetching = {
    cache: () => cache,
    access: (model) => {
      throw fetchRefused(model);
    },
    transport: terminalTransport,
  };
  return await planText(await readStudyFile(name), options, fetching);
});
