/** Runs that end at a plateau, from their study to their record. */
import { csvRows } from "../../src/report/table.ts";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { convergenceOf } from "../../src/analysis/run_convergence.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { planTextIn, scoredStudy, withSwept } from "./tiny_study.ts";
import { tableOf } from "../report/table_of.ts";

Deno.test("a run ends at its plateau or at its cap, and its record says which", async () => {
  const study = parseStudy({
    ...scoredStudy,
    base: {
      ...scoredStudy.base,
      train: {
        ...scoredStudy.base!.train,
        evaluateEvery: 2,
        schedule: "constant",
        until: { plateau: { heldOut: 0.25, patience: 2, leastGain: 0 } },
      },
    },
    // Seed 1 learns next to nothing; seed 2 rises, and has more patience.
    deltas: [
      { when: { seed: 1 }, set: { train: { until: { plateau: { leastGain: 0.5 } } } } },
      { when: { seed: 2 }, set: { train: { until: { plateau: { patience: 5 } } } } },
    ],
    axes: { tasks: ["Numbers"], methods: ["head"], seeds: [1, 2] },
  });
  await withSwept(async ({ folder, home }) => {
    const plan = await planTextIn(home, study);
    assertStringIncludes(plan, "≤ 14");
    assertStringIncludes(plan, "≤ n: the run ends where its score on held-out examples");
    const results = await readStudyResults(folder);
    assertEquals(
      csvRows(tableOf(results, "settings")).map((row) => String(row["setting"]))
        .filter((name) => /ends before/.test(name)).length > 0,
      true,
    );
    const { runs } = results;
    assertEquals(
      runs.map(({ record: { happened } }) => [happened.ended, happened.steps]),
      [["plateau", 6], ["cap", 14]],
    );
    assertEquals(convergenceOf(runs[0]!).state, "converged");
    for (const { record: { happened }, evaluations, steps } of runs) {
      assertEquals([steps.length, happened.last!.step], [happened.steps, happened.steps]);
      // The dev set counts; the held-out share is evaluated besides.
      assertEquals(happened.last!.split, "dev");
      assertEquals(happened.others.map(({ split }) => split), ["held_out"]);
      const { splits, train } = happened.examples!;
      assertEquals(splits["held_out"], Math.round(0.25 * train));
      assertEquals([...new Set(evaluations.map(({ split }) => split))], ["dev", "held_out"]);
    }
  }, study);
});
