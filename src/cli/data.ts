/**
 * `deno task data [TASK…]`: fetches the official GLUE files.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { type GlueArchive, glueArchives } from "../tasks/glue_archives.ts";
import { commandOf } from "./command.ts";
import { defaultGlueFolder, fetchGlueTask } from "../fetch/glue.ts";
import { sizeText, terminalTransport } from "./fetch_report.ts";
import { UsageError } from "../base/input_error.ts";
import { runCommand, say } from "./terminal.ts";
import { placesAt } from "./access.ts";

function chosenArchives(names: readonly string[]): readonly GlueArchive[] {
  if (names.length === 0) return glueArchives;
  return names.map((name) => {
    const found = glueArchives.find(({ task }) => task.toLowerCase() === name.toLowerCase());
    if (found !== undefined) return found;
    throw new UsageError(unknownName("GLUE task", name, glueArchives.map(({ task }) => task)));
  });
}

function listingLine(archive: GlueArchive): string {
  const parts = archive.kind === "zip" ? [archive.archive] : [archive.pairs, archive.devIds];
  const sizes = parts.map(({ url, sizeBytes }) => `${url} (${sizeText(sizeBytes)})`);
  return `${archive.task}: ${sizes.join(", ")}`;
}

/** The command. */
export const data = commandOf({
  name: "data",
  summary: "Fetches the official files of GLUE tasks and checks them",
  takes: "[TASK ...]",
  most: Infinity,
  explained: [{
    name: "TASK",
    text: `${glueArchives.map(({ task }) => task).join(", ")} (default all)`,
  }],
  options: [
    {
      name: "data",
      value: "DIR",
      text: `where the files go (default ${defaultGlueFolder}); give the same to deno task sweep`,
    },
    {
      name: "mirror",
      value: "URL",
      text: "a server with the same files (CoLA.zip, ...) under this address",
    },
    { name: "list", text: "list what is there, fetch nothing" },
  ],
  places: (parsed) => parsed.flag("list") ? [] : placesAt(parsed, "data", true),
  examples: [{ line: "deno task data RTE MRPC", text: `two tasks into ${defaultGlueFolder}` }],
}, async (parsed) => {
  const archives = chosenArchives(parsed.positional);
  if (parsed.flag("list")) {
    for (const archive of archives) await say(listingLine(archive));
    return 0;
  }
  const folder = parsed.text("data") ?? defaultGlueFolder;
  const mirror = parsed.text("mirror");
  const transport = terminalTransport();
  for (const archive of archives) {
    const isNew = await fetchGlueTask(archive, { folder, mirror, transport });
    await say(`${archive.task}: ${isNew ? "fetched" : "there already"}`);
  }
  await say(`Sweep with --data ${folder}`);
  return 0;
});

if (import.meta.main) await runCommand(data);
