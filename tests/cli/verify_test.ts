/** `deno task verify` from end to end, on a tiny encoder. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { StoppedError } from "../../src/runs/events.ts";
import { UsageError } from "../../src/base/input_error.ts";
import { ablate } from "../../src/cli/ablate.ts";
import { verify } from "../../src/cli/verify.ts";
import { hashBytes } from "../../src/base/hash.ts";
import { sampleByKind } from "../../src/runs/after/recorded_run.ts";
import { verifyStudy } from "../../src/runs/after/verify.ts";
import type { Verification } from "../../src/record/verification.ts";
import { changeLine, tinyModel, verifyAll, withSwept } from "../runs/tiny_study.ts";
import { withFolder } from "../with_folder.ts";

const verdicts = ({ runs }: Verification) =>
  Object.fromEntries(runs.map(({ title, verdict }) => [title.split(", ")[1], verdict]));

Deno.test("verify makes every method's run again bit-equal on the CPU, and finds what was changed", async (t) => {
  await withSwept(async ({ home, folder, runOf, recordOf }) => {
    await t.step("all runs are bit-equal, ranks moved and masked included", async () => {
      assert(recordOf("elalora").happened.ranksMoved > 0);
      assert(recordOf("adalora").happened.rankEvents > 0);
      assertEquals(await verify([folder, "--all", "--jobs", "2"]), 0);
      const stored: Verification = JSON.parse(
        await Deno.readTextFile(`${folder}/verify/verification.json`),
      );
      assertEquals(verdicts(stored), {
        head: "bit-equal",
        lora: "bit-equal",
        adalora: "bit-equal",
        elalora: "bit-equal",
      });
      const elalora = stored.runs.find(({ title }) => title.includes("elalora"))!;
      const compared = Object.fromEntries(
        elalora.quantities.map(({ quantity, compared }) => [quantity, compared]),
      );
      assertEquals(compared["loss"], 14);
      assertEquals(compared["gradient norm"], 14);
      // Steps 5, 10 and 14, each with loss and accuracy.
      assertEquals(compared["evaluations"], 6);
      // 12 modules.
      assertEquals(compared["final ranks"], 12);
      assertEquals(compared["predictions"], 40);
      assert(compared["rank events"]! > 2, JSON.stringify(compared));
      assert(elalora.pinned.every(({ isSame }) => isSame), JSON.stringify(elalora.pinned));
      assert(elalora.pinned.some(({ item }) => item === "data moves/dev.tsv"));
      const page = await Deno.readTextFile(`${folder}/verify/verification.md`);
      assertMatch(page, /All 4 finished runs were checked: all are bit-equal\./);
      assertMatch(page, /Verified on \d{4}-\d\d-\d\d \d\d:\d\d UTC\./);
      const report = await Deno.readTextFile(`${folder}/report/report.html`);
      assertMatch(report, /Verified on [^<]*All 4 finished runs were checked: all are bit-equal\./);
      // Runs that were reproduced leave nothing behind.
      assertEquals(
        [...Deno.readDirSync(`${folder}/verify`)].map(({ name }) => name).sort(),
        ["verification.json", "verification.md"],
      );
    });

    await t.step(
      "a verification that is stopped writes nothing and leaves no half-made run",
      async () => {
        const path = `${folder}/verify/verification.json`;
        const before = await Deno.readTextFile(path);
        const watch = { signal: AbortSignal.abort() };
        await assertRejects(
          () => verifyStudy(folder, verifyAll, watch),
          StoppedError,
          "0 of 4 runs were compared",
        );
        assertEquals(await Deno.readTextFile(path), before);
        assertEquals([...Deno.readDirSync(`${folder}/verify`)].length, 2);
      },
    );

    await t.step("a sample is drawn by its seed, of different methods", async () => {
      const { runs } = await verifyStudy(folder, { ...verifyAll, sample: 2, seed: 3 });
      const methods = ["head", "lora", "adalora", "elalora"];
      assertEquals(
        runs.map(({ title }) => title.split(", ")[1]),
        [...sampleByKind(methods, 2, (method) => method, 3)],
      );
    });

    await t.step("a loss and a rank event that were changed are found at their steps", async () => {
      const losses = `${runOf("lora")}/steps.jsonl`;
      const lossesBefore = await Deno.readTextFile(losses);
      await changeLine(losses, 8, (line) => ({ ...line, loss: Number(line["loss"]) * 1.01 }));
      const events = `${runOf("elalora")}/ranks.jsonl`;
      const eventsBefore = await Deno.readTextFile(events);
      const line = eventsBefore.trimEnd().split("\n").findIndex((text) =>
        JSON.parse(text).changes.length > 0
      );
      const { step } = JSON.parse(eventsBefore.split("\n")[line]!) as { step: number };
      await changeLine(events, line, (event) => {
        const [first, ...rest] = event["changes"] as { to: number }[];
        return { ...event, changes: [{ ...first!, to: first!.to + 1 }, ...rest] };
      });
      assertEquals(await verify([folder, "--all", "--jobs", "1", "--no-report"]), 1);
      const { runs }: Verification = JSON.parse(
        await Deno.readTextFile(`${folder}/verify/verification.json`),
      );
      assertEquals(runs.map(({ verdict }) => verdict), [
        "bit-equal",
        "not reproduced",
        "bit-equal",
        "not reproduced",
      ]);
      const lora = runs[1]!;
      assertEquals([lora.firstBeyond?.step, lora.firstBeyond?.quantity], [9, "loss"]);
      assertEquals(lora.first, lora.firstBeyond);
      assertEquals(
        lora.firstBeyond?.wanted,
        Number(JSON.parse(lossesBefore.split("\n")[8]!)["loss"]) * 1.01,
      );
      assertEquals(
        lora.quantities.filter(({ agreement }) => agreement !== "bit-equal").map((q) => q.quantity),
        ["loss"],
      );
      // What was not reproduced stays, to be looked at.
      const kept = [...Deno.readDirSync(`${folder}/verify`)].filter((e) => e.isDirectory);
      assertEquals(
        kept.map(({ name }) => name).sort(),
        [runOf("lora"), runOf("elalora")].map((run) => run.split("/").at(-1)!).sort(),
      );
      // A tolerance above the change accepts the loss; a rank event is not a matter of tolerance.
      const lenient = await verifyStudy(folder, { ...verifyAll, tolerance: 1 });
      assertEquals(verdicts(lenient)["lora"], "within tolerance");
      const elalora = lenient.runs.find(({ title }) => title.includes("elalora"))!;
      assertEquals(elalora.verdict, "not reproduced");
      assertEquals(elalora.firstBeyond?.step, step);
      assertMatch(elalora.firstBeyond!.quantity, /^rank events: layer\.\d\.\w+$/);
      assertMatch(String(elalora.firstBeyond!.wanted), /^rank \d to \d$/);
      await Deno.writeTextFile(losses, lossesBefore);
      await Deno.writeTextFile(events, eventsBefore);
    });

    await t.step("another weights file is another input, not a failure", async () => {
      const model = `${home}/model`;
      await Deno.mkdir(model);
      for (const name of ["config.json", "vocab.txt"]) {
        await Deno.copyFile(`${tinyModel}/${name}`, `${model}/${name}`);
      }
      const tinyWeights = await Deno.readFile(`${tinyModel}/model.safetensors`);
      const weights = tinyWeights.slice();
      weights[weights.length - 2]! ^= 1;
      await Deno.writeFile(`${model}/model.safetensors`, weights);
      assertEquals(await verify([folder, "--sample", "1", "--model", model, "--no-report"]), 3);
      const { runs: [run] }: Verification = JSON.parse(
        await Deno.readTextFile(`${folder}/verify/verification.json`),
      );
      assertEquals([run!.verdict, run!.quantities], ["inputs differ", []]);
      const [recorded, here] = [tinyWeights, weights].map((bytes) => hashBytes(bytes).slice(0, 12));
      assertEquals(
        run!.message,
        `not run: recorded with weights ${recorded}…, here with weights ${here}…`,
      );
      await assertRejects(
        () => ablate([folder, "--model", model]),
        UsageError,
        `/${runOf("lora").split("/").at(-1)}": found a base model with hash ${
          hashBytes(weights)
        }, want ` +
          `${hashBytes(tinyWeights)} as its record says; give the right one by --model DIR`,
      );
    });

    await t.step("another device is named among what was pinned", async () => {
      const { runs } = await verifyStudy(folder, {
        ...verifyAll,
        device: "reference",
        sample: 1,
        tolerance: 1e-3,
      });
      const changed = runs[0]!.pinned.filter(({ isSame }) => !isSame).map(({ item }) => item);
      assertEquals(changed, ["executor", "device"]);
      assert(runs[0]!.first !== null);
    });

    await t.step("data that changed are named", async () => {
      await Deno.writeTextFile(`${home}/moves/dev.tsv`, "text\tlabel\nshe ran\tlively\n");
      const { runs } = await verifyStudy(folder, verifyAll);
      for (const { verdict, message } of runs) {
        assertEquals(verdict, "inputs differ");
        assertMatch(
          message!,
          /^not run: recorded with data moves\/dev\.tsv [0-9a-f]{12}…, here with data moves\/dev\.tsv [0-9a-f]{12}…$/,
        );
      }
    });
  });
});

Deno.test("verify refuses what it cannot use", async () => {
  await withFolder(async (home) => {
    await assertRejects(() => verify(["nothing", "--results", home]), UsageError, "study.json");
    // A study's file is no folder of results.
    const file = `${home}/study.json`;
    await Deno.writeTextFile(file, "{}");
    await assertRejects(() => verify([file, "--results", `${home}/none`]), UsageError, file);
    await assertRejects(() => verify(["--tolerence", "1"]), UsageError, "--tolerance");
    await assertRejects(
      () => verify(["x", "--all", "--sample", "2"]),
      UsageError,
      'Options "--all" and "--sample" are both given',
    );
  });
});
