/** A sweep as a user runs it: what is skipped, what goes on, what fails and what a full disk costs. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { execute } from "../../src/runs/execute.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { writeReport } from "../../src/runs/write_report.ts";
import { sweepStudy } from "../../src/runs/sweep.ts";
import { methods } from "../../src/methods/table.ts";
import { StorageError } from "../../src/record/durable.ts";
import { InputError } from "../../src/base/input_error.ts";
import { damagedTexts } from "../../src/cli/event_text.ts";
import { NewerSchemaError } from "../../src/record/parser.ts";
import type { WorkEvent } from "../../src/runs/events.ts";
import type { RunRecord, StepLine } from "../../src/record/types.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import { assertCountsAsPlanned } from "../runs/counts_as_planned.ts";
import {
  executionsOf,
  sweepOptions,
  tinyStudy,
  underWayFolder,
  withSwept,
} from "../runs/tiny_study.ts";

function sweepIn(home: string, study: Study) {
  return sweepStudy({ study, folder: home, methods }, {
    ...sweepOptions,
    results: `${home}/results`,
  });
}

/** A journal without what differs from one execution to the next. */
async function timelessSteps(folder: string): Promise<readonly unknown[]> {
  const text = await Deno.readTextFile(`${folder}/steps.jsonl`);
  return text.trimEnd().split("\n").map((line) => {
    const { stepMillis: _time, ...rest } = JSON.parse(line) as StepLine;
    return rest;
  });
}

Deno.test("a sweep leaves records, and the same sweep again runs nothing", async () => {
  await withSwept(async ({ home, folder, recordOf, runOf }) => {
    const record = recordOf("elalora");
    assertEquals((await assertCountsAsPlanned(tinyStudy, home, folder)).size, 3);
    assertEquals(record.happened.outcome, { state: "finished" });
    assertEquals(record.happened.steps, 14);
    const ranks = Object.values(record.happened.finalRanks!);
    assertEquals(ranks.reduce((sum, rank) => sum + rank, 0), 24);
    assert(record.happened.ranksMoved > 0, "no rank has moved");
    assertEquals(record.happened.budget!.requested, record.happened.budget!.initial);
    // E, one number a rank, is not kept: an export multiplies it into A.
    assertEquals(record.happened.budget!.stored, record.happened.budget!.final - 24);
    // The best evaluation may come before AdaLoRA has masked all that it will.
    const masks = (await Deno.readTextFile(`${runOf("adalora")}/ranks.jsonl`)).trimEnd();
    assertEquals(JSON.parse(masks.split("\n").at(-1)!).budget, 24);
    const again = await sweepIn(home, tinyStudy);
    assertEquals([again.finished, again.failed, again.skipped], [0, 0, 4]);
    const results = await readStudyResults(folder);
    assertEquals(results.runs.length, 4);
    const page = await Deno.readTextFile(await writeReport(folder, results));
    assertStringIncludes(page, "elalora");
  });
});

for (const method of ["lora", "adalora", "elalora"]) {
  Deno.test(`a run of ${method} that is cut off goes on from its checkpoint and ends bit-equal`, async () => {
    await withSwept(async ({ home, runOf }) => {
      const { context, runs } = await executionsOf(home, `${home}/cut`);
      const planned = runs.find(({ run }) => run.method === method)!;
      const cut = `${context.results}/${planned.folder}`;
      const dying = execute(planned, {
        ...context,
        jobs: 3,
        onStep: ({ step }) =>
          step < 8 ? Promise.resolve() : Promise.reject(new StorageError("here", "cut off")),
      });
      await assertRejects(() => dying, StorageError, "cut off");
      // What a killed process may leave behind: lines after the checkpoint, the last of them torn.
      const left = underWayFolder(context.results, planned.folder);
      await Deno.writeTextFile(`${left}/steps.jsonl`, '{"step":8,"epoch":1}\n{"st', {
        append: true,
      });
      const result = await execute(planned, context);
      assert(result.kind === "recorded");
      // The most of its sittings: the record's times are shared ones.
      assertEquals(result.record.happened.time.jobs, 3);
      assertEquals(await timelessSteps(cut), await timelessSteps(runOf(method)));
      for (
        const file of [
          "adapter.safetensors",
          "ranks.jsonl",
          "importance.jsonl",
          "predictions.jsonl",
        ]
      ) {
        assertEquals(
          await Deno.readFile(`${cut}/${file}`),
          await Deno.readFile(`${runOf(method)}/${file}`),
          file,
        );
      }
      await assertRejects(() => Deno.stat(`${cut}/checkpoint.safetensors`), Deno.errors.NotFound);
    });
  });
}

Deno.test("a run that is asked to stop leaves a checkpoint and no record", async () => {
  await withSwept(async ({ home }) => {
    const { context, runs } = await executionsOf(home, `${home}/stopped`);
    const planned = runs[1]!;
    const result = await execute(planned, { ...context, isStopping: () => true });
    assertEquals(result, { kind: "stopped", step: 1 });
    const left = underWayFolder(context.results, planned.folder);
    const names = [...Deno.readDirSync(left)].map(({ name }) => name);
    assert(names.includes("checkpoint.safetensors"));
    assert(!names.includes("record.json"));
  });
});

Deno.test("a run that diverges is a record with its cause, and the sweep goes on", async () => {
  await withSwept(async ({ home }) => {
    const study = parseStudy({
      ...tinyStudy,
      name: "diverging",
      deltas: [
        ...tinyStudy.deltas ?? [],
        { when: { method: "lora" }, set: { train: { learningRate: 1e30, clipNorm: null } } },
      ],
    });
    const result = await sweepIn(home, study);
    assertEquals([result.finished, result.failed], [3, 1]);
    const failed = (await readStudyResults(result.folder)).runs.find(({ record }) =>
      record.asked.method === "lora"
    )!.record.happened;
    assert(failed.outcome.state === "failed");
    assertEquals(failed.outcome.cause, "diverged");
    assertStringIncludes(failed.outcome.message, "learningRate");
    // What it failed of is said; that it learned nothing needs no flag.
    assertEquals([failed.flags, failed.majority], [undefined, undefined]);
    const again = await sweepIn(home, study);
    assertEquals([again.finished, again.failed, again.skipped], [0, 0, 4]);
  });
});

Deno.test("a results folder that cannot be made stops the sweep with a message", async () => {
  await withSwept(async ({ home }) => {
    await Deno.writeTextFile(`${home}/file`, "");
    await assertRejects(
      () =>
        sweepStudy({ study: tinyStudy, folder: home, methods }, {
          ...sweepOptions,
          results: `${home}/file`,
        }),
      StorageError,
      "finished runs are safe",
    );
  });
});

Deno.test("a run that cannot be kept stops the sweep, keeps what is finished, and is made later", async () => {
  await withSwept(async ({ home, folder, runOf }) => {
    const before = await Deno.readTextFile(`${runOf("lora")}/record.json`);
    const lost = runOf("elalora");
    await Deno.remove(lost, { recursive: true });
    const { rename } = Deno;
    Deno.rename = async (from, to) => {
      if (String(to) === lost) throw new Error("No space left on device (os error 28)");
      await rename(from, to);
    };
    try {
      await assertRejects(() => sweepIn(home, tinyStudy), StorageError, lost);
    } finally {
      Deno.rename = rename;
    }
    assertEquals(await Deno.readTextFile(`${runOf("lora")}/record.json`), before);
    const again = await sweepIn(home, tinyStudy);
    assertEquals([again.finished, again.skipped], [1, 3]);
    assertEquals((await readStudyResults(folder)).runs.length, 4);
  });
});

Deno.test("a damaged run is named and left out of the report, and the rest of the study is read", async () => {
  await withSwept(async ({ folder, runOf }) => {
    await Deno.truncate(`${runOf("lora")}/steps.jsonl`, 0);
    await Deno.writeTextFile(`${runOf("head")}/record.json`, "{");
    await Deno.remove(`${runOf("adalora")}/predictions.jsonl`);
    const results = await readStudyResults(folder);
    assertEquals(results.runs.map(({ record }) => record.asked.method), ["elalora"]);
    const problems = results.damaged.map(({ problem }) => problem);
    assertStringIncludes(problems[0]!, "adalora");
    assertStringIncludes(problems[0]!, 'predictions.jsonl": found no such file');
    assertStringIncludes(problems[1]!, 'record.json", line 1: found no JSON');
    assertStringIncludes(problems[2]!, 'steps.jsonl": found 0 bytes, want the');
    const page = await Deno.readTextFile(await writeReport(folder, results));
    assertStringIncludes(page, "3 of 4 planned runs are damaged and left out");
    assertStringIncludes(page, `Run ${results.damaged[2]!.folder} damaged:`);
    assert(!/planned runs? ha(s|ve) not been made yet/.test(page));
  });
});

Deno.test("files that commands made are named and left out of the report where they are damaged", async () => {
  await withSwept(async ({ folder }) => {
    await Deno.mkdir(`${folder}/verify`);
    await Deno.mkdir(`${folder}/replay`);
    await Deno.writeTextFile(`${folder}/verify/verification.json`, "garbage");
    await Deno.writeTextFile(`${folder}/spectra.json`, '{"schema": 1, "study": "tiny"}');
    await Deno.writeTextFile(`${folder}/replay/study.json`, "{}");
    const results = await readStudyResults(folder);
    assertEquals([results.verification, results.spectra, results.replay], [null, null, null]);
    assertEquals(
      results.damagedFiles.map(({ file, command }) => [file, command]),
      [["verify/verification.json", "verify"], ["spectra.json", "spectra"], [
        "replay/study.json",
        "ablate",
      ]],
    );
    assertStringIncludes(results.damagedFiles[0]!.problem, `"${folder}/verify/verification.json"`);
    assertStringIncludes(damagedTexts(results)[0]!, "deno task verify makes it anew");
    const page = await Deno.readTextFile(await writeReport(folder, results));
    assertStringIncludes(page, "verify/verification.json is damaged and left out");
    assertEquals(results.runs.length, 4);

    // What a newer ranklab wrote is not damaged.
    await Deno.writeTextFile(`${folder}/spectra.json`, '{"schema": 2}');
    await assertRejects(() => readStudyResults(folder), NewerSchemaError, "update ranklab");
  });
});

Deno.test("a sweep makes runs again whose records are none, and reads no study that is none", async () => {
  await withSwept(async ({ home, folder, runOf }) => {
    await Deno.writeTextFile(`${runOf("lora")}/record.json`, '{"schema": 1, "id": "Unterm');
    await Deno.writeTextFile(`${runOf("head")}/record.json`, "");
    const stored = await Deno.readTextFile(`${folder}/study.json`);
    const elsewhere = stored.replace(/"folder": "Moves/, '"folder": "../../Moves');
    const texts = ["", "{}", "null", '{"schema":1,"study":{},"runs":[]}', elsewhere];
    for (const text of texts) {
      await Deno.writeTextFile(`${folder}/study.json`, text);
      const error = await assertRejects(
        () => readStudyResults(folder),
        InputError,
        "writes it anew",
      );
      assertEquals(error.file, `${folder}/study.json`);
    }
    const events: WorkEvent[] = [];
    const again = await sweepStudy(
      { study: tinyStudy, folder: home, methods },
      { ...sweepOptions, results: `${home}/results` },
      { onEvent: (event) => void events.push(event) },
    );
    assertEquals([again.finished, again.failed, again.skipped], [2, 0, 2]);
    const anew = events.filter((event) => event.kind === "anew");
    assertEquals(anew.length, 2);
    for (const { reason } of anew) assertStringIncludes(reason, "record.json");
    const { damaged, runs } = await readStudyResults(folder);
    assertEquals([damaged.length, runs.length], [0, 4]);
  });
});

Deno.test("results of a newer schema are refused and left as they are", async () => {
  await withSwept(async ({ home, runOf }) => {
    const path = `${runOf("lora")}/record.json`;
    const record = JSON.parse(await Deno.readTextFile(path)) as RunRecord;
    const newer = JSON.stringify({ ...record, schema: record.schema + 1 });
    await Deno.writeTextFile(path, newer);
    await assertRejects(() => sweepIn(home, tinyStudy), Error, "schema");
    assertEquals(await Deno.readTextFile(path), newer);
  });
});
