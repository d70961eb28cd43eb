/**
 * A trained model that evaluates texts of the caller's own.
 *
 * @module
 */
import type { DeviceTensor, Executor, Session } from "../../exec/executor.ts";
import { headAssembly, importAdapterFiles, type ImportBase } from "./imported_model.ts";
import { flatten } from "../../train/slots.ts";
import { storedRanks, type TrainedTensors } from "../../train/ablation.ts";
import { assemble, type Assembly } from "../../train/assemble.ts";
import { type AssemblyRequest, outputCount } from "../../train/assembly_request.ts";
import { evaluateSplit, type EvaluationSplit, outputsOf, softmaxOf } from "../../train/evaluate.ts";
import { evaluationSplit } from "../../train/run_data.ts";
import { importTensors } from "../../train/stored_tensors.ts";
import { encodeExamples } from "../../tasks/tokenizer.ts";
import type { Example, Task, Tokenizer } from "../../tasks/types.ts";
import { checkChoices, examplesOf, type OwnExample } from "../own_task.ts";

/** A text, a pair of texts, or a text with what it lets choose from. */
export type Text =
  | string
  | readonly [text: string, pair: string]
  | { readonly text: string; readonly choices: readonly string[] };

/** What a model says of a text. */
export interface Prediction {
  /** The likeliest label; null for a task that asks for a number. */
  readonly label: string | null;
  /** The number that the task asks for, or the label's probability. */
  readonly value: number;
  /** The probability of each label, in the task's order; empty for a number. */
  readonly probabilities: readonly number[];
}

/** Files by name. */
export type NamedFiles = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

interface TextModelParts {
  readonly task: Task;
  readonly tokenizer: Tokenizer;
  /** Tokens at which texts are cut. */
  readonly maxLength: number;
  readonly executor: Executor;
  readonly assembly: Assembly;
  /** The trained numbers, `[size]`. */
  readonly theta: Float32Array;
  readonly peft: () => NamedFiles;
}

/**
 * A text to predict as an example.
 *
 * @param wanted Choices that the task has, or null for none.
 */
function exampleOf(given: Text, id: number, wanted: number | null): Example {
  const fail = (want: string): never => {
    throw new TypeError(
      `Cannot predict texts[${id}]: found ${JSON.stringify(given)}, want ${want}`,
    );
  };
  if (wanted !== null) {
    if (typeof given !== "object" || given === null || !("choices" in given)) {
      return fail("an object with text and choices");
    }
    const { text, choices } = given;
    if (typeof text !== "string") fail("a string as text");
    checkChoices(choices, wanted, fail);
    return { id, text, pair: null, choices, target: 0 };
  }
  if (typeof given === "string") return { id, text: given, pair: null, target: 0 };
  if (Array.isArray(given) && given.length === 2 && given.every((one) => typeof one === "string")) {
    return { id, text: given[0], pair: given[1], target: 0 };
  }
  return fail("a string or a pair of strings");
}

/** A trained model; it holds memory of its device until it is disposed of. */
export class TextModel {
  /** Says what predictions are: its labels, or the bounds of a number. */
  readonly task: Task;
  readonly #parts: TextModelParts;
  readonly #session: Session;
  readonly #theta: DeviceTensor;

  private constructor(parts: TextModelParts, session: Session) {
    const { executor, theta } = parts;
    this.task = parts.task;
    this.#parts = parts;
    this.#session = session;
    this.#theta = executor.upload({ type: "f32", shape: [theta.length], data: theta });
  }

  /** Loads the program that evaluates. */
  static async load(parts: TextModelParts): Promise<TextModel> {
    return new TextModel(parts, await parts.executor.load(parts.assembly.evaluationProgram));
  }

  #split(examples: readonly Example[]): EvaluationSplit {
    const { tokenizer, maxLength } = this.#parts;
    return evaluationSplit("texts", {
      examples,
      encoded: encodeExamples(tokenizer, examples, maxLength),
      maxLength,
      padId: tokenizer.padId,
    });
  }

  /**
   * What the model says of each text.
   *
   * @throws {TypeError} If a text is neither a string nor a pair of strings, or lacks the choices that the task has.
   */
  async predict(texts: readonly Text[]): Promise<readonly Prediction[]> {
    const { output } = this.task;
    const wanted = output.type === "classification" && output.perChoice === true
      ? output.labels.length
      : null;
    const examples = texts.map((given, id) => exampleOf(given, id, wanted));
    if (examples.length === 0) return [];
    const { assembly } = this.#parts;
    const outputs = await outputsOf(
      { assembly, evaluate: this.#session },
      this.#theta,
      this.#split(examples),
    );
    return outputs.map((own) => {
      if (output.type === "regression") {
        return { label: null, value: own[0]!, probabilities: [] };
      }
      const probabilities = softmaxOf(own);
      const value = Math.max(...probabilities);
      return { label: output.labels[probabilities.indexOf(value)]!, value, probabilities };
    });
  }

  /**
   * The mean loss and the task's metrics on labelled texts.
   *
   * @throws {TypeError} If there is none, or one has a label that the task does not know.
   */
  async evaluate(
    examples: readonly OwnExample[],
  ): Promise<{ readonly loss: number; readonly metrics: Readonly<Record<string, number>> }> {
    if (examples.length === 0) {
      throw new TypeError("Cannot evaluate: found no example, want at least one");
    }
    const split = this.#split(examplesOf(this.task.output, examples, "examples"));
    const { assembly } = this.#parts;
    const { loss, metrics } = await evaluateSplit(
      { assembly, evaluate: this.#session },
      this.#theta,
      this.task,
      split,
    );
    return { loss, metrics };
  }

  /**
   * The adapter as files of peft's format, by name.
   *
   * @throws {RangeError} If peft has no form for it.
   */
  peftFiles(): NamedFiles {
    return this.#parts.peft();
  }

  /** Frees the device's memory. */
  async dispose(): Promise<void> {
    this.#parts.executor.dispose(this.#theta);
    await this.#session.release();
  }
}

interface StoredModel extends Omit<TextModelParts, "assembly" | "theta"> {
  readonly assembly: AssemblyRequest;
  /** Parts of the adapter, and what was trained whole, by name. */
  readonly tensors: TrainedTensors;
}

/** Loads a model of stored tensors. */
export function modelOfTensors(
  { assembly: request, tensors, ...parts }: StoredModel,
): Promise<TextModel> {
  const { adapter } = request.method;
  const modules = request.ranks.map(({ module }) => module);
  const rooms = adapter === null ? {} : storedRanks(modules, adapter, tensors);
  const assembly = assemble({
    ...request,
    // What was merged into the weights is among the stored slots.
    weights: "constant",
    capacityOf: ({ name }) => Math.max(1, rooms[name] ?? 0),
  });
  return TextModel.load({ ...parts, assembly, theta: importTensors(assembly, tensors).theta });
}

/** What an adapter's files are loaded on. */
export interface PeftModelRequest {
  /** Where the model computes; it must outlive the model. */
  readonly executor: Executor;
  /** The encoder that the adapter was trained on, with its tokenizer. */
  readonly base: ImportBase & { readonly tokenizer: Tokenizer };
  /** Says what the adapter's head predicts; the head must have one output a label, or one for a number. */
  readonly task: Task;
  /** Tokens at which texts are cut. */
  readonly maxLength: number;
}

/**
 * A model of an adapter in peft's format and its base.
 *
 * @throws {Error} If a file is missing or wrong, or the adapter does not fit the base; see `readPeftAdapter`.
 */
export async function modelOfPeftFiles(
  files: NamedFiles,
  request: PeftModelRequest,
): Promise<TextModel> {
  const { executor, base, task, maxLength } = request;
  const outputs = outputCount(task.output);
  const { tensors } = importAdapterFiles(files, "the given files", base, outputs);
  const assembly = headAssembly({ config: base.config, tensors }, task);
  const theta = flatten(assembly.layout, ({ name }) => tensors.get(name)!.data as Float32Array);
  return await TextModel.load({
    task,
    tokenizer: base.tokenizer,
    maxLength,
    executor,
    assembly,
    theta,
    peft: () => files,
  });
}
