/**
 * Sweeps the large study, all of whose runs are finished, in a process or worker that starts cold.
 *
 * @module
 */
import { type SweepResult, sweepStudy } from "../src/runs/sweep.ts";
import { largeStudyFile } from "./finished_study.ts";
import { benchResults } from "./setup.ts";

/** What the sweep found. */
export type ResumeResult = Pick<SweepResult, "skipped" | "finished">;

const { skipped, finished } = await sweepStudy(await largeStudyFile(), {
  data: null,
  model: null,
  device: "cpu",
  jobs: null,
  threads: null,
  results: benchResults,
  retryFailed: false,
});
const scope = self as unknown as { postMessage(result: ResumeResult): void };
scope.postMessage({ skipped, finished });
