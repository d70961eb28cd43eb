/** Packed studies, from the folder and back: packing, reports, verification, refusals. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../../src/base/input_error.ts";
import { ablate } from "../../../src/cli/ablate.ts";
import { pack } from "../../../src/cli/pack.ts";
import { report } from "../../../src/cli/report.ts";
import { unpack } from "../../../src/cli/unpack.ts";
import { verify } from "../../../src/cli/verify.ts";
import { openPack, packFiles } from "../../../src/record/pack.ts";
import { PackError } from "../../../src/record/pack_manifest.ts";
import {
  folderReader,
  openResults,
  readRun,
  type ResultsReader,
} from "../../../src/record/results_reader.ts";
import { packStudy, unpackStudy } from "../../../src/runs/share/packing.ts";
import { findResults } from "../../../src/runs/plan/study_file.ts";
import { readStudyResults } from "../../../src/runs/study_results.ts";
import { writeReport } from "../../../src/runs/write_report.ts";
import { readTrainedRun } from "../../../src/runs/trained_run.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { forgetFiles, tinyModel, tinyStudy, withSwept } from "../tiny_study.ts";
import { withFolder } from "../../with_folder.ts";

const study = parseStudy({ ...tinyStudy, axes: { ...tinyStudy.axes, methods: ["head", "lora"] } });

/** All files of a place, by path. */
async function contents(reader: ResultsReader): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const path of await reader.list()) found.set(path, (await reader.read(path))!);
  return found;
}

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("a packed study is read as its folder is", async (t) => {
  await withSwept(async ({ home, folder, runOf }) => {
    const file = `${folder}.ranklab.zip`;
    const run = runOf("lora").split("/").at(-1)!;
    const moved = `${home}/elsewhere/tiny.ranklab.zip`;

    await t.step("links that leave it are refused before a file is made or packed", async () => {
      await Deno.mkdir(`${home}/outside`);
      await Deno.writeTextFile(`${home}/secret`, "secret");
      const read = await readStudyResults(folder);
      await Deno.symlink(`${home}/outside`, `${folder}/report`);
      await Deno.symlink(`${home}/secret`, `${folder}/notes.txt`);
      await assertRejects(() => writeReport(folder, read), UsageError, `${folder}/report`);
      await assertRejects(() => packStudy(folder), UsageError, `${folder}/notes.txt`);
      assertEquals(namesIn(`${home}/outside`), []);
      for (const path of ["report", "notes.txt"]) await Deno.remove(`${folder}/${path}`);
      await Deno.remove(`${home}/outside`);
      await Deno.remove(`${home}/secret`);
    });

    await t.step("it is packed without weights and reports, and unpacked to the byte", async () => {
      await Deno.mkdir(`${folder}/report`);
      await Deno.writeTextFile(`${folder}/report/report.html`, "old");
      await Deno.writeTextFile(`${folder}/study.json.part`, "half");
      await Deno.mkdir(`${folder}/under-way`);
      await Deno.writeTextFile(
        `${folder}/under-way/steps.jsonl`,
        "of a run that the plan has no more",
      );
      assertEquals(await pack([folder]), 0);
      const packed = await openResults(file);
      const here = await contents(folderReader(folder));
      const wanted = [...here.keys()].filter((path) =>
        !path.startsWith("report/") && !path.startsWith("under-way/") &&
        !path.endsWith(".safetensors") && !path.endsWith(".part")
      );
      assert(wanted.includes(`${run}/steps.jsonl`));
      assertEquals(await packed.list(), wanted.toSorted());
      assertEquals(await unpack([file, "--out", `${home}/again`]), 0);
      const again = await contents(folderReader(`${home}/again`));
      assertEquals([...again.keys()], wanted.toSorted());
      for (const [path, bytes] of again) assertEquals(bytes, here.get(path), path);
      // Packing again, from either folder, gives the same file.
      const bytes = await Deno.readFile(file);
      await packStudy(`${home}/again`);
      assertEquals(await Deno.readFile(`${home}/again.ranklab.zip`), bytes);
      assertEquals((await packStudy(folder)).bytes.pack, bytes.length);
    });

    await t.step("its report is that of the folder, to the byte, and lies beside it", async () => {
      await Deno.remove(`${folder}/report`, { recursive: true });
      await writeReport(folder, await readStudyResults(folder));
      await Deno.mkdir(`${home}/elsewhere`);
      await Deno.copyFile(file, moved);
      const page = await writeReport(moved, await readStudyResults(moved));
      assertEquals(page, `${home}/elsewhere/tiny/report/report.html`);
      const ofFolder = await contents(folderReader(`${folder}/report`));
      const ofPack = await contents(folderReader(`${home}/elsewhere/tiny/report`));
      assert(ofFolder.size > 3);
      assertEquals([...ofPack.keys()], [...ofFolder.keys()]);
      for (const [path, bytes] of ofPack) assertEquals(bytes, ofFolder.get(path), path);
    });

    await t.step("a name finds the folder first, then the pack", async () => {
      assertEquals(await findResults("tiny", `${home}/results`), folder);
      assertEquals(await findResults("tiny.ranklab.zip", `${home}/results`), file);
      assertEquals(await findResults("tiny", `${home}/elsewhere`), moved);
      assertEquals(await findResults(`${home}/elsewhere/tiny/`, "results"), moved);
    });

    await t.step("a path beside --results is refused where it leads elsewhere", async () => {
      const error = await assertRejects(
        () => report([file, "--results", `${home}/elsewhere`]),
        UsageError,
        `Option "--results" is "${home}/elsewhere", but "${file}" is a path of its own: found "${file}"`,
      );
      assertStringIncludes(error.message, `goes to "${folder}"; leave --results out`);
      assertEquals(await report(["tiny", "--results", `${home}/elsewhere/`]), 0);
      assertEquals(await report([moved, "--results", `${home}/elsewhere`]), 0);
    });

    await t.step("a run in it is read by its path", async () => {
      const { folder: place, ...packed } = (await readRun(`${file}/${run}`))!;
      const { folder: _, ...loose } = (await readRun(`${folder}/${run}`))!;
      assertEquals(place, `${file}/${run}`);
      assert(packed.steps.length > 0);
      assertEquals(packed, loose);
      assertEquals(await readRun(`${file}/no-such-run`), null);
    });

    await t.step(
      "it is verified; what was found lies beside it and is in its report",
      async () => {
        assertEquals(await verify([moved, "--all", "--jobs", "1"]), 0);
        assertEquals(namesIn(`${home}/elsewhere`), ["tiny", "tiny.ranklab.zip"]);
        assertEquals(namesIn(`${home}/elsewhere/tiny/verify`), [
          "verification.json",
          "verification.md",
        ]);
        const { verification } = await readStudyResults(moved);
        assertEquals(verification!.runs.map(({ verdict }) => verdict), ["bit-equal", "bit-equal"]);
        assertStringIncludes(
          await Deno.readTextFile(`${home}/elsewhere/tiny/report/report.html`),
          "All 2 finished runs were checked: all are bit-equal.",
        );
      },
    );

    await t.step("a pack with weights is exported from as the folder is", async () => {
      const out = `${home}/weights.ranklab.zip`;
      assertEquals(await pack([folder, "--weights", "--out", out]), 0);
      const loose = await readTrainedRun(`${folder}/${run}`, { model: tinyModel });
      const packed = await readTrainedRun(`${out}/${run}`, { model: tinyModel });
      assert(packed.updates.length > 0);
      assertEquals(packed.updates, loose.updates);
      await assertRejects(
        () => readTrainedRun(`${file}/${run}`, { model: tinyModel }),
        UsageError,
        "want its weights; pack the study with --weights, or sweep it again",
      );
    });

    await t.step("what would write into it is refused with what to do", async () => {
      const error = await assertRejects(() => ablate([file]), UsageError);
      assertEquals(
        error.message,
        `Cannot ablate "${file}": found a packed study, want its folder, since an ablation is written beside each run; ` +
          `run deno task unpack ${file} first`,
      );
      await assertRejects(() => pack([file]), UsageError, "it is packed already");
    });

    await t.step("nothing that is there is written over", async () => {
      const taken = `${home}/taken.ranklab.zip`;
      await Deno.writeTextFile(taken, "something else");
      const refused = [
        [() => unpack([file, "--out", folder]), `found a study in "${folder}"`],
        [() => packStudy(folder, { out: taken }), `found another file "${taken}"`],
        [() => packStudy(folder, { out: `${home}/x.zip` }), "ends in .ranklab.zip"],
      ] as const;
      for (const [work, message] of refused) await assertRejects(work, UsageError, message);
      assertEquals(await Deno.readTextFile(taken), "something else");
    });

    await t.step("a damaged pack unpacks to nothing", async () => {
      const bytes = await Deno.readFile(file);
      bytes[Math.floor(bytes.length / 2)]! ^= 1;
      const damaged = `${home}/damaged.ranklab.zip`;
      await Deno.writeFile(damaged, bytes);
      const error = await assertRejects(() => unpackStudy(damaged), PackError);
      assertStringIncludes(error.message, `of "${damaged}": found `);
      assert(!namesIn(home).includes("damaged"));
      const none = `${home}/none.ranklab.zip`;
      await assertRejects(() => unpackStudy(none), UsageError, `Cannot find "${none}"`);
      await assertRejects(() => unpackStudy(folder), UsageError, "want a packed study");
    });

    await t.step(
      "a run whose weights were changed is named: left out of reports, and not packed",
      async () => {
        const path = `${runOf("lora")}/adapter.safetensors`;
        const bytes = await Deno.readFile(path);
        const garbled = bytes.with(bytes.length - 5, bytes.at(-5)! ^ 1);
        for (const bad of [bytes.subarray(0, 99), new Uint8Array(bytes.length), garbled]) {
          await Deno.writeFile(path, bad);
          const { runs, damaged } = await readStudyResults(folder);
          assertEquals([runs.length, damaged.map(({ folder }) => folder)], [1, [run]]);
          for (const weights of [true, false]) {
            await assertRejects(
              () => packStudy(folder, { weights, out: `${home}/bad.ranklab.zip` }),
              UsageError,
              `the run ${run} is damaged: Cannot read "${path}"`,
            );
          }
          await assertRejects(() => readTrainedRun(runOf("lora"), { model: tinyModel }));
        }
        // Weights may be missing, and records without hashes are read.
        await Deno.remove(path);
        assertEquals((await readStudyResults(folder)).runs.length, 2);
        await Deno.writeFile(path, garbled);
        const recordPath = `${runOf("lora")}/record.json`;
        const record = await Deno.readFile(recordPath);
        await forgetFiles(runOf("lora"));
        assertEquals((await readStudyResults(folder)).runs.length, 2);
        await Deno.writeFile(recordPath, record);
        await Deno.writeFile(path, bytes);
      },
    );

    await t.step("a study under way is not packed", async () => {
      await Deno.remove(`${runOf("lora")}/record.json`);
      await assertRejects(
        () => packStudy(folder, { out: `${home}/early.ranklab.zip` }),
        UsageError,
        "found 1 of 2 runs without a record, want a finished study",
      );
      assert(!namesIn(home).includes("early.ranklab.zip"));
    });
  }, study);
});

Deno.test("a replay in a packed study is read with it, and must be finished too", async () => {
  await withFolder(async (home) => {
    const plan = (runs: readonly object[]) =>
      JSON.stringify({
        schema: 1,
        study: { name: "empty" },
        studyFolder: ".",
        data: null,
        model: null,
        device: "cpu",
        runs,
      });
    const stored = [
      { path: "study.json", bytes: new TextEncoder().encode(plan([])) },
      { path: "replay/study.json", bytes: new TextEncoder().encode(plan([])) },
    ];
    const file = `${home}/empty.ranklab.zip`;
    await Deno.writeFile(file, packFiles(stored, file));
    const { replay } = await readStudyResults(file);
    assertEquals(replay?.study.name, "empty");
    const { out } = await unpackStudy(file);
    const run = { task: "T", method: "lora", label: "lora", budget: null, seed: 1, settings: {} };
    const missing = [{ folder: "a-run", id: "0", run }];
    await Deno.writeTextFile(`${out}/replay/study.json`, plan(missing));
    await assertRejects(
      () => packStudy(out, { out: `${home}/other.ranklab.zip` }),
      UsageError,
      `Cannot pack "${out}/replay": found 1 of 1 runs without a record`,
    );
    // A report goes on without it, and names it.
    const { replay: none, damagedFiles: [damaged] } = await readStudyResults(out);
    assertEquals([none, damaged?.file], [null, "replay/study.json"]);
    assertStringIncludes(damaged!.problem, 'found no "replay" of the run "a-run"');
    assertEquals(openPack(await Deno.readFile(file), file).files.length, 2);
  });
});

Deno.test("a file that is no pack is told as such, before anything is asked for", async () => {
  for (const file of ["README.md", "/etc/hosts", "results/mine"]) {
    const message = `Cannot unpack "${file}": want a packed study, NAME`;
    await assertRejects(() => unpack([file]), UsageError, message);
  }
});
