/** `deno task ablate` from end to end, on a tiny encoder. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { ablate } from "../../src/cli/ablate.ts";
import { ablateStudy } from "../../src/runs/after/ablate.ts";
import { trainingRequest } from "../../src/runs/training_request.ts";
import { keptWeightsFile } from "../../src/runs/after/layer_ablation.ts";
import { planRecorded } from "../../src/runs/after/recorded_run.ts";
import { readStoredStudy } from "../../src/runs/stored_study.ts";
import { readStudyResults, readStudyRuns } from "../../src/runs/study_results.ts";
import { UsageError } from "../../src/base/input_error.ts";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { findMethod } from "../../src/methods/table.ts";
import { bert } from "../../src/models/bert.ts";
import { readSafetensors, writeSafetensors } from "../../src/models/safetensors.ts";
import type { RunAblation, RunRecord } from "../../src/record/types.ts";
import { assemble } from "../../src/train/assemble.ts";
import { evaluateSplit } from "../../src/train/evaluate.ts";
import { ProgramCache } from "../../src/train/programs.ts";
import { importTensors } from "../../src/train/stored_tensors.ts";
import { ablateAll, forgetFiles, scoredStudy, type Swept, withSwept } from "../runs/tiny_study.ts";
import { withFolder } from "../with_folder.ts";

async function ablationOf({ runOf }: Swept, method: string): Promise<RunAblation> {
  return JSON.parse(await Deno.readTextFile(`${runOf(method)}/ablation.json`));
}

const parts = ["query", "key", "value", "attention_output", "intermediate", "output"];

const total = (ranks: Readonly<Record<string, number>>) =>
  Object.values(ranks).reduce((sum, rank) => sum + rank, 0);

/**
 * The dev metric of a recorded run without the adapters of some modules, found another way: the adapters that stay are
 * multiplied out and added to the encoder's weights, and the encoder is run without any, by the reference executor.
 */
async function metricOfMerged(
  { folder }: Swept,
  method: string,
  isRemoved: (module: string) => boolean,
): Promise<number> {
  const stored = await readStoredStudy(folder);
  const runs = (await readStudyRuns(folder, stored)).filter(({ record }) =>
    record.asked.method === method
  );
  const { plan, recorded: [recorded] } = await planRecorded(
    stored,
    runs,
    ablateAll,
    () => Promise.resolve(),
  );
  const { planned, stored: run } = recorded!;
  const executor = new ReferenceExecutor();
  const programs = new ProgramCache(executor);
  const request = await trainingRequest(planned, { executor, programs, inputs: plan.inputs });
  const path = `${run.folder}/${keptWeightsFile(run.record)}`;
  const { tensors } = readSafetensors(await Deno.readFile(path), path);
  const { alpha } = planned.run.options as { readonly alpha: number };
  const average = planned.plan!.initial.reduce((sum, rank) => sum + rank, 0) /
    planned.modules.length;
  const encoder = request.assembly.encoder;
  const weights = new Map(encoder.tensors);
  for (const { name, layer, part, inSize, outSize } of planned.modules) {
    if (isRemoved(name)) continue;
    const key = `${bert.modulePath(layer, part)}.weight`;
    const merged = Float32Array.from(weights.get(key)!.data as Float32Array);
    const [A, B] = [tensors.get(`${name}.A`)!, tensors.get(`${name}.B`)!];
    const E = tensors.get(`${name}.E`);
    for (let slot = 0; slot < A.shape[0]!; slot++) {
      const factor = alpha / (average + (E === undefined ? 0 : 1e-5)) * (E?.data[slot] ?? 1);
      for (let o = 0; o < outSize; o++) {
        for (let i = 0; i < inSize; i++) {
          merged[o * inSize + i]! += factor * B.data[slot * outSize + o]! *
            A.data[slot * inSize + i]!;
        }
      }
    }
    weights.set(key, { type: "f32", shape: [outSize, inSize], data: merged });
  }
  const assembly = assemble({
    ...request.assembly,
    encoder: { ...encoder, tensors: weights },
    method: findMethod("head").bind({}),
    ranks: [],
  });
  const { theta } = importTensors(assembly, tensors);
  const evaluate = await executor.load(assembly.evaluationProgram);
  const { metrics } = await evaluateSplit(
    { assembly, evaluate },
    { type: "f32", shape: [theta.length], data: theta },
    request.task,
    request.splits[0]!,
  );
  return metrics[run.record.happened.primaryMetric]!;
}

Deno.test("ablate removes the adapters of every layer, module and part, and replays ranks", async (t) => {
  await withSwept(async (swept) => {
    const { folder, runOf, recordOf } = swept;

    await t.step("each run with ranks gets its ablation, the replay its runs", async () => {
      assertEquals(await ablate([folder, "--jobs", "2", "--threads", "1"]), 0);
      assert((await Deno.stat(`${folder}/report/report.html`)).size > 0);
      await assertRejects(() => ablationOf(swept, "head"), Deno.errors.NotFound);
      for (const method of ["lora", "adalora", "elalora"]) {
        const { happened } = recordOf(method);
        const { metric, baseline, removals } = await ablationOf(swept, method);
        assertEquals(metric, "pearson");
        const kept = happened.keep === "best" ? happened.best : happened.last;
        assertAlmostEquals(baseline, kept!.metrics["pearson"]!, 1e-5);
        const ranks = happened.finalRanks!;
        const layer = (at: number) =>
          total(Object.fromEntries(
            Object.entries(ranks).filter(([name]) => name.startsWith(`layer.${at}.`)),
          ));
        assertEquals(removals.map(({ kind, name, rank }) => [kind, name, rank]), [
          ["layer", "layer.0", layer(0)],
          ["layer", "layer.1", layer(1)],
          ...Object.entries(ranks).map(([name, rank]) => ["module", name, rank]),
          ...parts.map((
            part,
          ) => ["part", part, ranks[`layer.0.${part}`]! + ranks[`layer.1.${part}`]!]),
        ]);
        for (const { metric, loss } of removals) assertEquals(loss, baseline - metric);
        assert(removals.some(({ loss }) => Math.abs(loss) > 1e-3), JSON.stringify(removals));
      }
    });

    for (const method of ["lora", "adalora", "elalora"]) {
      await t.step(`${method}: a removal leaves what merged weights without it give`, async () => {
        const { baseline, removals } = await ablationOf(swept, method);
        assertAlmostEquals(await metricOfMerged(swept, method, () => false), baseline, 1e-4);
        // A layer, a module of the other one, and a part.
        const chosen = [removals[1]!, removals[4]!, removals.at(-1)!];
        for (const { name, metric } of chosen) {
          const left = await metricOfMerged(
            swept,
            method,
            (module) =>
              module === name || module.startsWith(`${name}.`) || module.endsWith(`.${name}`),
          );
          assertAlmostEquals(left, metric, 1e-4, name);
        }
      });
    }

    await t.step("the replay holds the total rank, and its uniform run is plain LoRA", async () => {
      const { replay, runs } = await readStudyResults(folder);
      assert(runs.filter(({ ablation }) => ablation !== null).length === 3);
      const byLabel = new Map<string, RunRecord>(
        replay!.runs.map(({ record }) => [record.asked.label, record]),
      );
      const uniformLabel = "LoRA, uniform ranks";
      assertEquals(
        [...byLabel.keys()],
        ["adalora", "elalora"].flatMap((method, i) => [
          `LoRA, ranks of ${method}`,
          `LoRA, reversed ranks of ${method}`,
          ...(i === 0 ? [uniformLabel] : []),
        ]),
      );
      // Both keep a total of two ranks a module.
      const baseline = byLabel.get(uniformLabel)!.id;
      const sources = ["adalora", "adalora", "adalora", "elalora", "elalora"];
      const variants = ["final", "reversed", "uniform", "final", "reversed"];
      assertEquals(
        replay!.runs.map(({ replay }) => replay),
        sources.map((method, i) => ({
          variant: variants[i],
          source: recordOf(method).id,
          baseline,
        })),
      );
      assertEquals(byLabel.get("LoRA, reversed ranks of elalora")!.asked.ranksFrom, {
        type: "run",
        run: recordOf("elalora").id,
        title: "Numbers, elalora, r2, seed 1",
        as: "reversed",
      });
      for (const method of ["adalora", "elalora"]) {
        const final = recordOf(method).happened.finalRanks!;
        assertEquals(byLabel.get(`LoRA, ranks of ${method}`)!.happened.finalRanks, final);
        const reversed = byLabel.get(`LoRA, reversed ranks of ${method}`)!.happened.finalRanks!;
        for (const [name, rank] of Object.entries(final)) {
          const opposite = name.replace(/\d/, (layer) => String(1 - Number(layer)));
          assertEquals(reversed[opposite], rank, name);
        }
      }
      const final = recordOf("elalora").happened.finalRanks!;
      for (const { happened } of byLabel.values()) {
        assertEquals(total(happened.finalRanks!), total(final));
      }
      const { last, best } = recordOf("lora").happened;
      const uniform = byLabel.get(uniformLabel)!.happened;
      assertEquals([uniform.last, uniform.best], [last, best]);
    });

    await t.step("one at a time leaves the same bytes as two", async () => {
      const paths = ["lora", "adalora", "elalora"].map((method) =>
        `${runOf(method)}/ablation.json`
      );
      const read = () => Promise.all(paths.map((path) => Deno.readFile(path)));
      const before = await read();
      for (const path of paths) await Deno.remove(path);
      assertEquals((await ablateStudy(folder, ablateAll)).ablated, 3);
      assertEquals(await read(), before);
    });

    await t.step(
      "an ablation that is stopped writes nothing, begins no replay, and goes on later",
      async () => {
        const path = `${runOf("lora")}/ablation.json`;
        const before = await Deno.readFile(path);
        await Deno.remove(path);
        const watch = { signal: AbortSignal.abort() };
        const stopped = await ablateStudy(folder, { ...ablateAll, replay: true }, watch);
        assertEquals([stopped.ablated, stopped.left, stopped.replay], [0, 1, null]);
        assert(stopped.stopped);
        await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
        const again = await ablateStudy(folder, ablateAll);
        assertEquals([again.ablated, again.left, again.stopped], [1, 0, false]);
        assertEquals(await Deno.readFile(path), before);
      },
    );

    await t.step("what is done is not done again", async () => {
      const again = await ablateStudy(folder, { ...ablateAll, replay: true });
      assertEquals([again.ablated, again.skipped, again.replay?.skipped], [0, 3, 5]);
    });

    await t.step(
      "one from before parts were removed is made anew, or counts without weights",
      async () => {
        const path = `${runOf("elalora")}/ablation.json`;
        const before = await Deno.readTextFile(path);
        const whole: RunAblation = JSON.parse(before);
        const removals = whole.removals.filter(({ kind }) => kind !== "part");
        const weights = `${runOf("elalora")}/${keptWeightsFile(recordOf("elalora"))}`;
        const bytes = await Deno.readFile(weights);
        await Deno.writeTextFile(path, JSON.stringify({ ...whole, removals }));
        await Deno.remove(weights);
        const without = await ablateStudy(folder, ablateAll);
        assertEquals([without.ablated, without.skipped, without.weightless], [0, 3, 0]);
        await Deno.writeFile(weights, bytes);
        assertEquals((await ablateStudy(folder, ablateAll)).ablated, 1);
        assertEquals(JSON.parse(await Deno.readTextFile(path)), JSON.parse(before));
      },
    );

    await t.step("an ablation of other ranks is made anew", async () => {
      const path = `${runOf("elalora")}/ablation.json`;
      const before = await Deno.readTextFile(path);
      const changed: RunAblation = JSON.parse(before);
      const removals = changed.removals.map((removal, i) =>
        i === 0 ? { ...removal, rank: removal.rank + 1 } : removal
      );
      await Deno.writeTextFile(path, JSON.stringify({ ...changed, removals }));
      assertEquals((await ablateStudy(folder, ablateAll)).ablated, 1);
      assertEquals(JSON.parse(await Deno.readTextFile(path)), JSON.parse(before));
    });

    await t.step("a label that the study changed afterwards is the one that is read", async () => {
      const path = `${folder}/study.json`;
      const before = await Deno.readTextFile(path);
      await Deno.writeTextFile(path, before.replaceAll('"label": "lora"', '"label": "plain"'));
      const { runs } = await readStudyResults(folder);
      assertEquals(runs.map(({ record }) => record.asked.label), [
        "head",
        "plain",
        "adalora",
        "elalora",
      ]);
      await Deno.writeTextFile(path, before);
    });

    await t.step("weights that do not do what the record says are refused by name", async () => {
      const path = `${runOf("lora")}/${keptWeightsFile(recordOf("lora"))}`;
      const bytes = await Deno.readFile(path);
      const { tensors, metadata } = readSafetensors(bytes, path);
      const bias = tensors.get("classifier.bias")!;
      const shifted = new Map(tensors);
      shifted.set("classifier.bias", { ...bias, data: bias.data.map((value) => value + 0.01) });
      await Deno.remove(`${runOf("lora")}/ablation.json`);
      await Deno.writeFile(path, writeSafetensors(shifted, "F32", metadata));
      const damaged = await ablateStudy(folder, ablateAll);
      assertEquals([damaged.ablated, damaged.skipped, damaged.weightless], [0, 2, 0]);
      await forgetFiles(runOf("lora"));
      await assertRejects(
        () => ablateStudy(folder, ablateAll),
        RangeError,
        'Cannot ablate the run "Numbers, lora, r2, seed 1": its stored weights give loss ',
      );
      await Deno.writeFile(path, writeSafetensors(tensors, "F32", { ...metadata, step: "3" }));
      await assertRejects(() => ablateStudy(folder, ablateAll), RangeError, "step 3, want run");
      for (const bad of [new Uint8Array(), new Uint8Array(bytes.length), bytes.subarray(0, 99)]) {
        await Deno.writeFile(path, bad);
        const unread = await ablateStudy(folder, ablateAll);
        assertEquals([unread.ablated, unread.skipped, unread.weightless], [0, 2, 1]);
      }
      await Deno.remove(path);
      const without = await ablateStudy(folder, ablateAll);
      assertEquals([without.ablated, without.skipped, without.weightless], [0, 2, 1]);
      await assertRejects(
        () => ablateStudy(folder, { ...ablateAll, only: ["method=lora"] }),
        RangeError,
        "want its weights",
      );
      // The other run has been ablated before, so that none of this part is left with anything to do.
      const side = { ...ablateAll, jobs: 2, only: ["method=lora,adalora"] };
      const beside = await ablateStudy(folder, side);
      assertEquals([beside.ablated, beside.skipped, beside.weightless], [0, 1, 1]);
      await Deno.writeFile(path, bytes);
      assertEquals((await ablateStudy(folder, { ...ablateAll, sample: 3 })).ablated, 1);
    });
  }, scoredStudy);
});

Deno.test("ablate refuses what it cannot use", async () => {
  await withFolder(async (home) => {
    await assertRejects(() => ablate(["nothing", "--results", home]), UsageError, "study.json");
    await assertRejects(() => ablate(["--no-replai"]), UsageError, "--no-replay");
    await assertRejects(() => ablate(["a", "b"]), UsageError, "Usage");
  });
});
