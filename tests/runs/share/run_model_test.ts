/** Models of finished runs, loaded in one call: their predictions are those that the runs recorded. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../../src/base/input_error.ts";
import { nativeExecutor } from "../../../src/exec/native.ts";
import { selectedOf } from "../../../src/study/grid/steps.ts";
import { readRun } from "../../../src/record/results_reader.ts";
import { loadModel } from "../../../src/runs/trained_run.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { tinyStudy, withSwept } from "../tiny_study.ts";

const methods = ["head", "lora", "adalora", "elalora", "pissa", "dora", "houlsby", "xgblora"];
const study = parseStudy({ ...tinyStudy, axes: { ...tinyStudy.axes, methods } });

Deno.test("a loaded run predicts what it recorded, whatever its method", () =>
  withSwept(async ({ home, runOf }) => {
    const executor = await nativeExecutor(1);
    const lines = (await Deno.readTextFile(`${home}/moves/dev.tsv`)).trim().split("\n").slice(1);
    const dev = lines.map((line) => {
      const [text, label] = line.split("\t") as [string, string];
      return { text, label };
    });
    for (const method of methods) {
      const { record, predictions } = (await readRun(runOf(method)))!;
      assertEquals(record.where.model, { source: "folder", name: "bert" });
      const model = await loadModel(runOf(method), { device: executor });
      const found = await model.predict(dev.map(({ text }) => text));
      const labels = ["calm", "lively"];
      assertEquals(
        found.map(({ label }) => labels.indexOf(label!)),
        predictions.map(({ prediction }) => prediction),
        method,
      );
      const { loss, metrics } = await model.evaluate(dev);
      const selected = selectedOf(record.happened.keep, record.happened)!;
      assertAlmostEquals(loss, selected.loss, 1e-5, method);
      assertEquals(metrics, selected.metrics, method);
      if (method === "lora") {
        for (const bytes of model.peftFiles().values()) assert(bytes instanceof Uint8Array);
      }
      await model.dispose();
    }
    const error = await assertRejects(() => loadModel(home, { device: executor }), UsageError);
    assert(error.message.includes("no record.json"), error.message);
  }, study));
