/** Packs whose journals of steps keep one step in so many: what stays, who knows it, refusals. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { convergenceOf } from "../../../src/analysis/run_convergence.ts";
import { millisUntil } from "../../../src/analysis/learning.ts";
import { hashBytes } from "../../../src/base/hash.ts";
import { UsageError } from "../../../src/base/input_error.ts";
import { pack } from "../../../src/cli/pack.ts";
import { DamagedFileError } from "../../../src/record/damage.ts";
import { resultDifferences } from "../../../src/record/earlier_attempts.ts";
import { type FileContent, openPack, packFiles } from "../../../src/record/pack.ts";
import {
  openResults,
  readRun,
  type ResultsReader,
  type StoredRun,
} from "../../../src/record/results_reader.ts";
import { csvOf } from "../../../src/report/csv.ts";
import { lossChart } from "../../../src/report/charts/training.ts";
import { tablesOf } from "../../../src/report/build.ts";
import { verificationSentence } from "../../../src/report/verification.ts";
import { verifyStudy } from "../../../src/runs/after/verify.ts";
import { packStudy, unpackStudy } from "../../../src/runs/share/packing.ts";
import { thinnedRun } from "../../../src/runs/share/thinning.ts";
import { readStudyResults } from "../../../src/runs/study_results.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { publishedFolder } from "../../contract/published.ts";
import { recordOf, stepLine } from "../../record/small_run.ts";
import { withFolder } from "../../with_folder.ts";
import { runsIn, sweepIn, tinyStudy, verifyAll, withSwept } from "../tiny_study.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const linesOf = (lines: readonly object[]) =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join("");
const stepsOf = ({ steps }: Pick<StoredRun, "steps">) => steps.map(({ step }) => step);

/** A run's folder in memory. */
function reading(files: Readonly<Record<string, string>>): ResultsReader {
  const all = new Map(Object.entries(files));
  return {
    path: "memory",
    list: () => Promise.resolve([...all.keys()]),
    has: (path) => Promise.resolve(all.has(path)),
    read: (path) => {
      const content = all.get(path);
      return Promise.resolve(content === undefined ? null : encode(content));
    },
  };
}

/** A hundred steps of a loss that falls and wavers, with evaluations after 33, 60 and 100 and an event after 47. */
const steps = Array.from({ length: 100 }, (_, i) => ({
  ...stepLine(i + 1),
  loss: 2 - i / 100 + 0.01 * Math.sin(i),
  stepMillis: 3 + Math.cos(i),
}));
const evaluations = [33, 60, 100].map((step) => ({
  step,
  epoch: step / 50,
  split: "dev",
  loss: 0.5,
  metrics: { accuracy: 0.5 },
}));
const record = recordOf("0123456789abcdef");
const whole: Readonly<Record<string, string>> = {
  "record.json": JSON.stringify({
    ...record,
    happened: { ...record.happened, steps: 100, last: evaluations[2] },
    keyOfALaterVersion: [1, 2],
  }),
  "steps.jsonl": linesOf(steps),
  "evaluations.jsonl": linesOf(evaluations),
  "ranks.jsonl": linesOf([{ step: 47, budget: 4, moved: 0, threshold: null, changes: [] }]),
};

/** The files of a run after its journal was thinned. */
async function thinnedFiles(
  files: Readonly<Record<string, string>>,
  every: number,
): Promise<Readonly<Record<string, string>>> {
  const reader = reading(files);
  const made = await thinnedRun(reader, (await readRun(reader))!, every);
  const changed = made!.files.map(({ path, bytes }) => [path, decode(bytes)] as const);
  return { ...files, ...Object.fromEntries(changed) };
}

Deno.test("a thinned journal keeps every N-th step, both ends, evaluations and events, and what is decided by all steps", async () => {
  const thin = await thinnedFiles(whole, 20);
  const [before, after] = [(await readRun(reading(whole)))!, (await readRun(reading(thin)))!];
  assertEquals(stepsOf(after), [1, 20, 33, 40, 47, 60, 80, 100]);
  // The lines are those that were written.
  assertEquals(after.steps, before.steps.filter(({ step }) => stepsOf(after).includes(step)));
  const { every, steps: count, whole: print } = after.record.thinned!;
  assertEquals({ every, count, print }, {
    every: 20,
    count: 100,
    print: { bytes: whole["steps.jsonl"]!.length, sha256: hashBytes(whole["steps.jsonl"]!) },
  });
  assertEquals(JSON.parse(thin["record.json"]!).keyOfALaterVersion, [1, 2]);

  for (const { step } of evaluations) {
    assertEquals(millisUntil(after, step), millisUntil(before, step));
  }
  // Who finds the run finished twice compares what both have.
  assertEquals(resultDifferences(before, after), []);
  assertEquals(resultDifferences(after, before), []);
  const other = before.steps.with(19, { ...before.steps[19]!, loss: 9 });
  assertEquals(resultDifferences({ ...before, steps: other }, after), ["steps"]);
});

Deno.test("thinning twice is thinning once, to the byte", async () => {
  const twice = await thinnedFiles(await thinnedFiles(whole, 10), 20);
  assertEquals(twice, await thinnedFiles(whole, 20));
  const reader = reading(twice);
  assertEquals(await thinnedRun(reader, (await readRun(reader))!, 20), null);
});

Deno.test("journals of few steps are thinned too, and one that was not kept stays so", async () => {
  for (const [count, kept] of [[0, []], [1, [1]], [2, [1, 2]], [5, [1, 5]]] as const) {
    const few = { ...whole, "steps.jsonl": linesOf(steps.slice(0, count)) };
    const run = (await readRun(reading(await thinnedFiles(few, 10))))!;
    assertEquals([stepsOf(run), run.record.thinned!.steps], [[...kept], count]);
  }
  const { "steps.jsonl": _, ...without } = whole;
  const reader = reading(without);
  assertEquals(await thinnedRun(reader, (await readRun(reader))!, 10), null);
});

Deno.test("a journal that breaks off or lacks a step is not thinned", async () => {
  const lines = whole["steps.jsonl"]!;
  const cases = [
    [lines.slice(0, -9), "found half a line on line 100"],
    [linesOf(steps.toSpliced(40, 1)), "found step 42 on line 41"],
    [linesOf([...steps, steps[7]!]), "found step 8 on line 101"],
  ] as const;
  for (const [text, found] of cases) {
    const error = await assertRejects(() => thinnedFiles({ ...whole, "steps.jsonl": text }, 10));
    assert(error instanceof UsageError);
    assertStringIncludes(error.message, `Cannot thin "memory/steps.jsonl": ${found}, want each`);
  }
});

Deno.test("a thinned journal that has other steps than its record says is damaged", async () => {
  const thin = await thinnedFiles(whole, 20);
  const lines = thin["steps.jsonl"]!.split(/(?<=\n)/);
  const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ ...thin, "steps.jsonl": lines.toSpliced(2, 1).join("") }, "found 7 steps"],
    [{ ...thin, "steps.jsonl": lines.toSpliced(2, 0, lines[1]!).join("") }, "found step 20"],
    [{ ...thin, "steps.jsonl": whole["steps.jsonl"]! }, "found step 2"],
    [
      { ...thin, "record.json": thin["record.json"]!.replace('"every": 20', '"every": 30') },
      "found step 20",
    ],
    [
      {
        ...thin,
        "record.json": thin["record.json"]!.replace(
          '"steps": 100,\n    "w',
          '"steps": 9007199254740991,\n    "w',
        ),
      },
      "found 8 steps",
    ],
  ];
  for (const [files, found] of cases) {
    // Prints would tell, which a forger writes anew.
    const { files: _prints, ...bare } = JSON.parse(files["record.json"]!);
    const error = await assertRejects(
      () => readRun(reading({ ...files, "record.json": JSON.stringify(bare) })),
      DamagedFileError,
      `Cannot read "memory/steps.jsonl": ${found}, want the `,
    );
    assertStringIncludes(error.message, "steps that its record says were kept: one step in ");
  }
  const wrong = { ...JSON.parse(thin["record.json"]!), files: {} };
  for (const every of [1, 0, -3, 2.5, "10", null]) {
    const changed = { ...wrong, thinned: { ...wrong.thinned, every } };
    await assertRejects(
      () => readRun(reading({ ...thin, "record.json": JSON.stringify(changed) })),
      Error,
      'key "thinned.every"',
    );
  }
});

Deno.test("reports of a thinned pack have the tables of the whole study, and say where curves have fewer points", async () => {
  await withFolder(async (home) => {
    const { out } = await unpackStudy(
      `${publishedFolder}/quickstart.ranklab.zip`,
      `${home}/quickstart`,
    );
    const file = `${home}/thin.ranklab.zip`;
    const { stepsLeftOut, bytes } = await packStudy(out, { thin: 30, out: file });
    assert(stepsLeftOut > 1000, `${stepsLeftOut}`);
    const [ofFolder, ofPack] = [await readStudyResults(out), await readStudyResults(file)];
    assertEquals(ofPack.damaged, []);
    assertEquals(ofPack.runs.length, ofFolder.runs.length);
    for (const [i, run] of ofFolder.runs.entries()) {
      assertEquals(convergenceOf(ofPack.runs[i]!), convergenceOf(run), run.record.id);
      assert(ofPack.runs[i]!.steps.length < run.steps.length);
    }
    const csv = (results: typeof ofPack) =>
      Object.fromEntries(tablesOf(results).map((table) => [table.id, csvOf(table)]));
    assertEquals(csv(ofPack), csv(ofFolder));
    assertEquals(ofPack.claimsReport, ofFolder.claimsReport);
    const caption = (results: typeof ofPack) =>
      lossChart(results, results.grid, new Map())!.caption;
    assertStringIncludes(
      caption(ofPack),
      `The pack has thinned the journals of ${ofPack.runs.length} runs: their thin lines are means of fewer steps.`,
    );
    assert(!caption(ofFolder).includes("thinned") || ofFolder.runs[0]!.record.thinned);
    assert(bytes.pack < (await packStudy(out, { out: `${home}/all.ranklab.zip` })).bytes.pack);
  });
});

const study = parseStudy({
  ...tinyStudy,
  axes: { ...tinyStudy.axes, methods: ["lora", "elalora"] },
});

Deno.test("a thinned pack is verified by what it keeps, unpacked, swept further and packed again", async (t) => {
  await withSwept(async ({ home, folder }) => {
    const file = `${home}/thin.ranklab.zip`;
    const again = `${home}/results/again`;

    await t.step("the manifest says the rule, and each record of a run", async () => {
      assertEquals(await pack([folder, "--thin", "4", "--out", file]), 0);
      assertEquals(openPack(await Deno.readFile(file), file).thinned, 4);
      const { runs } = await readStudyResults(file);
      assertEquals(runs.map(({ record }) => record.thinned?.every), [4, 4]);
      assertEquals(stepsOf(runs[0]!), [1, 4, 5, 8, 10, 12, 14]);
      // The folder stays as it is.
      for (const { record, steps } of await runsIn(folder)) {
        assertEquals([record.thinned, steps.length], [undefined, 14]);
      }
    });

    await t.step("its runs are repeated, and the steps that are left are compared", async () => {
      const verification = await verifyStudy(file, verifyAll);
      const { runs } = verification;
      assertEquals(runs.map(({ verdict, thinned }) => [verdict, thinned]), [
        ["bit-equal", 4],
        ["bit-equal", 4],
      ]);
      const losses = runs[0]!.quantities.find(({ quantity }) => quantity === "loss")!;
      assertEquals([losses.compared, losses.equal], [7, 7]);
      const said = "thinned to one step in 4, and what was kept was compared";
      assertStringIncludes(verificationSentence(verification), `2 journals of steps were ${said}`);
      assertStringIncludes(
        await Deno.readTextFile(`${home}/thin/verify/verification.md`),
        said,
      );
      assertEquals((await readStudyResults(file)).verification?.runs[0]?.thinned, 4);
    });

    await t.step("it is unpacked, and packed again to the same bytes", async () => {
      await unpackStudy(file, again);
      const { out, stepsLeftOut } = await packStudy(again);
      assertEquals([await Deno.readFile(out), stepsLeftOut], [await Deno.readFile(file), 0]);
    });

    await t.step(
      "a sweep goes on in it: new journals are whole, and the pack knows both",
      async () => {
        const more = { ...study, name: "again", axes: { ...study.axes, seeds: [1, 2] } };
        const { finished, failed } = await sweepIn(home, more);
        assertEquals([finished, failed], [2, 0]);
        const mixed = `${home}/mixed.ranklab.zip`;
        await packStudy(again, { out: mixed });
        assertEquals(openPack(await Deno.readFile(mixed), mixed).thinned, 4);
        const rules = async (of: string) =>
          (await readStudyResults(of)).runs.map(({ record }) => record.thinned?.every ?? null)
            .sort();
        assertEquals(await rules(mixed), [4, 4, null, null]);
        const { stepsLeftOut } = await packStudy(again, { thin: 8, out: `${home}/8.ranklab.zip` });
        assert(stepsLeftOut > 0);
        assertEquals(await rules(`${home}/8.ranklab.zip`), [8, 8, 8, 8]);
      },
    );

    await t.step("what a thinned journal cannot give is refused", async () => {
      for (const thin of [2, 3, 6]) {
        await assertRejects(
          () => packStudy(again, { thin, out: `${home}/no.ranklab.zip` }),
          UsageError,
          `Cannot thin "${again}" to one step in ${thin}: found a journal of one step in 4, from which it cannot be taken, ` +
            "want a multiple of 4; give --thin 4 or 8",
        );
      }
      for (const thin of ["0", "1", "1.5", "-2", "ten"]) {
        await assertRejects(
          () => pack([again, `--thin=${thin}`]),
          UsageError,
          `Option "--thin" is "${thin}", want a whole number of at least 2`,
        );
      }
      for (const thin of [0, 1, 1.5, -2, NaN, Infinity]) {
        await assertRejects(
          () => packStudy(again, { thin }),
          UsageError,
          `found ${thin}, want a whole number from 2`,
        );
      }
    });

    await t.step(
      "a manifest with another rule than its journals is refused, run by run",
      async () => {
        const reader = await openResults(file);
        const files: FileContent[] = [];
        for (const path of await reader.list()) {
          files.push({ path, bytes: (await reader.read(path))! });
        }
        const wants = [[8, "one step in 8"], [null, "whole journals"]] as const;
        for (const [rule, wanted] of wants) {
          const forged = `${home}/forged.ranklab.zip`;
          await Deno.writeFile(forged, packFiles(files, forged, rule));
          const { runs, damaged } = await readStudyResults(forged);
          assertEquals([runs.length, damaged.length], [0, 2]);
          assertStringIncludes(
            damaged[0]!.problem,
            `record.json": found a journal of one step in 4, want ${wanted}, as the pack's manifest says`,
          );
        }
      },
    );
  }, study);
});
