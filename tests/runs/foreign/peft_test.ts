/** Results of peft's method comparison, cut to what is read. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { analyse } from "../../../src/analysis/analysis.ts";
import { InputError } from "../../../src/base/input_error.ts";
import { readForeignFiles } from "../../../src/runs/foreign/foreign_files.ts";
import { readPeftResult } from "../../../src/runs/foreign/peft.ts";
import { withFolder } from "../../with_folder.ts";

/**
 * Experiment, accuracy on GSM8K's test split and trained parameters, from `method_comparison/MetaMathQA/results` of
 * huggingface/peft at 5d602fdb (Apache-2.0).
 */
const published = [
  ["lily/llama-3.2-3B-rank140-mlp-a2-b2-s8.0", 0.5261561789234268, 9485280],
  ["lora/llama-3.2-3B-rank64-rslora", 0.513267626990144, 18350080],
  ["lora/llama-3.2-3B-rank32", 0.4783927217589083, 9175040],
  ["vera/llama-3.2-3B-default", 0.35405610310841545, 129024],
] as const;

const resultOf = ([experiment_name, accuracy, parameters]: typeof published[number]) => ({
  run_info: {
    experiment_name,
    train_config: { model_id: "meta-llama/Llama-3.2-3B", seed: 0 },
    peft_config: {},
  },
  train_info: {
    status: "success",
    num_trainable_params: parameters,
    metrics: [
      { step: 4750, "valid accuracy": 0.5 },
      { step: 5000, "test accuracy": accuracy, forgetting: 0.05 },
    ],
  },
});

const files = Object.fromEntries(
  published.map((own) => [
    `MetaMathQA/results/${own[0].replace("/", "--")}.json`,
    resultOf(own),
  ]),
);

Deno.test("a folder of peft's results has one model a method, of which its examples say something", async () => {
  await withFolder(async (folder) => {
    const { scores } = await readForeignFiles([folder]);
    const claims = [
      {
        name: "rslora",
        says: "better",
        a: { method: "lora rank64-rslora" },
        b: { method: "lora rank32" },
      },
    ] as const;
    const analysis = analyse(scores, { claims }, { baseline: "lora rank32" });
    const { oneSeed: [task], claimsReport, warnings, grid } = analysis;
    assertEquals(grid.labels.toSorted(), [
      ...["lily rank140-mlp-a2-b2-s8.0", "lora rank32", "lora rank64-rslora", "vera"],
    ]);
    assertEquals(claimsReport!.lines[0]!.answer, "undecided");
    const [best] = task!.models;
    assertEquals([task!.task, best!.label, best!.n], [
      ...["MetaMathQA", "lily rank140-mlp-a2-b2-s8.0", 1319],
    ]);
    // 694 and 631 of 1,319 are right: 4.8 points, less sure than by example.
    const { difference, low, high, shared } = best!.againstBaseline!;
    assertEquals([Math.round(difference * 1319), shared], [63, null]);
    assert(low > 0 && low < 0.012 && high > 0.08);
    const rslora = task!.models.find(({ label }) => label === "lora rank64-rslora")!;
    assert(rslora.againstBaseline!.corrected > 0.05 && rslora.againstBest!.corrected > 0.05);
    assert(task!.models.at(-1)!.againstBaseline!.corrected < 1e-6);
    const said = warnings.map(({ text }) => text).join();
    assertStringIncludes(said, "between 129,024 and 18,350,080 parameters");
  }, files);
});

Deno.test("a run of peft that was not a success has no score, and a file of another form says its key", () => {
  const result = resultOf(published[2]);
  const failed = { ...result, train_info: { ...result.train_info, status: "canceled" } };
  const [score] = readPeftResult(failed, "MetaMathQA/results/a.json");
  assertEquals([score!.method, score!.task, score!.score], ["lora rank32", "MetaMathQA", null]);
  const torn = { ...result, train_info: { ...result.train_info, num_trainable_params: "many" } };
  assertThrows(
    () => readPeftResult(torn, "a.json"),
    InputError,
    'Cannot read "a.json", train_info.num_trainable_params: found "many", want a number',
  );
});
