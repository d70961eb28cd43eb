/**
 * `deno task unpack FILE`: the results folder of a packed study.
 *
 * @module
 */
import { packSuffix } from "../record/pack.ts";
import { outputFolder } from "../record/results_reader.ts";
import { checkPacked, unpackStudy } from "../runs/share/packing.ts";
import { commandOf } from "./command.ts";
import { runCommand, say } from "./terminal.ts";

/** The command. */
export const unpack = commandOf({
  name: "unpack",
  summary: "Restores the results folder of a packed study, after checking the hash of each file",
  takes: "FILE",
  least: 1,
  explained: [{ name: "FILE", text: `what deno task pack made, NAME${packSuffix}` }],
  places: ({ positional: [file], text }) => [
    { path: file!, option: "FILE" },
    { path: text("out") ?? outputFolder(file!), option: "FILE or --out", isWritten: true },
  ],
  options: [{
    name: "out",
    value: "DIR",
    text: "the folder to make (default: beside the file, with its name)",
  }],
  examples: [{
    line: `deno task unpack results/published/quickstart${packSuffix} --out results/quickstart`,
    text: "a study of the repository, to go on from",
  }],
}, async (parsed) => {
  const file = parsed.positional[0]!;
  checkPacked(file);
  const wanted = parsed.text("out") ?? outputFolder(file);
  const { out, files } = await unpackStudy(file, wanted);
  await say(`Unpacked ${files} files into ${out}`);
  return 0;
});

if (import.meta.main) await runCommand(unpack);
