/** The table of settings: what all runs share, what differs, and between which runs. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertEquals } from "@std/assert";
import type { Json } from "../../src/base/canonical_json.ts";
import type { RanksOrigin } from "../../src/record/types.ts";
import { markdownOf } from "../../src/report/markdown.ts";
import type { RunResults, StudyResults } from "../../src/analysis/results.ts";
import { defaultSettings } from "../../src/study/schema/settings.ts";
import { type ScoredOptions, scoredStudy, withHappened } from "../analysis/scored_study.ts";
import { settingRows, tableOf } from "./table_of.ts";

interface Changes {
  readonly model?: string;
  readonly train?: Readonly<Record<string, unknown>>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly ranks?: Readonly<Record<string, number>>;
}

/** A study with default settings and what `change` says of each run. */
function study(
  options: Partial<ScoredOptions>,
  change: (asked: RunResults["record"]["asked"]) => Changes = () => ({}),
): StudyResults {
  const base = scoredStudy({ score: () => 0.5, ...options });
  return {
    ...base,
    runs: base.runs.map((run) => {
      const { asked } = run.record;
      const { model = "embedded", train = {}, options: own = {}, ranks = null } = change(asked);
      const settings = {
        ...defaultSettings,
        model,
        train: { ...defaultSettings.train, ...train },
      };
      return {
        ...run,
        record: {
          ...run.record,
          asked: {
            ...asked,
            options: own as Json,
            run: { settings, ranks } as unknown as Json,
          },
        },
      };
    }),
  };
}

/** Rows of one setting, as `differsBy | value | runs`. */
const rowsFor = (results: StudyResults, setting: string) =>
  settingRows(analyse(results)).filter((row) => row.setting === setting)
    .map(({ differsBy, value, runs }) => `${differsBy} | ${value} | ${runs}`);

Deno.test("settingRows of equal runs holds every setting once, for all runs, after the axes", () => {
  const rows = settingRows(analyse(study({ labels: ["lora"], budgets: [2, 8] })));
  assertEquals(
    rows.slice(0, 4).map(({ differsBy, setting, value }) => `${differsBy}: ${setting} ${value}`),
    [
      "varied: tasks t",
      "varied: methods lora",
      "varied: budgets rank 2, rank 8",
      "varied: seeds 1, 2, 3",
    ],
  );
  assertEquals(rows[4]!.setting, "encoder");
  assertEquals(rows.slice(5).map(({ setting, value }) => `${setting}: ${value}`), [
    "adapted modules: query, key, value, attention_output, intermediate, output",
    "held out of training: nothing",
    "training length: 3 epochs",
    "batch size: 32",
    "learning rate (peak): 0.001",
    "warm-up: 6 % of the steps",
    "schedule after the warm-up: linear decay to 0",
    "weight decay: 0",
    "AdamW β₁, β₂, ε: 0.9, 0.999, 1e-8",
    "gradient clipping: to norm 1",
    "dropout: hidden 0.1, attention 0.1, head 0.1, adapter 0",
    "longest text: 128 tokens",
    "evaluations: after each epoch, at the end",
    "selected evaluation: last",
    "metric: accuracy",
  ]);
  assert(
    rows.slice(4).every(({ differsBy, runs }) => differsBy === "all runs" && runs === "all runs"),
  );
});

Deno.test("settingRows says which runs a value belongs to, by the fewest axes", () => {
  const grid = {
    labels: ["lora", "p", "q", "head"],
    tasks: [["a", "accuracy"], ["b", "pearson"]] as const,
    budgets: [2, 8],
  };
  const rates = study(grid, ({ label, task, budget, seed }) => ({
    train: {
      learningRate: label === "lora" || label === "head" ? 0.001 : 0.02,
      batchSize: task === "a" ? 16 : 8,
      warmup: budget?.value === 8 ? 50 : 0,
      weightDecay: label === "p" && task === "b" ? 0.1 : 0,
      maxLength: 64 + seed,
    },
    options: label === "head"
      ? {}
      : { alpha: 16, ...(label === "q" ? { b: 4, decay: "cubic" } : {}) },
  }));
  assertEquals(rowsFor(rates, "learning rate (peak)"), [
    "by method | 0.001 | lora and head",
    "by method | 0.02 | p and q",
  ]);
  assertEquals(rowsFor(rates, "batch size"), ["by task | 16 | on a", "by task | 8 | on b"]);
  assertEquals(rowsFor(rates, "warm-up"), [
    "by budget | none | at rank 2 and no budget",
    "by budget | 50 steps | at rank 8",
  ]);
  assertEquals(rowsFor(rates, "weight decay"), [
    "by method and task | 0 | lora, q and head on a and b; p on a",
    "by method and task | 0.1 | p on b",
  ]);
  assertEquals(rowsFor(rates, "longest text"), [
    "by seed | 65 tokens | with seed 1",
    "by seed | 66 tokens | with seed 2",
    "by seed | 67 tokens | with seed 3",
  ]);
  assertEquals(rowsFor(rates, "metric"), [
    "by task | accuracy | on a",
    "by task | Pearson | on b",
  ]);
  // What a method does not have is left out for it, and is no value that all share.
  assertEquals(rowsFor(rates, "alpha"), ["by method | 16 | lora, p and q"]);
  assertEquals(rowsFor(rates, "options of the method"), ["by method | b 4, decay cubic | q"]);
  // What all share comes first, and what depends on the same axes stands together.
  const scopes = settingRows(analyse(rates)).map(({ differsBy }) => differsBy);
  assert(scopes.lastIndexOf("all runs") < scopes.findIndex((scope) => scope.startsWith("by ")));
  const blocks = scopes.filter((scope, i) => scope !== scopes[i - 1]);
  assertEquals(blocks.length, new Set(scopes).size);
});

Deno.test("settingRows names limits, held-out parts, steps, set ranks, and settings that it has no words for", () => {
  const odd = study({ labels: ["lora"], seeds: [1] }, () => ({
    train: {
      steps: 1200,
      schedule: "constant",
      warmup: 0,
      clipNorm: null,
      keep: "best",
      evaluateEvery: 50,
      evaluateEpochs: false,
      trainLimit: 2000,
      devLimit: 300,
      heldOut: 0.2,
      somethingNew: { inner: [1, 2] },
    },
    ranks: { "layer.0.query": 2 },
  }));
  const found = new Map(settingRows(analyse(odd)).map(({ setting, value }) => [setting, value]));
  for (
    const [setting, value] of [
      ["training length", "1,200 steps"],
      ["schedule after the warm-up", "constant"],
      ["warm-up", "none"],
      ["gradient clipping", "none"],
      ["selected evaluation", "best"],
      ["evaluations", "every 50 steps, at the end"],
      ["training examples used", "2,000 drawn by the seed"],
      ["evaluation examples used", "300"],
      [
        "held out of training",
        "20 % of the training split, evaluated in place of the evaluation splits",
      ],
      ["somethingNew", "inner 1, 2"],
      ["ranks", "set by hand for each module"],
    ] as const
  ) assertEquals(found.get(setting), value, setting);
});

Deno.test("settingRows reads sizes of the data from records, from predictions of older ones, and not from failed runs", () => {
  const plain = study({
    tasks: [["a", "accuracy"], ["b", "f1"]],
    score: ({ task, seed }) => task === "a" && seed === 2 ? null : 0.5,
  });
  const sized = withHappened(
    plain,
    ({ record: { asked, happened } }) =>
      happened.outcome.state === "failed" ? {} : {
        examples: {
          train: asked.task === "a" ? 3668 : 8551,
          splits: asked.task === "a" ? { dev: 408 } : { dev: 1043, mismatched: 9832 },
        },
      },
  );
  assertEquals(rowsFor(sized, "training examples"), [
    "by task | 3,668 | on a",
    "by task | 8,551 | on b",
  ]);
  assertEquals(rowsFor(sized, "evaluation examples"), [
    "by task | dev 408 | on a",
    "by task | dev 1,043, mismatched 9,832 | on b",
  ]);
  const predicted = {
    ...plain,
    runs: plain.runs.map((run) => ({
      ...run,
      predictions: ["dev", "dev", "train"].map((split, id) => ({
        split,
        id,
        target: 0,
        prediction: 0,
      })),
    })),
  };
  assertEquals(rowsFor(predicted, "training examples"), []);
  assertEquals(rowsFor(predicted, "evaluation examples"), ["all runs | dev 2 | all runs"]);
});

Deno.test("settingRows tells encoders by commit and by hash, and gives their size without head and adapters", () => {
  const hub = study({ labels: ["lora", "head"], seeds: [1] }, () => ({ model: "hub:o/n@main" }));
  const origin = {
    source: "hub",
    repository: "o/n",
    revision: "main",
    commit: "0123456789abcdef0123456789abcdef01234567",
  } as const;
  const fetched = {
    ...hub,
    runs: hub.runs.map((run) => ({
      ...run,
      record: { ...run.record, where: { ...run.record.where, model: origin } },
    })),
  };
  // The head's run has 4,000,000 parameters, of which 770 are the head's; LoRA's has its adapters among them.
  assertEquals(rowsFor(fetched, "encoder"), [
    "all runs | hub:o/n@main (commit 0123456789ab), 3.99 million parameters | all runs",
  ]);
  const folder = study({ labels: ["head"], seeds: [1] }, () => ({ model: "folder" }));
  assertEquals(rowsFor(folder, "encoder"), [
    "all runs | folder (weights cccccccccccc…), 4 million parameters | all runs",
  ]);
  const named = {
    ...folder,
    runs: folder.runs.map((run) => ({
      ...run,
      record: {
        ...run.record,
        where: { ...run.record.where, model: { source: "folder", name: "minilm" } as const },
      },
    })),
  };
  assertEquals(rowsFor(named, "encoder"), [
    "all runs | minilm (weights cccccccccccc…), 4 million parameters | all runs",
  ]);
});

Deno.test("settingsTable stands first, says nothing twice, and is empty without runs", () => {
  const table = tableOf(analyse(study({ labels: ["lora", "p"] })), "settings");
  const text = markdownOf(table);
  assert(text.includes("| all runs | batch size | 32 |  |"), text);
  assertEquals(tableOf(analyse(study({ score: () => undefined })), "settings").rows, []);
});

Deno.test("settingRows says where given ranks come from, relative to the run that has them", () => {
  const base = study({ labels: ["elalora", "a", "b", "c", "d"], budgets: [2] });
  const idOf = (label: string, seed: number) =>
    base.runs.find(({ record: { asked } }) => asked.label === label && asked.seed === seed)!.record
      .id;
  const origin = (label: string, seed: number): RanksOrigin | undefined => {
    const run = (of: number, as: "same" | "reversed") =>
      ({ type: "run", run: idOf("elalora", of), title: "t", as }) as const;
    switch (label) {
      case "a":
        return run(seed, "reversed");
      case "b":
        return { ...run(seed, "same"), run: "gone", title: "T, old, r2, seed 1" };
      case "c":
        return { type: "dose", add: [{ layer: 3, by: 1 }, { part: "query", by: -2 }] };
      case "d":
        return { type: "file", file: "r.json", as: "permuted" };
    }
  };
  const runs = base.runs.map((run) => {
    const { label, seed } = run.record.asked;
    const ranksFrom = origin(label, seed);
    const asked = { ...run.record.asked, ...(ranksFrom === undefined ? {} : { ranksFrom }) };
    return { ...run, record: { ...run.record, asked } };
  });
  assertEquals(rowsFor({ ...base, runs }, "ranks"), [
    "by method | the final ones of elalora, reversed | a",
    "by method | the final ones of T, old, r2, seed 1 | b",
    "by method | those of the budget, +1 in layer 3 and −2 in all query | c",
    "by method | those of r.json, permuted | d",
  ]);
});
