/**
 * The study of the campaigns: runs of a tenth of a second, with ranks that move, and many checkpoints.
 *
 * @module
 */
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import { tinyModel, tinyStudy, writeTinyTasks } from "../../tests/runs/tiny_study.ts";

/** What is done to the study. */
export type StudyWork = "sweep" | "ablate" | "verify" | "report";

/** What a child process does: something to the study, or it exports a run, or fetches an encoder into a cache. */
export interface ChildCommand {
  readonly kind: StudyWork | "export" | "fetch";
  /** The folder of the study's data. */
  readonly home: string;
  readonly results: string;
  /** The folder that an export or a cache goes to. Default: none. */
  readonly out?: string;
  readonly jobs: number;
  /** Seconds, or null for the default. */
  readonly leaseTimeout: number | null;
}

/** The folder of the study's encoder. */
export const torturedModel = tinyModel;

/** The study. */
export const torturedStudy: Study = parseStudy({
  ...tinyStudy,
  name: "tortured",
  base: {
    ...tinyStudy.base,
    train: { ...tinyStudy.base?.train, steps: 120, evaluateEvery: 20 },
  },
  axes: { ...tinyStudy.axes, methods: ["lora", "elalora"], seeds: [1, 2, 3] },
});

/** Writes the study's data into a folder. */
export async function writeTorturedData(home: string): Promise<void> {
  await Deno.mkdir(home, { recursive: true });
  await writeTinyTasks(home);
}
