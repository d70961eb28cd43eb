/**
 * Runs of a tiny study whose trained numbers are replaced by those of a formula, so that their exports are the same everywhere.
 *
 * @module
 */
import { keptWeightsFile } from "../../src/runs/after/layer_ablation.ts";
import {
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from "../../src/models/safetensors.ts";
import { type RunRecord } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import { forgetFiles, tinyStudy, withSwept } from "../runs/tiny_study.ts";

/** How exports name the base: the same on every machine. */
export const baseName = "bert";

/** The methods, each under its label; a budget of two and a half ranks, so that ranks differ from the start. */
export const exportStudy: Study = parseStudy({
  ...tinyStudy,
  base: { ...tinyStudy.base, train: { ...tinyStudy.base?.train, steps: 10, keep: "last" } },
  axes: {
    ...tinyStudy.axes,
    methods: [
      { method: "lora", label: "lora" },
      { method: "lora", label: "rslora", options: { scaling: "alpha/sqrt(r)" } },
      { method: "dora", label: "dora" },
      { method: "adalora", label: "adalora" },
      { method: "sora", label: "sora" },
      { method: "elalora", label: "elalora" },
      { method: "beamlora", label: "beamlora", options: { useBeamloraStep: 4 } },
      // Both merge after step 8; boosters of rank 2 in one of the two layers.
      { method: "raclora", label: "raclora", options: { blockSteps: 8 } },
      { method: "xgblora", label: "xgblora", options: { rank: 2, layers: 1 } },
    ],
    budgets: [2.5],
  },
});

/** Slots of each module as if training had left them so; LoRA's stay as they were, and those of two blocks are kept. */
function ranksOf({ asked, happened }: RunRecord): Readonly<Record<string, number>> {
  const initial = happened.storedRanks ?? happened.initialRanks ?? {};
  const names = Object.keys(happened.initialRanks ?? {});
  return Object.fromEntries(
    names.map((name, i) => [name, asked.method === "elalora" ? i % 5 : initial[name]!]),
  );
}

/** Numbers in [-spread/2, spread/2] that depend on nothing but their place. */
function filled(shape: readonly number[], seed: number, spread: number): StoredTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const data = Float32Array.from(
    { length: size },
    (_, i) => ((((i + 1) * 37 + seed * 11) % 101) / 101 - 0.5) * spread,
  );
  return { shape, data };
}

/** The slots that AdaLoRA and SoRA have masked: all of the first module, the second of every other one that follows. */
function maskedSlots(ranks: Readonly<Record<string, number>>) {
  return Object.entries(ranks).flatMap(([module, rank], i) =>
    Array.from({ length: rank }, (_, slot) => ({ module, slot }))
      .filter(({ slot }) => i === 0 || (i % 2 === 1 && slot === 1))
  );
}

/**
 * Writes the formula's numbers over a run's.
 *
 * @param spread The largest minus the smallest. Default 0.8.
 */
export async function replaceWeights(folder: string, spread = 0.8): Promise<void> {
  const record = JSON.parse(await Deno.readTextFile(`${folder}/record.json`)) as RunRecord;
  const path = `${folder}/${keptWeightsFile(record)}`;
  const { tensors, metadata } = readSafetensors(await Deno.readFile(path), path);
  const ranks = ranksOf(record);
  const off = ["adalora", "sora"].includes(record.asked.method) ? maskedSlots(ranks) : [];
  const replaced = new Map<string, StoredTensor>();
  [...tensors].forEach(([name, { shape }], seed) => {
    const module = name.slice(0, name.lastIndexOf("."));
    // DoRA's lengths are one row whatever the rank.
    const rank = name.endsWith(".M") ? 1 : ranks[module];
    const own = filled(rank === undefined ? shape : [rank, shape[1]!], seed, spread);
    if (name.endsWith(".E") || name.endsWith(".g")) {
      for (const slot of off) if (slot.module === module) own.data[slot.slot] = 0;
    }
    replaced.set(name, own);
  });
  const header = { ...metadata, off: JSON.stringify(off) };
  await Deno.writeFile(path, writeSafetensors(replaced, "F32", header));
  await forgetFiles(folder);
}

/** A run with the formula's numbers. */
export interface FormulaRun {
  readonly label: string;
  readonly folder: string;
  readonly record: RunRecord;
}

/** The study with one of its methods alone. */
function onlyMethod(label: string): Study {
  const methods = exportStudy.axes.methods.filter((method) =>
    typeof method !== "string" && method.label === label
  );
  return { ...exportStudy, axes: { ...exportStudy.axes, methods } };
}

/**
 * Sweeps the study, replaces all weights, and removes everything afterwards.
 *
 * @param label The only method that is wanted. Default: all.
 */
export async function withFormulaRuns(
  check: (runs: readonly FormulaRun[]) => Promise<void>,
  label: string | null = null,
): Promise<void> {
  await withSwept(async ({ folder }) => {
    const runs: FormulaRun[] = [];
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (!isDirectory || name === "report") continue;
      const own = `${folder}/${name}`;
      await replaceWeights(own);
      const record = JSON.parse(await Deno.readTextFile(`${own}/record.json`)) as RunRecord;
      runs.push({ label: record.asked.label, folder: own, record });
    }
    await check(runs);
  }, label === null ? exportStudy : onlyMethod(label));
}
