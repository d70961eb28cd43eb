/**
 * `deno task schema`: writes the JSON Schema of study files, for completion in editors.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { methods } from "../methods/table.ts";
import { writeWhole } from "../record/run_folder.ts";
import { studyJsonSchema } from "../spec/json_schema.ts";
import { builtInTasks } from "../tasks/catalog.ts";
import { userTaskJsonSchema } from "../tasks/user_task.ts";
import { readArguments, runCommand, say, UsageError } from "./terminal.ts";

/** Where the committed schema is; studies beside it name it in `$schema`. */
export const schemaPath = "experiments/study.schema.json";

const usage = `Usage: deno task schema
Writes ${schemaPath} from the validator, the methods and the built-in tasks.`;

/** The JSON Schema of study files with this build's methods and tasks. */
export function currentSchema(): Json {
  return studyJsonSchema({
    tasks: builtInTasks.map(({ name }) => name),
    methods,
    userTaskSchema: userTaskJsonSchema(),
  });
}

/** The contents of the schema file. */
export function schemaText(): string {
  return `${JSON.stringify(currentSchema(), null, 2)}\n`;
}

/** The command. */
export async function schema(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, { flags: ["help", "trace"] });
  if (parsed.flag("help")) {
    await say(usage);
    return 0;
  }
  if (parsed.positional.length > 0) throw new UsageError(usage);
  await writeWhole(schemaPath, schemaText());
  await say(`Wrote ${schemaPath}`);
  return 0;
}

if (import.meta.main) await runCommand(schema);
