/**
 * `deno task import ADAPTER_FOLDER`: evaluates a LoRA adapter of peft on a task, and writes it merged into its base.
 *
 * @module
 */
import { chooseExecutor } from "../exec/choose.ts";
import { type ImportOptions, importPeft } from "../runs/share/import.ts";
import { contentsText } from "../runs/share/imported_model.ts";
import { defaultSettings } from "../study/schema/settings.ts";
import { commandOf } from "./command.ts";
import { option, required } from "./command_parts.ts";
import { terminalFetching } from "./fetch_report.ts";
import { scoreText } from "./work_status.ts";
import { eventText } from "./event_text.ts";
import { runCommand, say, wholeNumber } from "./terminal.ts";
import { inputPlaces, placesAt, studyPlaces } from "./access.ts";

/** The command. */
export const importCommand = commandOf({
  name: "import",
  summary: "Evaluates a LoRA adapter of peft on a task, and writes it merged into its base",
  takes: "ADAPTER_FOLDER --model DIR --task TASK",
  least: 1,
  explained: [{
    name: "ADAPTER_FOLDER",
    text: "adapter_config.json and adapter_model.safetensors of peft's LoRA or DoRA",
  }],
  options: [
    {
      name: "model",
      value: "DIR",
      text:
        "Hugging Face folder of the adapter's base; its classifier is used where the adapter has none",
    },
    {
      name: "task",
      value: "TASK",
      text: "the task on whose evaluation splits it is evaluated; classes in the task's order",
    },
    {
      name: "study",
      value: "STUDY",
      text: "a study file, or a name in experiments/, that declares the task in its userTasks",
    },
    { name: "data", value: "DIR", text: "folder with GLUE tasks" },
    {
      name: "max-length",
      value: "N",
      text: "tokens at which texts are cut (default: train.maxLength of the study's base, or " +
        `${defaultSettings.train.maxLength})`,
    },
    option.device("auto"),
    { name: "threads", value: "N", text: "threads of the CPU executors (default: all)" },
    {
      name: "out",
      value: "DIR",
      text: "also write merged weights and evaluation.json into a new or empty folder",
    },
  ],
  places: (parsed) => [
    { path: parsed.positional[0]!, option: "ADAPTER_FOLDER" },
    ...inputPlaces(parsed),
    ...studyPlaces(parsed.text("study"), "--study"),
    ...placesAt(parsed, "out", true),
  ],
  examples: [{
    line: "deno task import ADAPTER --model DIR --task RTE --data .cache/glue",
    text: "the metrics of an adapter that peft trained",
  }],
}, async (parsed) => {
  const folder = parsed.positional[0]!;
  const options: ImportOptions = {
    model: required(parsed, "import", "model"),
    task: required(parsed, "import", "task"),
    study: parsed.text("study"),
    data: parsed.text("data"),
    maxLength: wholeNumber(parsed.text("max-length"), "max-length", 4),
    out: parsed.text("out"),
  };
  const threads = wholeNumber(parsed.text("threads"), "threads");
  const { executor, description } = await chooseExecutor(parsed.text("device") ?? "auto", {
    ...(threads === null ? {} : { threads }),
  });
  const { evaluations, contents, leftOut, unusedData } = await importPeft(
    folder,
    options,
    executor,
    terminalFetching,
  );
  if (unusedData !== null) await say(eventText({ kind: "unused data", given: unusedData }));
  await say(`${folder}: ${contentsText(contents)}`);
  for (const { split, loss, metrics } of evaluations) {
    const numbers = Object.entries(metrics).map(([name, value]) => scoreText(name, value));
    await say(`${options.task} ${split}: ${[...numbers, `loss ${loss.toFixed(4)}`].join(", ")}`);
  }
  if (leftOut.length > 0) {
    await say(`Not computed: ${leftOut.join(", ")}, since import runs no code of a study`);
  }
  await say(`Device: ${description}`);
  if (options.out !== null) await say(`Written: ${options.out}`);
  return 0;
});

if (import.meta.main) await runCommand(importCommand);
