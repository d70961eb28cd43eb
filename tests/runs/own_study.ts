/**
 * A study module with a method of its own: LoRA written out again, so that the built-in LoRA says what it must compute.
 *
 * @module
 */
import { readStudyFile } from "../../src/runs/plan/study_file.ts";
import { type SweepOptions, type SweepResult, sweepStudy } from "../../src/runs/sweep.ts";
import { inHome, sweepOptions, tinyStudy } from "./tiny_study.ts";

/** The file of the method; `own` is its name. */
export const methodText = `
import { defineMethod } from "@ranklab/ranklab";
import { mul } from "@ranklab/ranklab/graph";
import * as z from "zod";
import { alpha } from "./numbers.ts";

export const own = defineMethod({
  name: "own",
  title: "Own",
  source: "this test",
  version: 1,
  options: z.strictObject({ alpha: z.number().positive().default(alpha) }),
  bind: ({ alpha }) => ({
    adapter: {
      parts: [
        {
          name: "A",
          rowLength: ({ inSize }) => inSize,
          initial: ({ inSize }) => ({ type: "uniform", bound: 1 / Math.sqrt(inSize) }),
        },
        {
          name: "B",
          rowLength: ({ outSize }) => outSize,
          initial: () => ({ type: "constant", value: 0 }),
        },
      ],
      prepare: ({ A, B }, scale) => ({ A: mul(A!, scale), B: B! }),
      scale: (rank) => alpha / rank,
    },
  }),
});
`;

/** The study: LoRA and the method of its own, with two seeds. */
export const studyText = `
import { defineStudy } from "@ranklab/ranklab";
import { own } from "./own.ts";

export const methods = [own];
export default defineStudy(${
  JSON.stringify({
    ...tinyStudy,
    name: "with-own",
    deltas: [],
    axes: { ...tinyStudy.axes, methods: ["lora", "own"], seeds: [1, 2] },
  })
});
`;

/** Files of the study by name. */
export type OwnFiles = Readonly<Record<string, string>>;

/** The files as they are. */
export const ownFiles: OwnFiles = {
  "study.ts": studyText,
  "own.ts": methodText,
  "numbers.ts": "export const alpha = 16;\n",
};

/** Calls `check` with a folder that holds the study, its files changed as given, and removes the folder afterwards. */
export function withOwnStudy(
  check: (home: string) => Promise<void>,
  changed: OwnFiles = {},
): Promise<void> {
  return inHome(check, { ...ownFiles, ...changed });
}

/** Sweeps the study module in a folder by two workers. */
export async function sweepModule(home: string, options: SweepOptions = {}): Promise<SweepResult> {
  const place = { jobs: 2, results: `${home}/results` };
  return await sweepStudy(await readStudyFile(`${home}/study.ts`), {
    ...sweepOptions,
    ...place,
    ...options,
  });
}
