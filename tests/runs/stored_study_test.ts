/** The stored plan of a study: when its claims were stated, and the comparisons that reports get. */
import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { claimsText } from "../../src/analysis/claims/claims_report.ts";
import { claimsStatedIn, readStoredStudy, writeStoredStudy } from "../../src/runs/stored_study.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import type { Study } from "../../src/study/schema/study.ts";
import { planTextIn, sweepIn, tinyStudy, withSwept } from "./tiny_study.ts";
import { withFolder } from "../with_folder.ts";
import { expandStudy } from "../../src/study/grid/expand.ts";
import { runFolder, runTitle } from "../../src/study/grid/run_id.ts";
import { methods, tasks } from "../study/tables.ts";

const plain = parseStudy({
  ...tinyStudy,
  axes: { ...tinyStudy.axes, methods: ["lora", "head"] },
});
const claims: Study["claims"] = [
  { name: "rank", says: "better", a: { method: "lora" }, b: { method: "head" } },
];

Deno.test("claims stand in study.json with hash and time before the first run, and changes after it", async () => {
  await withSwept(async ({ home, folder }) => {
    const path = `${folder}/study.json`;
    const read = () => Deno.readTextFile(path);
    const sweep = (study: Study) => sweepIn(home, study);
    const first = await read();
    const [stated, ...others] = (await readStoredStudy(folder)).claimsStated!;
    assertEquals(others, []);
    const { runs } = await readStudyResults(folder);
    for (const { record } of runs) {
      assert(Date.parse(stated!.at) <= Date.parse(record.happened.time.startedAt));
    }
    const heading = async () => claimsText((await readStudyResults(folder)).claimsReport)[0]!;
    assertStringIncludes(await heading(), "Claims, stated before the first run (");

    const claimed = { ...plain, claims };
    const rank =
      "  rank: lora is better than head; margin 1 point; Moves; 2 runs with 1 seed of at most 30; " +
      "1 seed cannot decide it, the first look that can is at 6";
    assertStringIncludes(await planTextIn(home, claimed), `\n${rank}\n`.trimEnd());
    const line = (await planTextIn(home, claimed, { json: true })).split("\n").at(-1)!;
    assertEquals(JSON.parse(line).kind, "claim");

    // The same claims leave every byte as it is.
    await sweep(claimed);
    assertEquals(await read(), first);

    await sweep({ ...plain, claims, margin: 0.05 });
    assertEquals((await claimsStatedIn(folder))[0], stated);
    assertEquals((await claimsStatedIn(folder)).length, 2);
    assertStringIncludes(await heading(), ", after 2 of 2 runs had begun:");
    assertStringIncludes(await heading(), "Claims, changed on ");
    assertEquals((await readStudyResults(folder)).study.margin, 0.05);

    // Runs of other settings are other runs, none of which had begun; that those before were seen is told all the same.
    const { base, axes } = plain;
    const learningRate = 2 * (base?.train?.learningRate ?? 1e-3);
    const faster = { ...base, train: { ...base?.train, learningRate } };
    await sweep({ ...plain, claims, margin: 0.05, base: faster, axes: { ...axes, seeds: [1] } });
    assertEquals((await claimsStatedIn(folder)).length, 3);
    assertStringIncludes(await heading(), "the settings of their arms), after 2 runs of what was");

    // What was stated is kept where a study claims nothing any more.
    await sweep(plain);
    const none = JSON.parse(await read());
    assertEquals(none.claimsStated.length, 3);
    assertEquals(claimsText((await readStudyResults(folder)).claimsReport), []);

    // A study that never claimed anything has no word of claims there.
    await Deno.remove(path);
    await sweep(plain);
    assertFalse((await read()).includes("claims"));
    assertEquals((await readStudyResults(folder)).claims, null);
  }, parseStudy({ ...plain, claims }));
});

Deno.test("statements of a damaged study.json are none, and a report refuses claims that are none", async () => {
  await withFolder(async (folder) => {
    assertEquals(await claimsStatedIn(folder), []);
    const path = `${folder}/study.json`;
    await Deno.writeTextFile(path, "{");
    assertEquals(await claimsStatedIn(folder), []);
    await Deno.writeTextFile(
      path,
      JSON.stringify({ claimsStated: [{ hash: "a", at: "yesterday" }] }),
    );
    assertEquals(await claimsStatedIn(folder), []);
    const study = { ...plain, claims: [{ ...claims![0], margin: 0 }] };
    const stored = {
      schema: 1,
      study,
      studyFolder: ".",
      data: null,
      model: null,
      device: "cpu",
      runs: [],
    };
    await Deno.writeTextFile(path, JSON.stringify(stored));
    await assertRejects(() => readStoredStudy(folder), InputError, "claims.0.margin");
  });
});

Deno.test("a stored study's comparisons are resolved by its plan, also before any run is there", async () => {
  const study = parseStudy({
    name: "asked",
    axes: { tasks: ["RTE"], methods: ["elalora", "adalora"], budgets: [2, 4], seeds: [7] },
    comparisons: [{
      a: { method: "elalora", budget: 2 },
      b: { method: "adalora", budget: 4 },
    }],
  });
  await withFolder(async (folder) => {
    const id = "0123456789abcdef";
    await writeStoredStudy(folder, {
      study,
      ...{ studyFolder: ".", data: null, model: null, device: "cpu" },
      runs: expandStudy(study, { tasks, methods }).map((run) => ({
        folder: runFolder(run, id),
        id,
        run,
      })),
    });
    const { comparisons, runs } = await readStudyResults(folder);
    assertEquals(runs, []);
    assertEquals(comparisons.map(({ asked }) => asked), study.comparisons);
    assertEquals(
      comparisons[0]!.pairs.map(({ a, b }) => [runTitle(a), runTitle(b)]),
      [["RTE, elalora, r2, seed 7", "RTE, adalora, r4, seed 7"]],
    );
    // A plan whose comparisons are no such is told with its place.
    const path = `${folder}/study.json`;
    const text = (await Deno.readTextFile(path)).replace('"comparisons": [', '"comparisons": [3,');
    await Deno.writeTextFile(path, text);
    await assertRejects(() => readStudyResults(folder), InputError, "study.comparisons.0");
  });
});
