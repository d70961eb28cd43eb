/** Sweeps whose runs hold random streams: which runs are the same, and what their ids and labels are. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { inHome, planIn, sweepIn, tinyStudy } from "./tiny_study.ts";

const train = { ...tinyStudy.base?.train, steps: 2 };
const { deltas: _deltas, ...rest } = tinyStudy;

Deno.test("runs of two seeds that hold all streams are equal, and are two runs", async () => {
  await inHome(async (home) => {
    const seeds = { init: 1, order: 1, dropout: 1 };
    const study = parseStudy({
      ...rest,
      base: { ...tinyStudy.base, train },
      deltas: [{ when: { seed: 2 }, set: { train: { seeds } } }],
      axes: { ...tinyStudy.axes, methods: ["lora"], seeds: [1, 2, 3] },
    });
    const { folder } = await sweepIn(home, study);
    const { runs } = await readStudyResults(folder);
    assertEquals(new Set(runs.map(({ record: { id } }) => id)).size, 3);
    const [own, held, other] = [1, 2, 3].map((seed) => {
      const { record, evaluations, predictions } = runs.find(({ record }) =>
        record.asked.seed === seed
      )!;
      return {
        losses: evaluations.map(({ loss }) => loss),
        last: record.happened.last,
        predictions,
      };
    });
    assertEquals(held, own);
    assertNotEquals(other!.losses, own!.losses);
  });
});

Deno.test("an axis of a stream's seed names the runs, and null is the run of before", async () => {
  await inHome(async (home) => {
    const study = (settings: Record<string, readonly unknown[]>) =>
      parseStudy({
        ...rest,
        base: { ...tinyStudy.base, train },
        axes: {
          ...tinyStudy.axes,
          methods: ["lora"],
          ...(Object.keys(settings).length === 0 ? {} : { settings }),
        },
      });
    const runsOf = async (settings: Record<string, readonly unknown[]>) =>
      (await planIn(home, study(settings))).runs.map(({ run, id }) => ({ label: run.label, id }));
    const [before] = await runsOf({});
    const varied = await runsOf({ "train.seeds.order": [null, 0, 7] });
    assertEquals(varied.map(({ label }) => label), [
      "lora order=null",
      "lora order=0",
      "lora order=7",
    ]);
    assertEquals(varied[0]!.id, before!.id);
    assertEquals(new Set(varied.map(({ id }) => id)).size, 3);
  });
});
