/** Runs of EVA: measured before they train, recorded, repeated and stopped. */
import { assert, assertEquals } from "@std/assert";
import { readSafetensors } from "../../src/models/safetensors.ts";
import type { RunRecord } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { assertCountsAsPlanned } from "./counts_as_planned.ts";
import { assertRepeats, withSwept } from "./tiny_study.ts";

const train = { steps: 3, batchSize: 8, maxLength: 12, evaluateEpochs: false, devLimit: 40 };
const study = parseStudy({
  name: "eva",
  base: { model: "folder", train },
  axes: {
    tasks: ["Genre"],
    methods: [{ method: "eva", options: { examples: 100 } }],
    budgets: [3, { parameters: 3000 }],
    seeds: [1, 2],
  },
});

interface Ended {
  readonly folder: string;
  readonly record: RunRecord;
}

function endedIn(folder: string): readonly Ended[] {
  return [...Deno.readDirSync(folder)].filter(({ name }) => name.startsWith("Genre"))
    .map(({ name }) => ({
      folder: `${folder}/${name}`,
      record: JSON.parse(Deno.readTextFileSync(`${folder}/${name}/record.json`)),
    }));
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

Deno.test("EVA's ranks follow from what is recorded of the inputs, the same for all seeds and when repeated", async (t) => {
  await withSwept(async ({ folder, home }) => {
    const ended = endedIn(folder);
    assertEquals(ended.length, 4);

    await t.step("ranks sum to the budget, and differ where directions explain more", () => {
      const byBudget = Map.groupBy(ended, ({ record }) => record.asked.budget!.type);
      for (const [type, runs] of byBudget) {
        const [one, two] = runs.map(({ record: { happened } }) => happened) as [
          RunRecord["happened"],
          RunRecord["happened"],
        ];
        assertEquals(one.initialRanks, two.initialRanks);
        assertEquals(one.estimate!.explained, two.estimate!.explained);
        const ranks = Object.entries(one.initialRanks!);
        if (type === "rank") assertEquals(sumOf(ranks.map(([, rank]) => rank)), 3 * ranks.length);
        else assert(one.budget!.peak <= 3000 && one.budget!.peak > 2900, `${one.budget!.peak}`);
        assert(new Set(ranks.map(([, rank]) => rank)).size > 1);
        // What got a rank explains at least as much as what did not, where all cost the same.
        const { explained } = one.estimate!;
        const given = ranks.flatMap(([name, rank]) => explained![name]!.slice(0, rank));
        const others = ranks.flatMap(([name, rank]) => explained![name]!.slice(rank));
        if (type === "rank") assert(Math.min(...given) >= Math.max(...others));
        assertEquals(one.estimate!.dimensions, []);
      }
    });

    await t.step(
      "A has the measured directions for all seeds: after few steps they are hardly changed",
      () => {
        const [one, two] = ended.filter(({ record }) => record.asked.budget!.type === "rank");
        const [module] = Object.entries(one!.record.happened.initialRanks!)
          .find(([, rank]) => rank > 0)!;
        const rowOf = ({ folder }: Ended) => {
          const path = `${folder}/adapter.safetensors`;
          const { tensors } = readSafetensors(Deno.readFileSync(path), path);
          const { data, shape } = tensors.get(`${module}.A`)!;
          return Array.from({ length: shape[1]! }, (_, i) => Number(data[i]));
        };
        const [a, b] = [rowOf(one!), rowOf(two!)];
        const dot = (x: readonly number[], y: readonly number[]) =>
          sumOf(x.map((value, i) => value * y[i]!));
        assert(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)) > 0.99);
      },
    );

    await t.step("the plan bounded the parameters", async () => {
      await assertCountsAsPlanned(study, home, folder);
    });

    await t.step("a repeated run has the same ranks and losses", async () => {
      await assertRepeats(folder, 4, { tolerance: 1e-6 });
    });
  }, study);
});
