/**
 * `deno task pack RESULTS`: a finished study as one file.
 *
 * @module
 */
import { dirname } from "node:path";
import { counted } from "../base/format.ts";
import { outputFolder } from "../record/results_reader.ts";
import { packSuffix } from "../record/pack.ts";
import { packStudy } from "../runs/share/packing.ts";
import { findResults } from "../runs/plan/study_file.ts";
import { defaultResults, wantFolder } from "../runs/stored_study.ts";
import { commandOf } from "./command.ts";
import { option } from "./command_parts.ts";
import { sizeText } from "./fetch_report.ts";
import { runCommand, say, wholeNumber } from "./terminal.ts";
import { askToWrite, resultsPlaces } from "./access.ts";

/** The command. */
export const pack = commandOf({
  name: "pack",
  summary: "Packs the results of a finished study into one file, which report and verify read",
  takes: "RESULTS",
  least: 1,
  explained: [{
    name: "RESULTS",
    text: "a results folder, or the name of a study that has been swept",
  }],
  places: ({ positional: [name], text }) => {
    const read = resultsPlaces(name!, text("results"));
    const out = text("out") ?? read[0]?.path;
    return [
      ...read.map(({ path, option }) => ({ path, option })),
      ...(out === undefined
        ? []
        : [{ path: dirname(out), option: "RESULTS or --out", isWritten: true }]),
    ];
  },
  options: [
    {
      name: "out",
      value: "FILE",
      text: `the file to write, NAME${packSuffix} (default: beside the folder, with its name)`,
    },
    {
      name: "weights",
      text: "pack the trained parameters too, which export, ablate and spectra need",
    },
    {
      name: "thin",
      value: "N",
      text:
        "keep one step in N of the journals of steps, besides the first, the last, and those of evaluations and rank events",
    },
    option.results,
  ],
  examples: [
    { line: "deno task pack results/quickstart", text: `makes results/quickstart${packSuffix}` },
    {
      line: "deno task pack results/quickstart --thin 10",
      text: "the same, of about half the size",
    },
  ],
  notes: [
    "The folder stays. Its report is not packed: deno task report FILE writes it again, beside the file. Equal folders " +
    "give equal files, byte for byte.",
    "With --thin, the tables of reports and all verdicts stay as they are, and only the curve of the training loss has fewer " +
    "points. What is left out cannot be had back from the pack, so keep the folder.",
  ],
}, async (parsed) => {
  const name = parsed.positional[0]!;
  const results = parsed.text("results");
  const found = await findResults(name, results ?? defaultResults);
  wantFolder(found, "pack", "it is packed already");
  const out = parsed.text("out") ?? found + packSuffix;
  await askToWrite("pack", dirname(out), "RESULTS or --out");
  const thin = wholeNumber(parsed.text("thin"), "thin", 2);
  const { files, bytes, weightsLeftOut, stepsLeftOut } = await packStudy(found, {
    out,
    weights: parsed.flag("weights"),
    ...(thin === null ? {} : { thin }),
  });
  const left = weightsLeftOut === 0
    ? ""
    : `; ${weightsLeftOut} files with weights were left out (--weights packs them)`;
  await say(
    `Packed ${files} files of ${sizeText(bytes.files)} into ${out}, ${sizeText(bytes.pack)}${left}`,
  );
  if (stepsLeftOut > 0) {
    await say(
      `${
        counted(stepsLeftOut, "step was", "steps were")
      } left out of the journals (--thin); the folder has them`,
    );
  }
  await say(`deno task report ${out} writes its report to ${outputFolder(out)}/report`);
  return 0;
});

if (import.meta.main) await runCommand(pack);
