/** `deno task spectra` from the sweep's files to its own, on a tiny encoder. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { UsageError } from "../../../src/base/input_error.ts";
import { spectra as spectraCommand } from "../../../src/cli/spectra.ts";
import { mergedWeight } from "../../../src/methods/weight_update.ts";
import type { StudySpectra } from "../../../src/record/spectra.ts";
import { packStudy } from "../../../src/runs/share/packing.ts";
import { intruderThreshold, intruderTop } from "../../../src/runs/after/run_spectra.ts";
import { spectraOf } from "../../../src/runs/after/spectra.ts";
import { readStudyResults } from "../../../src/runs/study_results.ts";
import { readTrainedRun } from "../../../src/runs/trained_run.ts";
import { frobeniusNorm } from "../../../src/stats/spectra.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { goldenModel } from "../../models/fixture.ts";
import {
  forgetFiles,
  listening,
  type Swept,
  tinyModel,
  tinyStudy,
  withSwept,
} from "../tiny_study.ts";

const study = parseStudy({
  ...tinyStudy,
  axes: {
    ...tinyStudy.axes,
    methods: ["head", "lora", "adalora", "houlsby", "dora"],
    seeds: [1, 2],
  },
});

const whole = { model: null } as const;
const loraAlone = { ...whole, intruders: false, only: ["method=lora"] };

function withRuns(check: (swept: Swept) => Promise<void>): Promise<void> {
  return withSwept(check, study);
}

function numbersOf({ data }: { readonly data: ArrayLike<unknown> }): Float64Array {
  return Float64Array.from({ length: data.length }, (_, i) => Number(data[i]));
}

async function fileOf(folder: string): Promise<StudySpectra> {
  return JSON.parse(await Deno.readTextFile(`${folder}/spectra.json`));
}

Deno.test("each module's update has the norm of what its weights gained, and its rank's number of values", async () => {
  await withRuns(async ({ folder, runOf, recordOf }) => {
    const { spectra, read, left } = await spectraOf(folder, whole);
    assertEquals([read, left], [6, 0]);
    assertEquals(spectra, await fileOf(folder));
    assertEquals([spectra.top, spectra.threshold], [intruderTop, intruderThreshold]);
    const { tensors } = goldenModel();
    for (const method of ["lora", "adalora"]) {
      const record = recordOf(method);
      const { updates } = await readTrainedRun(runOf(method), { model: tinyModel });
      const own = spectra.runs.find(({ id }) => id === record.id)!;
      const { finalRanks } = record.happened;
      assertEquals(own.modules.map(({ rank }) => rank), Object.values(finalRanks!));
      const used = own.modules.filter(({ values }) => values.length > 0);
      assertEquals(used.length, updates.length);
      updates.forEach((update, i) => {
        const { norm, relativeNorm, effectiveRank, stableRank, rank, values } = used[i]!;
        const weight = tensors.get(`${update.path}.weight`)!;
        const before = numbersOf(weight);
        const gained = numbersOf(mergedWeight(weight, update)).map((x, j) => x - before[j]!);
        assert(norm > 1e-5);
        assertAlmostEquals(norm, frobeniusNorm(gained), 1e-5);
        assertAlmostEquals(relativeNorm * frobeniusNorm(before), norm, 1e-9);
        assert(values.length >= rank && 1 <= stableRank && stableRank <= effectiveRank + 1e-9);
        assert(effectiveRank <= values.length + 1e-9);
      });
    }
    // Modules that AdaLoRA masked whole have no update.
    const masked = spectra.runs.find(({ id }) => id === recordOf("adalora").id)!.modules
      .filter(({ rank }) => rank === 0);
    assert(masked.every(({ effectiveRank }) => effectiveRank === 0));
  });
});

Deno.test("seeds of a cell are compared in pairs, and what has no factors is named", async () => {
  await withRuns(async ({ folder }) => {
    const { spectra } = await spectraOf(folder, { ...whole, intruders: false });
    assertEquals(spectra.overlaps.length, 3);
    for (const { first, second, modules } of spectra.overlaps) {
      assert(first !== second && modules.length > 0);
      for (const { left, right, leftChance } of modules) {
        assert(left >= 0 && left <= 1 && right >= 0 && right <= 1 && leftChance <= 1);
      }
    }
    assert(
      spectra.runs.every(({ modules }) => modules.every(({ intruders }) => intruders === null)),
    );
    assertEquals(spectra.leftOut.map(({ title }) => title.split(",")[1]), [" houlsby", " houlsby"]);
    assert(spectra.leftOut[0]!.reason.includes("they change no weights"));
  });
});

Deno.test("a run without weights is named and left out; without any the command is refused", async () => {
  await withRuns(async ({ folder, runOf }) => {
    await Deno.remove(`${runOf("lora")}/adapter.safetensors`);
    await Deno.remove(`${runOf("lora")}/best.safetensors`).catch(() => {});
    const { events: told, onEvent } = listening();
    const { read, spectra } = await spectraOf(folder, loraAlone, { onEvent });
    assertEquals([read, spectra.runs.length, spectra.overlaps.length], [1, 1, 0]);
    const [left] = spectra.leftOut;
    assert(!told.some(({ kind }) => kind === "damaged"));
    assertEquals(told.filter(({ kind }) => kind === "left out"), [
      { kind: "left out", title: left!.title, reason: left!.reason },
    ]);
    assert(left!.reason.startsWith("found no weights; delete the folder"));
    await assertRejects(
      () => spectraOf(folder, { ...whole, only: ["method=houlsby"] }),
      UsageError,
      "found no run with factors, want at least one; Moves, houlsby",
    );
    await assertRejects(
      () => spectraOf(folder, { ...whole, only: ["method=head"] }),
      UsageError,
      "found no finished run with ranks",
    );
  });
});

Deno.test("a run whose weights cannot be read is named and left out, whether its record has their hashes or not", async () => {
  await withRuns(async ({ folder, runOf }) => {
    for (const name of ["adapter", "best"]) {
      await Deno.writeTextFile(`${runOf("lora")}/${name}.safetensors`, "");
    }
    const { events: told, onEvent } = listening();
    assertEquals((await spectraOf(folder, whole, { onEvent })).read, 5);
    const damaged = told.flatMap((event) => event.kind === "damaged" ? [event.run.folder] : []);
    assertEquals(damaged.map((name) => `${folder}/${name}`), [runOf("lora")]);
    await forgetFiles(runOf("lora"));
    const { read, spectra } = await spectraOf(folder, whole);
    assertEquals(read, 5);
    assert(spectra.leftOut.some(({ reason }) => reason.includes(`Cannot read "${runOf("lora")}/`)));
  });
});

Deno.test("a run whose record is damaged is told and left out", async () => {
  await withRuns(async ({ folder, runOf }) => {
    await Deno.writeTextFile(`${runOf("lora")}/record.json`, "{");
    const { events: told, onEvent } = listening();
    const { read } = await spectraOf(folder, loraAlone, { onEvent });
    assertEquals(read, 1);
    const damaged = told.flatMap((event) => event.kind === "damaged" ? [event.run.folder] : []);
    assertEquals(damaged.length, 1);
    assert(runOf("lora").endsWith(damaged[0]!));
  });
});

Deno.test("what was found of other runs stays, and intruders are looked for once", async () => {
  await withRuns(async ({ folder }) => {
    await spectraOf(folder, { ...whole, only: ["method=dora"] });
    const dora = await fileOf(folder);
    assertEquals(dora.runs.length, 2);
    assert(dora.runs[0]!.modules.every(({ intruders }) => intruders !== null));
    // A count that no search gives shows that it is taken from the file.
    const marked = {
      ...dora,
      runs: dora.runs.map((run, i) => ({
        ...run,
        weights: i === 0 ? run.weights : "of others",
        modules: run.modules.map((module) => ({ ...module, intruders: 1000 })),
      })),
    };
    await Deno.writeTextFile(`${folder}/spectra.json`, JSON.stringify(marked));
    await spectraOf(folder, { ...whole, only: ["method=lora", "seed=1"] });
    const both = await fileOf(folder);
    assertEquals([both.runs.length, both.overlaps.length], [4, 2]);
    assertEquals(both.runs.filter(({ modules }) => modules[0]!.intruders === 1000).length, 2);
    await spectraOf(folder, { ...whole, only: ["method=dora"] });
    const again = await fileOf(folder);
    assertEquals(again.runs.map(({ modules }) => modules[0]!.intruders === 1000), [
      ...both.runs.map(({ weights, modules }) =>
        modules[0]!.intruders === 1000 && weights !== "of others"
      ),
    ]);
    assertEquals(again.overlaps.length, 2);
  });
});

Deno.test("a stop leaves what whole cells had, and says how many are left", async () => {
  await withRuns(async ({ folder }) => {
    const stop = new AbortController();
    let measured = 0;
    const { read, left } = await spectraOf(folder, { ...whole, intruders: false }, {
      signal: stop.signal,
      onEvent: ({ kind }) => {
        if (kind === "measured" && ++measured === 3) stop.abort();
      },
    });
    assertEquals([measured, read, left], [3, 2, 6]);
    assertEquals((await fileOf(folder)).runs.length, 2);
  });
});

Deno.test("a pack is read with its weights and written beside; a damaged file and another encoder are told", async () => {
  await withRuns(async ({ home, folder, runOf }) => {
    const bare = `${home}/bare.ranklab.zip`;
    await packStudy(folder, { out: bare });
    await assertRejects(() => spectraOf(bare, whole), UsageError, "--weights");
    const full = `${home}/full.ranklab.zip`;
    await packStudy(folder, { out: full, weights: true });
    const packed = await spectraOf(full, { ...whole, intruders: false });
    assertEquals(packed.out, `${home}/full/spectra.json`);
    const loose = await spectraOf(folder, { ...whole, intruders: false });
    assertEquals(packed.spectra.runs, loose.spectra.runs);
    assertEquals((await readStudyResults(full)).spectra, packed.spectra);

    await Deno.writeTextFile(`${folder}/spectra.json`, '{"schema":1,"study":"tiny"}');
    const { spectra, damagedFiles: [damaged] } = await readStudyResults(folder);
    assertEquals([spectra, damaged?.file], [null, "spectra.json"]);
    assertStringIncludes(damaged!.problem, '"top"');
    const { events, onEvent } = listening();
    await spectraOf(folder, { ...whole, intruders: false }, { onEvent });
    assertEquals(events.filter(({ kind }) => kind === "damaged file").length, 1);
    assertEquals((await readStudyResults(folder)).spectra?.runs, loose.spectra.runs);
    await Deno.remove(`${folder}/spectra.json`);
    assertEquals((await readStudyResults(folder)).spectra, null);
    const path = `${runOf("lora")}/record.json`;
    const record = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, record.replace(/"weights": "\w+"/, '"weights": "other"'));
    await assertRejects(
      () => spectraOf(folder, { ...whole, only: ["method=lora"] }),
      UsageError,
      "want other as its record says; give the right one by --model DIR",
    );
  });
});

Deno.test("a record says how many modules ended at rank 1, and slots.json has what the last event decided by", async () => {
  await withRuns(async ({ folder, runOf, recordOf }) => {
    const { happened } = recordOf("adalora");
    assertEquals(
      happened.atFloor,
      Object.values(happened.finalRanks!).filter((rank) => rank === 1).length,
    );
    assertEquals([recordOf("lora").happened.atFloor, recordOf("head").happened.atFloor], [
      0,
      undefined,
    ]);
    const { runs } = await readStudyResults(folder);
    const { ranks, importance, slots } = runs.find(({ record }) =>
      record.id === recordOf("adalora").id
    )!;
    const last = ranks.at(-1)!;
    assertEquals([slots!.step, slots!.threshold], [last.step, last.threshold]);
    const sums = importance.find(({ step }) => step === last.step)!.scores;
    for (const [module, scores] of Object.entries(slots!.scores)) {
      assert(scores.length > 0);
      assertEquals(scores.reduce((sum, score) => sum + score, 0), sums[module]);
    }
    // A method without scores has no such file.
    assertEquals(runs.find(({ record }) => record.id === recordOf("lora").id)!.slots, null);
    // Older results are read without it.
    await Deno.remove(`${runOf("adalora")}/slots.json`);
    const again = (await readStudyResults(folder)).runs.filter(({ slots }) => slots !== null);
    assertEquals(again.map(({ record }) => record.asked.method), ["adalora"]);
  });
});

Deno.test("the command writes spectra and report", async () => {
  await withRuns(async ({ folder }) => {
    assertEquals(await spectraCommand([folder, "--only", "method=lora", "--no-intruders"]), 0);
    assertEquals((await fileOf(folder)).runs.length, 2);
    const page = await Deno.readTextFile(`${folder}/report/report.html`);
    assert(page.includes("Are the ranks used?"));
  });
});
