/** A method that a study module brings, through every command. */
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { ablateStudy } from "../../src/runs/after/ablate.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { ThreadWorker } from "../../src/runs/pool/workers.ts";
import { StopFlag } from "../../src/runs/events.ts";
import { loadedHashes } from "../../src/runs/method_modules.ts";
import { planText } from "../../src/cli/plan_text.ts";
import { customNamesOf } from "../../src/runs/plan/planned_run.ts";
import { expand, planRuns } from "../../src/runs/plan/planning.ts";
import { readStudyFile } from "../../src/runs/plan/study_file.ts";
import { readStoredStudy } from "../../src/runs/stored_study.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { writeReport } from "../../src/runs/write_report.ts";
import { UsageError } from "../../src/base/input_error.ts";
import { verify } from "../../src/cli/verify.ts";
import { verifyStudy } from "../../src/runs/after/verify.ts";
import { readEnvironment } from "../../src/record/provenance.ts";
import type { StoredRun } from "../../src/record/results_reader.ts";
import {
  methodText,
  type OwnFiles,
  ownFiles,
  studyText,
  sweepModule,
  withOwnStudy,
} from "./own_study.ts";
import { runsIn, tinyModel, verifyAll } from "./tiny_study.ts";

const sweepOwn = (home: string) => sweepModule(home, { only: ["seed=1"] });

function runOf(folder: string, method: string): string {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  return `${folder}/${names.find((name) => name.includes(`-${method}-`))}`;
}

/** The ids of the study's runs by method and seed, with some files changed. */
async function idsOf(changed: OwnFiles = {}): Promise<Readonly<Record<string, string>>> {
  let ids: Readonly<Record<string, string>> = {};
  await withOwnStudy(async (home) => {
    const { study, methods } = await readStudyFile(`${home}/study.ts`);
    const folders = { data: null, model: tinyModel, study: home };
    const { runs } = await planRuns(study, expand(study, methods), folders, methods);
    ids = Object.fromEntries(runs.map(({ run, id }) => [`${run.method} ${run.seed}`, id]));
  }, changed);
  return ids;
}

Deno.test("a method of a study module goes through every command as a built-in one does", async (t) => {
  await withOwnStudy(async (home) => {
    const file = await readStudyFile(`${home}/study.ts`);
    let folder = "";

    await t.step("a plan shows it", async () => {
      assertMatch(await planText(file, { model: tinyModel }), /Moves +own +rank 2/);
    });

    await t.step(
      "workers load it, and it computes what the same built-in method does",
      async () => {
        const swept = await sweepOwn(home);
        folder = swept.folder;
        assertEquals([swept.finished, swept.failed, swept.skipped], [2, 0, 0]);
        const runs = await runsIn(folder);
        const [lora, own] = runs.map(({ steps }) => steps.map(({ loss }) => loss));
        assertEquals(runs.map(({ record }) => record.asked.method), ["lora", "own"]);
        assertEquals(own, lora);
      },
    );

    await t.step("the record says where it came from, and a built-in one's does not", async () => {
      const [{ record: lora }, { record }] = await runsIn(folder) as [StoredRun, StoredRun];
      const { study, module, hash } = record.where.method!;
      for (const path of [study, module]) {
        assert(!path.startsWith("/"), path);
        assertEquals(await Deno.realPath(path), await Deno.realPath(`${home}/study.ts`));
      }
      assertMatch(hash, /^[0-9a-f]{64}$/);
      assertEquals((record.asked.run as { methodHash?: string }).methodHash, hash);
      assertEquals((await readStoredStudy(folder)).methods, [{ name: "own", study, module, hash }]);
      assertEquals(lora.where.method, undefined);
      assert(!Object.hasOwn(lora.asked.run as object, "methodHash"));
    });

    await t.step("finished runs are skipped, and one that is gone is trained again", async () => {
      assertEquals((await sweepOwn(home)).skipped, 2);
      await Deno.remove(`${runOf(folder, "own")}/record.json`);
      const { finished, skipped } = await sweepOwn(home);
      assertEquals([finished, skipped], [1, 1]);
    });

    await t.step("it is verified, ablated, exported and reported", async () => {
      assertEquals(await verify([folder, "--all", "--jobs", "1"]), 0);
      const ablation = { ...verifyAll, jobs: 2, threads: 1, sample: null, replay: false };
      assertEquals((await ablateStudy(folder, ablation)).ablated, 2);
      const bytes = async (run: string, out: string) => {
        await exportRun(run, { format: "peft", out, baseName: "bert" });
        return await Deno.readFile(`${out}/adapter_model.safetensors`);
      };
      assertEquals(
        await bytes(runOf(folder, "own"), `${home}/own-peft`),
        await bytes(runOf(folder, "lora"), `${home}/lora-peft`),
      );
      const page = await Deno.readTextFile(
        await writeReport(folder, await readStudyResults(folder)),
      );
      assertMatch(page, /method source[\s\S]*own [0-9a-f]{64}/);
    });

    await t.step(
      "a source that changed, or is gone, is told by name; other methods go on",
      async () => {
        const refused = async (message: RegExp) => {
          const calls = [
            () => verifyStudy(folder, verifyAll),
            () => ablateStudy(folder, { ...verifyAll, replay: false }),
            () => exportRun(runOf(folder, "own"), { format: "peft", out: `${home}/again` }),
          ];
          for (const call of calls) {
            assertMatch((await assertRejects(call, UsageError)).message, message);
          }
        };
        await Deno.writeTextFile(`${home}/numbers.ts`, "export const alpha = 8;\n");
        await refused(/method "own": found that the source of ".*study\.ts" has hash .*, want/);
        await Deno.writeTextFile(`${home}/numbers.ts`, ownFiles["numbers.ts"]!);
        await Deno.remove(`${home}/study.ts`);
        await refused(/method "own": found no ".*study\.ts"/);
        const out = `${home}/lora-again`;
        await exportRun(runOf(folder, "lora"), { format: "peft", out });
      },
    );
  });
});

Deno.test("a worker that cannot load a method as it was planned says so and makes no run", async () => {
  await withOwnStudy(async (home) => {
    const { study, methods } = await readStudyFile(`${home}/study.ts`);
    const folders = { data: null, model: tinyModel, study: home };
    const { runs, inputs } = await planRuns(study, expand(study, methods), folders, methods);
    const results = `${home}/results`;
    const custom = customNamesOf(runs);
    const start = {
      executor: "cpu",
      threads: 1,
      study,
      custom,
      trust: loadedHashes(custom),
      folders,
      models: inputs.shareModels(),
      context: { environment: await readEnvironment(), results, jobs: 1 },
      stop: new StopFlag().memory,
    } as const;
    assertEquals(custom.methods.map(({ name }) => name), ["own"]);
    await Deno.writeTextFile(`${home}/own.ts`, `${methodText}// Changed after planning.\n`);
    const error = await assertRejects(() => ThreadWorker.open(start), UsageError);
    assertMatch(error.message, /method "own": found that the source of ".*study\.ts" has hash/);
    await Deno.remove(`${home}/study.ts`);
    await assertRejects(() => ThreadWorker.open(start), UsageError, "put it back");
    await assertRejects(() => Deno.stat(results), Deno.errors.NotFound);
  });
});

Deno.test("a change of its source makes new runs of a method, and of no other", async () => {
  const before = await idsOf();
  const same = await idsOf();
  assertEquals(same, before);
  const changes: readonly OwnFiles[] = [
    { "own.ts": `${methodText}// A comment.\n` },
    { "numbers.ts": "export const alpha = 8 * 2;\n" },
    { "study.ts": `${studyText}// A comment.\n` },
  ];
  for (const changed of changes) {
    const after = await idsOf(changed);
    for (const seed of [1, 2]) {
      assertEquals(after[`lora ${seed}`], before[`lora ${seed}`]);
      assertNotEquals(after[`own ${seed}`], before[`own ${seed}`], Object.keys(changed).join());
    }
  }
});

Deno.test("a method that names its own module keeps its runs when the study changes", async () => {
  const apart = {
    "own.ts": methodText.replace("version: 1,", "version: 1,\n  module: import.meta.url,"),
  };
  const before = await idsOf(apart);
  const study = { "study.ts": `${studyText}// A comment.\n` };
  assertEquals(await idsOf({ ...apart, ...study }), before);
  const after = await idsOf({ ...apart, "numbers.ts": "export const alpha = 8;\n" });
  assertNotEquals(after["own 1"], before["own 1"]);
  assertEquals(after["lora 1"], before["lora 1"]);
});

Deno.test("a study module is refused whose methods have taken names or are none", async () => {
  const named = (name: string) => ({ "own.ts": methodText.replace('"own"', `"${name}"`) });
  const exporting = (methods: string) => ({
    "study.ts": studyText.replace("methods = [own]", `methods = ${methods}`),
  });
  const cases: readonly [OwnFiles, RegExp][] = [
    [named("lora"), /method "lora" of ".*study\.ts": found a built-in method of that name/],
    [exporting("[own, { ...own }]"), /method "own" of ".*study\.ts": found two of that name/],
    [exporting("{ own }"), /export "methods" is no array/],
    [exporting('[own, "lora"]'), /"methods\[1\]" is no method, want what defineMethod returns/],
    [exporting('[{ ...own, module: "own.ts" }]'), /give import\.meta\.url/],
    [{ "numbers.ts": "export const alpha = missing();\n" }, /study\.ts": missing is not defined/],
  ];
  for (const [files, message] of cases) {
    await withOwnStudy(async (home) => {
      const error = await assertRejects(() => readStudyFile(`${home}/study.ts`), Error);
      assertMatch(error.message, message);
    }, files);
  }
});
