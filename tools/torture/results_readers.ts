/**
 * The readers of a folder of results, each with small files that it reads: those of one run of the published quickstart.
 *
 * @module
 */
import { unzipSync } from "fflate";
import { ownerHost, ownerName, ownerText } from "../../src/record/lease.ts";
import {
  decodeCheckpoint,
  encodeCheckpoint,
  readWeightsFile,
} from "../../src/record/checkpoint_file.ts";
import { parseJsonFile } from "../../src/record/damage.ts";
import { readRun, type ResultsReader } from "../../src/record/results_reader.ts";
import { parseStudySpectra, type StudySpectra } from "../../src/record/spectra.ts";
import { parseVerification } from "../../src/record/verification.ts";
import { writeSafetensors } from "../../src/models/safetensors.ts";
import { ownTasksOf } from "../../src/runs/plan/planning.ts";
import { runSpecOf } from "../../src/runs/after/recorded_run.ts";
import { readStoredStudy } from "../../src/runs/stored_study.ts";
import type { Checkpoint, Snapshot } from "../../src/train/run_types.ts";
import type { FuzzedReader } from "./reader.ts";

/** How the folder of the run begins whose files are changed, and the file with all of them. */
const run = "Topic-elalora-r4-seed1-";
const published = new URL("../../results/published/quickstart.ranklab.zip", import.meta.url);

const journals = ["steps", "evaluations", "ranks", "importance", "predictions"] as const;

const encode = (text: string) => new TextEncoder().encode(text);
const ofJson = (value: unknown) => encode(`${JSON.stringify(value)}\n`);
const jsonOf = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

/** The files that are wanted of the published study, by path; those of the run under `run/`. */
function publishedFiles(): Readonly<Record<string, Uint8Array>> {
  const files = unzipSync(Deno.readFileSync(published), {
    filter: ({ name }) =>
      name.startsWith(run) || name === "study.json" || name === "verify/verification.json",
  });
  return Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [
      name.startsWith(run) ? `run/${name.split("/").at(-1)!}` : name,
      bytes,
    ]),
  );
}

/** The first lines of a file. */
function firstLines(bytes: Uint8Array, count: number): Uint8Array {
  return encode(new TextDecoder().decode(bytes).split("\n").slice(0, count).join("\n") + "\n");
}

/** A folder of files in memory. */
function memoryReader(files: Readonly<Record<string, Uint8Array>>): ResultsReader {
  return {
    path: "memory",
    list: () => Promise.resolve(Object.keys(files)),
    has: (path) => Promise.resolve(Object.hasOwn(files, path)),
    read: (path) => Promise.resolve(files[path] ?? null),
  };
}

const slots = {
  schema: 1,
  step: 120,
  threshold: 0.25,
  scores: { "layer.0.query": [0.5, 0.125], "layer.0.key": [] },
};

/** The rows of the files in a run's folder: each is changed beside others that are as they were written. */
function runFiles(files: Readonly<Record<string, Uint8Array>>): readonly FuzzedReader[] {
  // Without the prints of its files, which would refuse each mutant at once.
  const { files: _prints, ...record } = jsonOf(files["run/record.json"]!);
  const whole: Record<string, Uint8Array> = {
    "record.json": ofJson(record),
    "slots.json": ofJson(slots),
    "ablation.json": files["run/ablation.json"]!,
  };
  for (const name of journals) {
    whole[`${name}.jsonl`] = firstLines(files[`run/${name}.jsonl`]!, 6);
  }
  const read = async (name: string, bytes: Uint8Array) => {
    const stored = await readRun(memoryReader({ ...whole, [name]: bytes }));
    return stored === null ? null : runSpecOf(stored);
  };
  const { happened } = record;
  const failed = {
    ...record,
    happened: {
      ...happened,
      outcome: { state: "failed", cause: "diverged", message: "Loss became NaN", step: 17 },
      flags: [{ kind: "loss-above-chance", loss: null, chance: 0.7 }],
      storedRanks: happened.finalRanks,
      estimate: {
        dimensions: [1.5],
        explained: { "layer.0.query": [0.5] },
        importance: { "layer.0.query": 0.25 },
        millis: 12,
      },
    },
  };
  return Object.entries(whole).map(([name, bytes]): FuzzedReader => ({
    name,
    format: name.endsWith(".jsonl") ? "lines" : "json",
    corpus: name === "record.json" ? [bytes, ofJson({ ...failed, files: {} })] : [bytes],
    read: (changed) => read(name, changed),
  }));
}

/** A checkpoint with all that one can hold. */
function checkpoint(): Uint8Array {
  const slot = { module: "layer.0.query", slot: 1 };
  const order = { "layer.0.query": [0, 1], "layer.0.key": [] };
  const snapshot = (step: number): Snapshot => ({
    step,
    epoch: 0.5,
    evaluations: [{ split: "dev", loss: NaN, metrics: { accuracy: 0.5 }, predictions: [0, 1] }],
    theta: Float32Array.of(step, 2, 3),
    order,
    off: [slot],
    merged: 1,
  });
  const stored: Checkpoint = {
    step: 6,
    cursor: { epoch: 0, batch: 6 },
    vectors: { theta: Float32Array.of(1, 2, 3) },
    order,
    openingRanks: { "layer.0.query": 2, "layer.0.key": 0 },
    lastScores: {
      step: 4,
      threshold: 0.25,
      modules: [{ module: "layer.0.query", scores: [0.5, NaN] }],
    },
    capacities: { "layer.0.query": 4, "layer.0.key": 4 },
    policyState: { event: 2, kept: [true, null, "x"] },
    cache: { theta: Float32Array.of(4, 5) },
    history: [{
      step: 3,
      tensors: [{ name: "layer.0.query.A", shape: [1, 2], data: Float32Array.of(6, 7) }],
    }],
    off: [slot],
    isMaskPermanent: false,
    isRatePinned: true,
    rankEvents: 2,
    ranksMoved: 4,
    peakParameters: 12,
    trainedSum: 70.5,
    countedSteps: 6,
    best: snapshot(3),
    last: snapshot(6),
  };
  return encodeCheckpoint({
    run: "0123456789abcdef",
    checkpoint: stored,
    journals: { steps: { bytes: 12, sha256: "ab" } },
    timings: {
      trainMillis: 1.5,
      evaluateMillis: 2,
      eventMillis: 3,
      wallMillis: 7,
      startedAt: "2001-02-03T04:05:06.000Z",
      jobs: 2,
    },
  });
}

function weights(): Uint8Array {
  const tensors = new Map([
    ["layer.0.query.A", { shape: [1, 2], data: Float32Array.of(1, 2) }],
    ["classifier.bias", { shape: [2], data: Float32Array.of(0, 1) }],
  ]);
  const off = JSON.stringify([{ module: "layer.0.query", slot: 1 }]);
  return writeSafetensors(tensors, "F32", { run: "0123456789abcdef", step: "12", off });
}

function spectra(): StudySpectra {
  return {
    schema: 1,
    study: "quickstart",
    top: 10,
    threshold: 0.5,
    runs: [{
      id: "0123456789abcdef",
      weights: "ab",
      modules: [{
        module: "layer.0.query",
        rank: 2,
        values: [1.5, 0.5],
        effectiveRank: 1.7,
        stableRank: 1.1,
        norm: 1.58,
        relativeNorm: 0.1,
        intruders: null,
      }],
    }],
    overlaps: [{
      first: "0123456789abcdef",
      second: "fedcba9876543210",
      modules: [{
        module: "layer.0.query",
        left: 0.5,
        right: 1,
        leftChance: 0.1,
        rightChance: 0.1,
      }],
    }],
    leftOut: [{ id: "1", title: "one", reason: "no weights" }],
  };
}

/** The rows of the files in a study's folder. */
function studyFiles(files: Readonly<Record<string, Uint8Array>>): readonly FuzzedReader[] {
  const { runs, ...study } = jsonOf(files["study.json"]!);
  const verification = jsonOf(files["verify/verification.json"]!);
  const [first, second] = runs;
  const full = {
    ...study,
    study: {
      ...study.study,
      userTasks: [{
        name: "Own",
        files: { train: "a.csv", dev: "dev.csv" },
        columns: { text: "text", label: "label" },
        labels: ["no", "yes"],
      }],
      sequences: { Both: ["Own", "Topic"] },
      comparisons: [{
        a: { method: "lora", budget: 2, settings: { "train.epochs": 3 } },
        b: { method: "elalora", budget: { parameters: 9000 } },
        task: ["Topic"],
      }],
    },
    methods: [{ name: "own", study: "own.ts", module: "own.ts", hash: "ab" }],
    warnings: [{ task: "Topic", kind: "cut-texts", count: 1, of: 2, text: "One is cut." }],
    runs: [{ ...first, replay: { variant: "same", source: first.id, baseline: second.id } }],
  };
  return [
    {
      name: "study.json of results",
      format: "json",
      corpus: [ofJson({ ...study, runs: runs.slice(0, 3) }), ofJson(full)],
      read: async (bytes) =>
        ownTasksOf((await readStoredStudy(memoryReader({ "study.json": bytes }))).study),
    },
    {
      name: "verification.json",
      format: "json",
      corpus: [ofJson({ ...verification, runs: verification.runs.slice(0, 1) })],
      read: (bytes) => parseVerification(parseJsonFile(bytes, "file"), "file"),
    },
    {
      name: "spectra.json",
      format: "json",
      corpus: [ofJson(spectra())],
      read: (bytes) => parseStudySpectra(parseJsonFile(bytes, "file"), "file"),
    },
    {
      name: "checkpoint.safetensors",
      format: "safetensors",
      corpus: [checkpoint()],
      read: (bytes) => decodeCheckpoint(bytes, "file"),
    },
    {
      name: "adapter.safetensors",
      format: "safetensors",
      corpus: [weights()],
      read: (bytes) => readWeightsFile(bytes, "file"),
    },
    {
      name: "owner of a lease",
      format: "json",
      corpus: [encode(ownerText({ host: "here", pid: 12, command: "sweep a.json" }, 7))],
      // What cannot be read belongs to another process, of which nothing is known.
      read: (bytes) => {
        const text = new TextDecoder().decode(bytes);
        return [ownerHost(text), ownerName(text, "lease")];
      },
    },
  ];
}

/** The readers of results. */
export function resultsReaders(): readonly FuzzedReader[] {
  const files = publishedFiles();
  return [...runFiles(files), ...studyFiles(files)];
}
