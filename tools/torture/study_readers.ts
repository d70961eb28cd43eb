/**
 * The readers of studies: those that stand alone, with claims, comparisons and what they tune, and those that extend another one.
 *
 * @module
 */
import { parseJson } from "../../src/base/read_json.ts";
import { methods } from "../../src/methods/table.ts";
import { expand } from "../../src/runs/plan/planning.ts";
import { problemsOfTune } from "../../src/runs/tune/problems.ts";
import { extendedStudy, parseStudy, parseStudyPart } from "../../src/study/schema/parse.ts";
import { type Study, type StudyPart } from "../../src/study/schema/study.ts";
import { type FuzzedReader, ofJson, text } from "./reader.ts";

const experiments = new URL("../../experiments/", import.meta.url);

/** A task that a study declares. */
export const userTask = {
  name: "Own",
  files: { train: ["a.csv", { path: "b.txt", format: "tsv" }], dev: "dev.csv" },
  columns: { text: "text", pair: "other", label: "label" },
  labels: ["no", "yes"],
  metrics: ["f1", "accuracy"],
};

/** Studies that stand alone. */
export function studies(): FuzzedReader {
  const names = [
    "quickstart",
    "embedded",
    "glue-embedded",
    "sequence-embedded",
    "all-systems",
    "tune-embedded",
  ];
  const own = {
    name: "own",
    base: { model: "hub:a/b@main", train: { epochs: 2, learningRate: 5e-4 } },
    userTasks: [userTask],
    deltas: [{ when: { method: ["lora"], budget: 4, seed: [1, 2] }, set: { train: { steps: 9 } } }],
    except: [{ task: "Own", seed: 3 }],
    axes: {
      tasks: ["Own", "RTE"],
      methods: ["lora", { method: "elalora", options: { b: 4 }, label: "mine" }, "full"],
      budgets: [4, { rank: 2.5 }, { parameters: 20_000 }],
      seeds: [1, 2, 3],
    },
  };
  return {
    name: "study",
    format: "json",
    corpus: [
      ...names.map((name) => Deno.readFileSync(new URL(`${name}.json`, experiments))),
      ofJson(own),
      ofJson(claiming),
    ],
    read: (bytes) => planned(parseStudy(parseJson(text(bytes), "study.json"), "study.json")),
  };
}

/** A study's runs, after the checks of its claims and of what it tunes. */
function planned(study: Study): unknown {
  const runs = expand(study, methods);
  return [runs, study.tune === undefined ? [] : problemsOfTune(study, study.tune, methods)];
}

/** Settings of one value of the axis that varies. */
const slow = { "train.learningRate": 1e-3 };

/** A study with all that decides a claim. */
const claiming: StudyPart = {
  name: "claiming",
  base: { model: "embedded", train: { steps: 600, evaluateEvery: 60 } },
  margin: { default: 0.02, Topic: 0.01 },
  convergence: { lossShare: 0.9, scoreGain: 0.005 },
  targets: { Topic: 0.5 },
  decide: { block: 3, mostSeeds: 12, rule: "pocock", betterThan: 0 },
  claims: [
    {
      name: "ours",
      says: "better",
      a: { method: "elalora", budget: 2, settings: slow },
      b: { method: "lora", budget: 4, settings: slow },
      tasks: ["Topic"],
      margin: 0.03,
      exclude: [{ seed: 3 }],
    },
    {
      name: "same",
      says: "equivalent",
      a: { method: "elalora", settings: slow },
      b: { method: "adalora", settings: slow },
    },
  ],
  comparisons: [
    {
      a: { method: "lora", budget: 2, settings: slow },
      b: { method: "lora", budget: 4, settings: slow },
    },
  ],
  axes: {
    tasks: ["Topic", "Genre"],
    methods: ["lora", "adalora", "elalora"],
    budgets: [2, 4],
    seeds: [1, 2, 3],
    settings: { "train.learningRate": [1e-3, 2e-3] },
  },
};

/** What a study may extend. */
const below: StudyPart = {
  base: { train: { warmup: 0.1, until: { plateau: { patience: 2 } } } },
  deltas: [{ when: { method: "lora" }, options: { alpha: 4 } }],
  axes: { budgets: [8], seeds: [1, 2] },
};

/** Studies that are laid over another one, as those are that extend a file. */
export function extendingStudies(): FuzzedReader {
  return {
    name: "study that extends another",
    format: "json",
    corpus: [
      ofJson({ ...claiming, extends: "below.json" }),
      Deno.readFileSync(new URL("verdict-embedded.json", experiments)),
    ],
    read: (bytes) => {
      const part = parseStudyPart(parseJson(text(bytes), "study.json"), "study.json");
      return planned(parseStudy(extendedStudy([below, part]), "study.json"));
    },
  };
}
