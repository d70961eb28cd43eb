/**
 * `deno task schema`: writes the JSON Schema of study files, for completion in editors.
 *
 * @module
 */
import type { Json } from "../base/canonical_json.ts";
import { methods } from "../methods/table.ts";
import { writeWhole } from "../record/durable.ts";
import { studyJsonSchema } from "../study/schema/json_schema.ts";
import { builtInTasks } from "../tasks/catalog.ts";
import { userTaskJsonSchema } from "../tasks/user_task.ts";
import { commandOf } from "./command.ts";
import { runCommand, say } from "./terminal.ts";

/** Where the committed schema is; studies beside it name it in `$schema`. */
const schemaPath = "experiments/study.schema.json";

function currentSchema(): Json {
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
export const schema = commandOf({
  name: "schema",
  summary: `Writes ${schemaPath} from the validator, the methods and the built-in tasks`,
  takes: "",
  most: 0,
  options: [],
  examples: [{ line: "deno task schema", text: "after a change of the keys of studies" }],
}, async () => {
  await writeWhole(schemaPath, schemaText());
  await say(`Wrote ${schemaPath}`);
  return 0;
});

if (import.meta.main) await runCommand(schema);
