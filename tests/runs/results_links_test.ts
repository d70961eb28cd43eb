/** Links in results that are added to: refused before anything is written. */
import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/base/input_error.ts";
import { newToken } from "../../src/record/durable.ts";
import { filesBelow } from "../../src/record/results_reader.ts";
import { RunFolder } from "../../src/record/run_folder.ts";
import { ablateStudy } from "../../src/runs/after/ablate.ts";
import { findResults } from "../../src/runs/plan/study_file.ts";
import { verifyStudy } from "../../src/runs/after/verify.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { ablateAll, sweepIn, tinyStudy, tuneIn, verifyAll, withSwept } from "./tiny_study.ts";
import { withFolder } from "../with_folder.ts";

const study = parseStudy({
  ...tinyStudy,
  tune: {
    vary: { "train.learningRate": { choices: [0.01, 0.02] } },
    trials: 2,
    seeds: [9],
    heldOut: 0.25,
  },
});

Deno.test("a results folder with a link that leads out of it is refused by name before anything is written", async (t) => {
  await withSwept(async ({ home, folder, runOf }) => {
    const results = `${home}/results`;
    const elsewhere = `${home}/elsewhere`;
    const ablate = (replay: boolean) => ablateStudy(folder, { ...ablateAll, replay });
    const works: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["under-way", () => sweepIn(home, study)],
      ["under-way", () => ablate(false)],
      ["replay", () => ablate(true)],
      ["replay/under-way", () => ablate(true)],
      ["tuning", () => tuneIn(home, study)],
      ["tuning/under-way", () => tuneIn(home, study)],
      ["verify", () => verifyStudy(folder, verifyAll)],
      ["verify/under-way", () => verifyStudy(folder, verifyAll)],
    ];
    for (const [name, work] of works) {
      await t.step(`${name} ${work}`, async () => {
        // The replay comes after all other ablations.
        if (name === "replay") await ablate(false);
        await Deno.mkdir(elsewhere);
        const link = `${folder}/${name}`;
        if (name.includes("/")) await Deno.mkdir(`${folder}/${name.split("/")[0]}`);
        const before = await filesBelow(results, "");
        await Deno.symlink(elsewhere, link);
        const error = await assertRejects(work, UsageError, "a link leads to");
        assertEquals(error.message.includes(`"${elsewhere}"`), true, error.message);
        await Deno.remove(link);
        assertEquals(await filesBelow(results, ""), before);
        assertEquals(await filesBelow(elsewhere, ""), []);
        await Deno.remove(elsewhere);
        for (const made of ["replay", "tuning", "verify"]) {
          await Deno.remove(`${folder}/${made}`).catch(() => {});
        }
      });
    }
    await t.step("a run", async () => {
      const run = runOf("lora");
      await Deno.rename(run, elsewhere);
      await Deno.remove(`${elsewhere}/ablation.json`);
      await Deno.symlink(elsewhere, run);
      await assertRejects(() => ablate(false), UsageError, "a link leads to");
      assertEquals((await filesBelow(elsewhere, "")).includes("ablation.json"), false);
    });
  }, study);
});

Deno.test("a results folder may be a link, and a study's folder in it none that leads out, unless its path is given", async () => {
  await withSwept(async ({ home, folder }) => {
    const results = `${home}/results`;
    await Deno.symlink(results, `${home}/linked`);
    const { skipped } = await sweepIn(home, study, { results: `${home}/linked` });
    assertEquals(skipped, 4);
    await Deno.rename(folder, `${home}/moved`);
    await Deno.symlink(`${home}/moved`, folder);
    await assertRejects(() => sweepIn(home, study), UsageError, `Cannot use "${folder}`);
    await assertRejects(() => findResults("tiny", results), UsageError, `Cannot use "${folder}`);
    assertEquals(await findResults(folder, results), folder);
  }, study);
});

Deno.test("an earlier attempt at a run that is a link to elsewhere is refused, and what lies there stays", async () => {
  await withFolder(async (home) => {
    const results = `${home}/results`;
    await Deno.mkdir(`${results}/under-way`, { recursive: true });
    await Deno.mkdir(`${home}/elsewhere`);
    await Deno.writeTextFile(`${home}/elsewhere/letter.txt`, "mine");
    await Deno.symlink(`${home}/elsewhere`, `${results}/under-way/run.${newToken()}`);
    const place = { results, folder: "run", id: "a", attempt: newToken() };
    await assertRejects(() => RunFolder.open(place), UsageError, "a link leads to");
    assertEquals(await filesBelow(`${home}/elsewhere`, ""), ["letter.txt"]);
  });
});
