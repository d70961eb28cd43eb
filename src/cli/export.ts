/**
 * `deno task export RUN_FOLDER`: a finished run as files that other tools load.
 *
 * @module
 */
import { dirname } from "node:path";
import { unknownName } from "../base/suggest.ts";
import { UsageError } from "../base/input_error.ts";
import { exportRun } from "../runs/share/export.ts";
import { type ExportFormat, exportFormats } from "../runs/share/export_readme.ts";
import { commandOf } from "./command.ts";
import { terminalFetching } from "./fetch_report.ts";
import { runCommand, say, wholeNumber } from "./terminal.ts";
import { option, trustOf, trustPlaces } from "./command_parts.ts";
import { inputPlaces, placesAt } from "./access.ts";

function formatOf(name: string | null): ExportFormat {
  const format = exportFormats.find((known) => known === name);
  if (format !== undefined) return format;
  throw new UsageError(
    name === null
      ? `Option "--format" is missing, want one of ${exportFormats.join(", ")}`
      : unknownName("format", name, exportFormats),
  );
}

/** The command. */
export const exportCommand = commandOf({
  name: "export",
  summary: "Writes a finished run as files that other tools load",
  takes: `RUN_FOLDER --format ${exportFormats.join("|")}`,
  least: 1,
  explained: [{ name: "RUN_FOLDER", text: "the folder of a finished run, results/<study>/<run>" }],
  options: [
    {
      name: "format",
      value: "NAME",
      text:
        "peft: LoRA or DoRA in the format of peft (AdaLoRA and ElaLoRA are LoRA: E goes into A); " +
        "adapters: Houlsby's and Pfeiffer's in the format of adapters, with the base around it; " +
        "merged: whole weights, a folder that transformers loads; " +
        "onnx: a plain ONNX model of the whole, fed input_ids, attention_mask and token_type_ids; " +
        "peft and merged of the embedded encoder: a folder for AutoModel with the head in a file beside it; the lines of " +
        "Python that open it are in its README.md",
    },
    {
      name: "rank",
      value: "N",
      text: "keep only the first N ranks of each module, for methods that train them so (DyLoRA)",
    },
    {
      name: "out",
      value: "DIR",
      text: "a new or empty folder (default exports/<run>-<format>)",
    },
    {
      name: "model",
      value: "DIR",
      text: "Hugging Face folder of the base, if it is not where the sweep found it",
    },
    {
      name: "base",
      value: "NAME",
      text:
        "what adapter_config.json calls the base, for instance its name on a hub (default: its folder)",
    },
    option.trust,
  ],
  places: (parsed) => [
    // The study's own file lies beside the run's folder.
    { path: dirname(parsed.positional[0]!.replace(/\/+$/, "")), option: "RUN_FOLDER" },
    ...inputPlaces(parsed),
    ...trustPlaces(parsed),
    ...placesAt(parsed, "out", true),
  ],
  examples: [
    {
      line: "deno task export results/STUDY/RUN --format peft",
      text: "an adapter that peft loads",
    },
    {
      line: "deno task export results/STUDY/RUN --format onnx --out exports/mine",
      text: "one ONNX file",
    },
  ],
}, async (parsed) => {
  const folder = parsed.positional[0]!;
  const format = formatOf(parsed.text("format"));
  const name = folder.replace(/\/+$/, "").replace(/^.*\//, "");
  const rank = wholeNumber(parsed.text("rank"), "rank");
  const given = parsed.text("out");
  const model = parsed.text("model");
  const { out, withoutRank, hasLines } = await exportRun(folder, {
    format,
    rank,
    out: given ?? `exports/${name}${rank === null ? "" : `-r${rank}`}-${format}`,
    model,
    baseName: parsed.text("base"),
    trust: await trustOf(parsed, null),
  }, terminalFetching);
  await say(`Written: ${out} (${format})`);
  if (hasLines) await say(`The lines of Python that open it stand in ${out}/README.md`);
  if (withoutRank.length > 0) {
    await say(`Without a rank, as in the base: ${withoutRank.join(", ")}`);
  }
  return 0;
});

if (import.meta.main) await runCommand(exportCommand);
