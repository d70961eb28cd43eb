import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { planText } from "../../src/cli/plan_text.ts";
import { methods } from "../../src/methods/table.ts";
import { expand, planRuns } from "../../src/runs/planning.ts";
import { sweepStudy } from "../../src/runs/sweep.ts";
import { withGivenModel } from "../../src/study/overrides.ts";
import { StudyError } from "../../src/study/problems.ts";
import { parseStudy, type Study } from "../../src/study/study.ts";
import { tinyModel, tinyStudy, writeTinyTasks } from "./tiny_study.ts";

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

/** The tiny study without a word about its encoder, and with some. */
const { model: _model, ...openBase } = tinyStudy.base!;
const modelCases = {
  open: { ...tinyStudy, base: openBase },
  stated: { ...tinyStudy, base: { ...openBase, model: "embedded" } },
};

Deno.test("a study that states no encoder takes the given one and says so; one that states another refuses it", async () => {
  const home = await Deno.makeTempDir();
  try {
    await writeTinyTasks(home);
    const planOf = (study: Study, ...set: readonly string[]) =>
      planText({ study, folder: home, methods }, {
        data: null,
        model: tinyModel,
        results: home,
        set,
      });
    const open = await planOf(modelCases.open);
    assertStringIncludes(open, `Encoder: ${tinyModel}, as given by --model`);
    const asked = await planOf(tinyStudy);
    assertEquals(open.replace(/Encoder: .*\n/, ""), asked);
    for (
      const refused of [
        () => planOf(modelCases.stated),
        () => planOf(modelCases.open, "model=embedded"),
        () => sweepStudy({ study: modelCases.stated, folder: home, methods }, { model: tinyModel }),
      ]
    ) {
      await assertRejects(
        refused,
        StudyError,
        `--model: found "${tinyModel}", but no run reads it`,
      );
    }
    // Some of the runs have an encoder of their own, the others take what is given.
    const delta = { when: { method: "lora" }, set: { model: "embedded" } };
    const mixed = withGivenModel({ ...modelCases.open, deltas: [delta] }, tinyModel);
    assertEquals(
      expand(mixed, methods).map(({ method, settings: { model } }) => `${method} ${model}`),
      ["head folder", "lora embedded", "adalora folder", "elalora folder"],
    );
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
