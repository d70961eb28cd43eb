import { assert, assertEquals } from "@std/assert";
import { methods } from "../../src/methods/table.ts";
import { expand, planRuns } from "../../src/runs/planning.ts";
import { parseStudy } from "../../src/study/study.ts";

Deno.test("the ranks of a run are solved once while its study is planned", async () => {
  let solved = 0;
  const counting = methods.map((method) => ({
    ...method,
    rankWeights: (...asked: Parameters<typeof method.rankWeights>) => {
      solved++;
      return method.rankWeights(...asked);
    },
  }));
  const study = parseStudy({
    name: "planned",
    base: { train: { steps: 40 } },
    axes: { tasks: ["Topic"], methods: ["head", "lora", "elalora"], budgets: [2, 4], seeds: [1] },
  });
  const folders = { data: null, model: null, study: "." };
  const { runs } = await planRuns(study, expand(study, counting), folders, counting);
  assertEquals(runs.map(({ plan }) => plan === null), [true, false, false, false, false]);
  assert(runs.every(({ plan, modules }) => (plan?.initial ?? []).length === modules.length));
  assertEquals(solved, 4);
});
