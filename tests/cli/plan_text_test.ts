/** What a plan says of the tuning of its study. */
import { assertEquals } from "@std/assert";
import type { Json } from "../../src/base/canonical_json.ts";
import { hashJson } from "../../src/base/hash.ts";
import { tuningLines } from "../../src/cli/plan_text.ts";
import type { RunSpec } from "../../src/study/types.ts";
import type { Tune } from "../../src/study/schema/tune.ts";
import type { Tuned } from "../../src/study/schema/tuned.ts";

const plan = { choices: 2, trials: 4, search: "grid", runs: 8 } as const;
const tune: Tune = {
  vary: { "train.learningRate": { log: [1e-3, 1e-2] } },
  search: "grid",
  trials: 4,
  seeds: [101],
  heldOut: 0.2,
};
const choice = { name: "lora", metric: "accuracy", values: {}, score: 0.5, trials: [] };
const tuned: Tuned = {
  study: "s",
  hash: hashJson(tune as unknown as Json),
  search: "grid",
  trials: 4,
  seeds: [101],
  heldOut: 0.2,
  seconds: 1,
  runs: 8,
  notBracketed: [],
  best: [{ ...choice, method: "lora", task: "s" }, { ...choice, method: "head", task: "s" }],
};
const run = (label: string, task: string) => ({ label, task, budget: null }) as RunSpec;
const runs = [run("lora", "s"), run("head", "s")];

/** The end of the line, after the size of the tuning. */
const ending = (...[study, planned]: [Parameters<typeof tuningLines>[1], readonly RunSpec[]]) =>
  tuningLines(plan, study, planned)[0]!.replace(
    "Tuning: 4 trials (grid) of each of 2 choices, 8 runs at first",
    "",
  );

Deno.test("a plan says whether a study has the settings of its tuning, for all runs and of this tune block", () => {
  assertEquals(tuningLines(null, {}, runs), []);
  assertEquals(
    ending({ tune }, runs),
    ", by deno task tune; the study does not have its settings yet",
  );
  assertEquals(ending({ tune, tuned }, runs), "; the study has the settings that it chose");
  assertEquals(
    ending({ tune, tuned }, [...runs, run("lora", "t")]),
    "; the study has the settings that it chose, but not for all runs of lora",
  );
  assertEquals(
    ending({ tune: { ...tune, heldOut: 0.1 }, tuned }, runs),
    "; the study has settings that were chosen before its tune block was changed: run deno task tune again",
  );
});
