/** Methods that look at inputs or hold examples out to score on, from sweep to verification, ablation and export. */
import { assert, assertEquals } from "@std/assert";
import { ablateStudy } from "../../src/runs/after/ablate.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { verify } from "../../src/cli/verify.ts";
import { targetModules } from "../../src/models/config.ts";
import { readSafetensors } from "../../src/models/safetensors.ts";
import type { RankLine } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { goldenConfig } from "../models/fixture.ts";
import { assertCountsAsPlanned } from "./counts_as_planned.ts";
import { ablateAll, tinyStudy, withSwept } from "./tiny_study.ts";

/** 80 examples: ten steps an epoch, nine once 8 are scored on. */
const study = parseStudy({
  ...tinyStudy,
  deltas: [],
  base: { ...tinyStudy.base, train: { ...tinyStudy.base?.train, keep: "last" } },
  axes: {
    ...tinyStudy.axes,
    methods: [
      { method: "prilora", label: "prilora", options: { n: 4, finalPrune: true } },
      { method: "alora", label: "alora", options: { K1: 0.5, K2: 0.2, examples: 8, n_A: 3 } },
    ],
  },
});

function linesOf(path: string): readonly RankLine[] {
  return Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => JSON.parse(line));
}

Deno.test("PRILoRA and ALoRA: swept, verified to the bit, ablated, exported", async () => {
  await withSwept(async ({ home, folder, runOf, recordOf }) => {
    // What PRILoRA's ranks cost is known before the run, what ALoRA's cost only within bounds.
    const counted = await assertCountsAsPlanned(study, home, folder);
    const isExact = (label: string) => {
      const { least, most } = counted.get(label)!.counts.final!;
      return least === most;
    };
    assertEquals(["prilora", "alora"].map(isExact), [true, false]);
    const modules = targetModules(goldenConfig);
    const prilora = recordOf("prilora").happened;
    // r_s = 4 and r_f = 12 scaled to an average of 2 over two layers.
    assertEquals(modules.map(({ name }) => prilora.initialRanks![name]), [
      ...Array(6).fill(1),
      ...Array(6).fill(3),
    ]);
    assertEquals(linesOf(`${runOf("prilora")}/ranks.jsonl`).map(({ step }) => step), [
      4,
      8,
      12,
      14,
    ]);
    const stored = modules.reduce(
      (sum, { name, inSize, outSize }) =>
        sum + prilora.initialRanks![name]! * (Math.ceil(inSize / 2) + outSize),
      0,
    );
    assertEquals(prilora.budget!.stored, stored);
    assert(stored < prilora.budget!.final);

    const alora = recordOf("alora").happened;
    assertEquals(linesOf(`${runOf("alora")}/ranks.jsonl`).map(({ step }) => step), [
      5,
      7,
      9,
      11,
      13,
    ]);
    assertEquals([alora.ranksMoved, alora.rankEvents], [15, 5]);
    assert(alora.time.eventMillis! > 0 && prilora.time.eventMillis! > 0);
    const total = Object.values(alora.finalRanks!).reduce((sum, rank) => sum + rank, 0);
    assertEquals(total, 2 * modules.length);

    assertEquals(await verify([folder, "--all", "--jobs", "1"]), 0);
    const verified = JSON.parse(Deno.readTextFileSync(`${folder}/verify/verification.json`));
    assertEquals(
      verified.runs.map(({ verdict }: { verdict: string }) => verdict),
      ["bit-equal", "bit-equal"],
    );
    const { ablated } = await ablateStudy(folder, ablateAll);
    assertEquals(ablated, 2);

    const out = `${home}/peft`;
    const options = { format: "peft" } as const;
    await exportRun(runOf("prilora"), { ...options, out });
    const path = `${out}/adapter_model.safetensors`;
    const { tensors } = readSafetensors(Deno.readFileSync(path), path);
    const pruned = [...tensors].filter(([name]) => name.includes("lora_A"));
    assertEquals(pruned.length, modules.length);
    for (const [name, { shape, data }] of pruned) {
      const zeros = [...data].filter((value) => value === 0).length;
      assertEquals(zeros, shape[0]! * Math.floor(shape[1]! / 2), name);
    }
    const { withoutRank } = await exportRun(runOf("alora"), { ...options, out: `${home}/alora` });
    assertEquals(
      withoutRank,
      modules.map(({ name }) => name).filter((name) => alora.finalRanks![name] === 0),
    );
  }, study);
});
