/** Adapters that are cut to fewer ranks: `deno task ablate` evaluates them, and `deno task export --rank` writes them. */
import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { ablateStudy } from "../../src/runs/after/ablate.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { evaluateModel, importAdapter } from "../../src/runs/share/imported_model.ts";
import { trainingRequest } from "../../src/runs/training_request.ts";
import { planRecorded } from "../../src/runs/after/recorded_run.ts";
import { readStoredStudy } from "../../src/runs/stored_study.ts";
import { readStudyRuns } from "../../src/runs/study_results.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import type { RunAblation } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { ProgramCache } from "../../src/train/programs.ts";
import { goldenModel } from "../models/fixture.ts";
import { ablateAll, scoredStudy, withSwept } from "./tiny_study.ts";

/** Two and a half ranks on average, so that modules differ. */
const study = parseStudy({
  ...scoredStudy,
  base: { ...scoredStudy.base, train: { ...scoredStudy.base?.train, steps: 40 } },
  axes: { ...scoredStudy.axes, methods: ["dylora", "lora"], budgets: [2.5] },
});

Deno.test("what an export cut to a rank gives in peft's format is what the ablation told of that rank", async () => {
  await withSwept(async ({ home, folder, runOf, recordOf }) => {
    await ablateStudy(folder, ablateAll);
    const read = async (method: string): Promise<RunAblation> =>
      JSON.parse(await Deno.readTextFile(`${runOf(method)}/ablation.json`));
    assertEquals((await read("lora")).truncations, undefined);
    const { metric, baseline, truncations } = await read("dylora");
    assertEquals(truncations!.map(({ rank }) => rank), [1, 2, 3]);
    assertEquals(truncations![2]!.metric, baseline);

    const executor = await nativeExecutor(1);
    const stored = await readStoredStudy(folder);
    const runs = (await readStudyRuns(folder, stored)).filter(({ record }) =>
      record.asked.method === "dylora"
    );
    const { plan, recorded: [run] } = await planRecorded(
      stored,
      runs,
      ablateAll,
      () => Promise.resolve(),
    );
    const { task, splits } = await trainingRequest(run!.planned, {
      executor,
      programs: new ProgramCache(executor),
      inputs: plan.inputs,
    });
    const model = goldenModel();
    for (const { rank, metric: wanted } of truncations!) {
      const out = `${home}/rank-${rank}`;
      const cut = { format: "peft", out, rank } as const;
      await exportRun(runOf("dylora"), cut);
      const { rank_pattern, r } = JSON.parse(
        await Deno.readTextFile(`${out}/adapter_config.json`),
      );
      assertEquals(Math.max(r, ...Object.values<number>(rank_pattern)), rank);
      const { tensors } = await importAdapter(out, model, 1);
      const [evaluated] = await evaluateModel(
        executor,
        { config: model.config, tensors },
        task,
        splits,
      );
      assertAlmostEquals(evaluated!.metrics[metric]!, wanted, 1e-5, `rank ${rank}`);
    }
    const ranks = Object.values(recordOf("dylora").happened.finalRanks!);
    assertEquals([...new Set(ranks)].sort(), [2, 3]);
    await assertRejects(
      () => exportRun(runOf("lora"), { format: "merged", out: `${home}/x`, rank: 1 }),
      RangeError,
      "Cannot cut the adapter to rank 1",
    );
  }, study);
});
