/**
 * Sweeps the large study, all of whose runs are finished, in a worker that starts cold.
 *
 * @module
 */
import { answerThread } from "../src/base/ask_thread.ts";
import { type SweepResult, sweepStudy } from "../src/runs/sweep.ts";
import { largeStudyFile } from "./finished_study.ts";
import { benchResults } from "./setup.ts";

/** What the sweep found. */
export type ResumeResult = Pick<SweepResult, "skipped" | "finished">;

answerThread(async (): Promise<ResumeResult> => {
  const { skipped, finished } = await sweepStudy(await largeStudyFile(), {
    data: null,
    model: null,
    device: "cpu",
    jobs: null,
    threads: null,
    results: benchResults,
    retryFailed: false,
  });
  return { skipped, finished };
});
