/** SD-LoRA through the commands: three tasks in turn, swept, verified, ablated, exported as one LoRA, refused for one task. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { ablateStudy } from "../../src/runs/after/ablate.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import { markdownOf } from "../../src/report/markdown.ts";
import { tablesOf } from "../../src/report/build.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import { assertCountsAsPlanned } from "./counts_as_planned.ts";
import { ablateAll, assertRepeats, tinyStudy, withSwept } from "./tiny_study.ts";

const rank = 2;

/** Does somebody sit, which number is the last word, and the first question again. */
const study: Study = parseStudy({
  ...tinyStudy,
  name: "directions",
  base: { ...tinyStudy.base, train: { ...tinyStudy.base!.train, keep: "last" } },
  userTasks: [
    ...tinyStudy.userTasks!,
    {
      name: "Words",
      files: { train: "moves/scored_train.tsv", dev: "moves/scored_dev.tsv" },
      columns: { text: "text", label: "score" },
      labels: [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5],
    },
    {
      name: "Again",
      files: { train: "moves/train.tsv", dev: "moves/dev.tsv" },
      columns: { text: "text", label: "label" },
      labels: ["calm", "lively"],
    },
  ],
  sequences: { Three: ["Moves", "Words", "Again"] },
  axes: {
    ...tinyStudy.axes,
    tasks: ["Three"],
    methods: [
      { method: "sdlora", label: "plain" },
      { method: "sdlora", label: "own", options: { alphaPer: "module" } },
      { method: "sdlora", label: "reduced", options: { rankReduction: { mu: 1, nu: 2 } } },
      // Everything is expressed by what came before, however badly.
      { method: "sdlora", label: "distilled", options: { tau: 1 } },
    ],
    budgets: [rank],
  },
});

async function stored(path: string) {
  return readSafetensors(await Deno.readFile(path), path).tensors;
}

Deno.test("SD-LoRA is swept, recorded, verified, ablated and exported as one LoRA", async (t) => {
  await withSwept(async ({ home, folder }) => {
    const { runs: all } = await readStudyResults(folder);
    const recordOf = (label: string) =>
      all.map(({ record }) => record).find(({ asked }) => asked.label === label)!;
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
    const runOf = (label: string) =>
      `${folder}/${names.find((name) => name.endsWith(recordOf(label).id.slice(0, 8)))}`;
    const plain = recordOf("plain").happened;
    const modules = Object.keys(plain.finalRanks!);
    const factors = plain.budget!.initial - 1;

    await t.step(
      "the plan knew what each task trains, but for directions that are dropped",
      async () => {
        const found = await assertCountsAsPlanned(study, home, folder);
        const width = (label: string) => {
          const { least, most } = found.get(label)!.counts.final!;
          return most - least;
        };
        assertEquals(["plain", "own", "reduced", "distilled"].map(width), [0, 0, 0, 2]);
      },
    );

    await t.step("ranks and budgets tell what is trained and what is stored", () => {
      const told = (label: string) => {
        const { budget, finalRanks } = recordOf(label).happened;
        const ranks = new Set(Object.values(finalRanks!));
        return [budget!.initial, budget!.peak, budget!.final, budget!.stored, ...ranks];
      };
      assertEquals(told("plain"), [factors + 1, factors + 3, factors + 3, 3 * factors, 3 * rank]);
      const each = modules.length;
      assertEquals(told("own"), [
        factors + each,
        factors + 3 * each,
        factors + 3 * each,
        3 * factors,
        3 * rank,
      ]);
      // Ranks 2, 2 · 8/10 and 2 · 6/10: 2, 2 and 1.
      assertEquals(told("reduced"), [
        factors + 1,
        factors + 2,
        factors / 2 + 3,
        5 * factors / 2,
        5,
      ]);
      // The second direction is dropped and the third stands beside the first.
      assertEquals(told("distilled"), [
        factors + 1,
        factors + 2,
        factors + 2,
        2 * factors,
        2 * rank,
      ]);
      assertEquals([plain.rankEvents, plain.ranksMoved], [2, 0]);
      assertEquals(recordOf("distilled").happened.ranksMoved, rank * modules.length);
    });

    await t.step("a verification makes every run again, bit-equal", async () => {
      await assertRepeats(folder, 4);
    });

    await t.step("an ablation starts from what was recorded", async () => {
      const { ablated } = await ablateStudy(folder, ablateAll);
      assertEquals(ablated, 4);
      for (const { record, ablation } of (await readStudyResults(folder)).runs) {
        const { averageAccuracy } = record.happened.sequence!;
        assertAlmostEquals(ablation!.baseline, averageAccuracy, 1e-5);
        assertEquals(
          ablation!.removals.filter(({ kind }) => kind === "module").length,
          modules.length,
        );
      }
    });

    for (const label of ["plain", "distilled"]) {
      await t.step(`an export for peft is one LoRA with all directions: ${label}`, async () => {
        const out = `${folder}/peft-${label}`;
        await exportRun(runOf(label), { format: "peft", out, baseName: "bert" });
        const config = JSON.parse(await Deno.readTextFile(`${out}/adapter_config.json`));
        const ranks = recordOf(label).happened.finalRanks!["layer.0.query"]!;
        assertEquals([config.r, config.lora_alpha], [ranks, ranks]);
        const exported = await stored(`${out}/adapter_model.safetensors`);
        const own = await stored(`${runOf(label)}/adapter.safetensors`);
        const part = (name: string) => own.get(`layer.0.query.${name}`)!;
        const pathOf = (which: string) =>
          [...exported].find(([name]) =>
            name.includes("layer.0.attention.self.query") && name.includes(which)
          )![1];
        const [A, B] = [pathOf("lora_A"), pathOf("lora_B")];
        assertEquals([A.shape, B.shape], [[ranks, 16], [16, ranks]]);
        for (let o = 0; o < 16; o++) {
          for (let i = 0; i < 16; i++) {
            let [found, wanted] = [0, 0];
            for (let k = 0; k < ranks; k++) {
              found += A.data[k * 16 + i]! * B.data[o * ranks + k]!;
              // α of the slot's task · factor · b aᵀ.
              const alpha = part("alpha").data[part("task").data[k]!]!;
              const product = part("A").data[k * 16 + i]! * part("B").data[k * 16 + o]!;
              wanted += alpha * part("factor").data[k]! * product;
            }
            assertAlmostEquals(found, wanted, 1e-6);
          }
        }
      });
    }

    await t.step("the report has the sequence", async () => {
      const tables = tablesOf(await readStudyResults(folder));
      const table = markdownOf(tables.find(({ id }) => id === "sequences")!);
      assertEquals(table.match(/\bThree\b/g)?.length, 4);
    });
  }, study);
});

Deno.test("SD-LoRA refuses a study of single tasks before any run", async () => {
  const single: Study = { ...study, axes: { ...study.axes, tasks: ["Moves", "Three"] } };
  const error = await assertRejects(() => withSwept(() => Promise.resolve(), single));
  assert(error instanceof Error);
  assert(error.message.includes("name a sequence of tasks, or use lora"), error.message);
});
