/** A study with an axis of settings, swept: what records say, and what becomes of runs that were there before. */
import { assertEquals } from "@std/assert";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import { inHome, sweepIn, tinyStudy } from "./tiny_study.ts";

Deno.test("an axis of settings takes over runs that a delta asked for, and records what it varies", async () => {
  return await inHome(async (home) => {
    const sweep = async (study: Study) => {
      const { finished, skipped, folder } = await sweepIn(home, study);
      const { runs } = await readStudyResults(folder);
      const asked = runs.map((
        { record: { asked: { label, arm, varied } } },
      ) => [label, arm, varied]);
      return { finished, skipped, asked };
    };
    const train = { ...tinyStudy.base?.train, steps: 2, learningRate: 0.01 };
    const base = { ...tinyStudy.base, train };
    const { deltas: _deltas, ...rest } = tinyStudy;
    const study = (axes: Partial<Study["axes"]>) =>
      parseStudy({ ...rest, base, axes: { ...tinyStudy.axes, methods: ["head"], ...axes } });
    const before = await sweep(study({}));
    assertEquals(before, { finished: 1, skipped: 0, asked: [["head", undefined, undefined]] });
    const after = await sweep(study({ settings: { "train.learningRate": [0.01, 0.02] } }));
    assertEquals(after, {
      finished: 1,
      skipped: 1,
      asked: [0.01, 0.02].map((rate) => [
        `head learningRate=${rate}`,
        "head",
        { "train.learningRate": rate },
      ]),
    });
    // Without the axis the runs are called what they were.
    assertEquals(await sweep(study({})), { ...before, finished: 0, skipped: 1 });
  });
});
