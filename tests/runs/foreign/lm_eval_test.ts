/** Results of lm-evaluation-harness with their samples. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { analyse } from "../../../src/analysis/analysis.ts";
import { readForeignFiles } from "../../../src/runs/foreign/foreign_files.ts";
import { withFolder } from "../../with_folder.ts";

const n = 60;

/** Which of the examples a model has right. */
type Right = (example: number) => boolean;

/** The files of a model as `EvaluationTracker` of lm-eval 0.4 writes them. */
function filesOf(model: string, right: Right, time = "2026-05-01T10-00-00.123456") {
  const folder = `out/out__${model}`;
  const hits = Array.from({ length: n }, (_, i) => Number(right(i)));
  const acc = hits.reduce((sum, hit) => sum + hit, 0) / n;
  const results = {
    results: {
      arc_easy: {
        alias: "arc_easy",
        ...{
          "acc,none": acc,
          "acc_stderr,none": 0.06,
          "acc_norm,none": 0.5,
          "acc_norm_stderr,none": 0.06,
        },
      },
      wikitext: {
        alias: "wikitext",
        "word_perplexity,none": 12.5,
        "word_perplexity_stderr,none": "N/A",
      },
    },
    group_subtasks: { arc_easy: [], wikitext: [] },
    configs: { arc_easy: {}, wikitext: {} },
    versions: { arc_easy: 1, wikitext: 2 },
    "n-shot": { arc_easy: 0, wikitext: 0 },
    higher_is_better: {
      arc_easy: { acc: true, acc_norm: true },
      wikitext: { word_perplexity: false },
    },
    "n-samples": {
      arc_easy: { original: n, effective: n },
      wikitext: { original: 62, effective: 62 },
    },
    config: { model: "hf", model_args: `pretrained=base,peft=out/${model}` },
    model_name: `out/${model}`,
    model_name_sanitized: `out__${model}`,
  };
  const samples = hits.map((hit, i) => ({
    ...{
      doc_id: i,
      doc: { question: `q${i}` },
      target: "1",
      arguments: {},
      resps: [],
      filtered_resps: [],
    },
    ...{
      filter: "none",
      metrics: ["acc", "acc_norm"],
      doc_hash: "a",
      prompt_hash: "b",
      target_hash: "c",
    },
    ...{ acc: hit, acc_norm: i % 2 },
  }));
  return {
    [`${folder}/results_${time}.json`]: results,
    [`${folder}/samples_arc_easy_${time}.jsonl`]: samples.map((line) => JSON.stringify(line)).join(
      "\n",
    ),
  };
}

Deno.test("models of one seed are compared example by example, by McNemar's test", async () => {
  const files = {
    ...filesOf("lora", (i) => i < 30),
    // Twelve that LoRA has wrong are right here, one that it has right is wrong.
    ...filesOf("dora", (i) => i > 0 && i < 42),
  };
  await withFolder(async (folder) => {
    const { scores } = await readForeignFiles([`${folder}/out`]);
    const { oneSeed: [task], grid, rows } = analyse(scores);
    assertEquals(grid.metrics.get("arc_easy"), "acc%");
    assertEquals(grid.metrics.get("wikitext"), "word_perplexity↓");
    assertEquals(
      rows.find(({ label, task }) => label === "dora" && task === "arc_easy")!.score,
      41 / 60,
    );
    const [pair] = task!.pairs;
    assertEquals([pair!.label, pair!.other, pair!.shared], ["dora", "lora", n]);
    // 12 and 1: 2 (1 + 13) / 2¹³.
    assertEquals(Number(pair!.p.toFixed(8)), Number((28 / 2 ** 13).toFixed(8)));
    assert(pair!.low > 0.05 && pair!.high < 0.32);
  }, files);
});

Deno.test("a seed in the model's name is its seed; of what was made again the latest counts", async () => {
  const files = {
    ...filesOf("lora-seed1", (i) => i < 30),
    ...filesOf("lora-seed1", (i) => i < 36, "2026-05-02T10-00-00.123456"),
    ...filesOf("lora-seed2", (i) => i < 33),
  };
  await withFolder(async (folder) => {
    const { scores, warnings } = await readForeignFiles([`${folder}/out`]);
    const { rows } = analyse(scores);
    const own = rows.filter(({ task }) => task === "arc_easy");
    assertEquals(own.map(({ label, seed, score }) => [label, seed, score]), [
      ["lora", 1, 0.6],
      ["lora", 2, 0.55],
    ]);
    assertStringIncludes(
      warnings.join(),
      "2 results of lm-eval were made again, and the latest counts",
    );
  }, files);
});
