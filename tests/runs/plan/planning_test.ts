import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Json } from "../../../src/base/canonical_json.ts";
import { methods } from "../../../src/methods/table.ts";
import { expand, planRuns } from "../../../src/runs/plan/planning.ts";
import { eventText } from "../../../src/cli/event_text.ts";
import { verifyStudy } from "../../../src/runs/after/verify.ts";
import { Inputs } from "../../../src/runs/inputs.ts";
import { withGivenModel } from "../../../src/study/grid/overrides.ts";
import { StudyError } from "../../../src/study/check/problems.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import {
  inHome,
  listening,
  planTextIn,
  sweepIn,
  tinyModel,
  tinyStudy,
  verifyAll,
  withSwept,
} from "../tiny_study.ts";
import { withFolder } from "../../with_folder.ts";

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

Deno.test("ids tell apart the columns, labels, splits and metrics that a user's task states, and not its title", async () => {
  return await withFolder(async (home) => {
    const rows = "a\tb\tc\tlabel\n" +
      ["the cat", "a dog", "she", "it"].map((text, i) => `${text}\tran\tsat\t${i % 2}\n`).join("");
    await Deno.writeTextFile(`${home}/one.tsv`, rows);
    await Deno.writeTextFile(`${home}/two.tsv`, `${rows}he\tsat\tran\t1\n`);
    const idOf = async (task: Readonly<Record<string, Json>>) => {
      const study = parseStudy({
        name: "read",
        userTasks: [{
          name: "Own",
          files: { train: "one.tsv", dev: "two.tsv" },
          columns: { text: "a", label: "label" },
          labels: ["0", "1"],
          ...task,
        }],
        axes: { tasks: ["Own"], methods: ["head"], seeds: [1] },
        base: { train: { steps: 20 } },
      });
      const folders = { data: null, model: null, study: home };
      const { runs } = await planRuns(study, expand(study, methods), folders, methods);
      return runs[0]!.id;
    };
    const stated: readonly Readonly<Record<string, Json>>[] = [
      {},
      { labels: ["1", "0"] },
      { labels: { min: 0, max: 1 } },
      { labels: { min: 0, max: 2 } },
      { columns: { text: "b", label: "label" } },
      { columns: { text: "a", pair: "b", label: "label" } },
      { columns: { text: { template: "{a} {b}" }, label: "label" } },
      { columns: { text: "a", choices: ["b", "c"], label: "label" } },
      { files: { train: "two.tsv", dev: "one.tsv" } },
      { metrics: ["f1"] },
    ];
    const ids = await Promise.all(stated.map(idOf));
    assertEquals(new Set(ids).size, ids.length);
    assertEquals(await idOf({ title: "Of my own" }), ids[0]);
    assertEquals(await idOf({ metrics: ["accuracy", "f1"] }), ids[0]);
  });
});

/** The tiny study without a word about its encoder, and with some. */
const { model: _model, ...openBase } = tinyStudy.base!;
const modelCases = {
  open: { ...tinyStudy, base: openBase },
  stated: { ...tinyStudy, base: { ...openBase, model: "embedded" } },
};

Deno.test("a folder of data that no run reads is said, where it was given now", async () => {
  const said = 'Warning: no run reads "glue" (--data), which is for GLUE\'s tasks';
  const unusedOf = (...tasks: readonly string[]) =>
    new Inputs({ data: "glue", model: null, study: "." }, [])
      .unusedData(tasks.map((task) => ({ task })));
  assertEquals(unusedOf("Topic"), "glue");
  assertEquals(unusedOf("Topic", "RTE"), null);
  const none = new Inputs({ data: null, model: null, study: "." }, []);
  assertEquals(none.unusedData([{ task: "Topic" }]), null);
  await withSwept(async ({ home, folder }) => {
    assertStringIncludes(await planTextIn(home, tinyStudy, { data: "glue" }), said);
    assert(!(await planTextIn(home, tinyStudy)).includes("no run reads"));
    const { events, onEvent } = listening();
    const told = () =>
      events.splice(0).flatMap((event) => event.kind === "unused data" ? [eventText(event)] : []);
    await sweepIn(home, tinyStudy, { data: "glue" }, { onEvent });
    assertEquals(told(), [said]);
    const sample = { ...verifyAll, sample: 1 };
    await verifyStudy(folder, { ...sample, data: "glue" }, { onEvent });
    assertEquals(told(), [said]);
    // The sweep's own folder was said by the sweep.
    await verifyStudy(folder, sample, { onEvent });
    assertEquals(told(), []);
  });
});

Deno.test("a study that states no encoder takes the given one and says so; one that states another refuses it", async () => {
  await inHome(async (home) => {
    const planOf = (study: Study, ...set: readonly string[]) => planTextIn(home, study, { set });
    const open = await planOf(modelCases.open);
    assertStringIncludes(open, `Encoder: ${tinyModel}, as given by --model`);
    const asked = await planOf(tinyStudy);
    assertEquals(open.replace(/Encoder: .*\n/, ""), asked);
    for (
      const refused of [
        () => planOf(modelCases.stated),
        () => planOf(modelCases.open, "model=embedded"),
        () => sweepIn(home, modelCases.stated),
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
  });
});
