/**
 * `deno task bench`: measures what has a goal and prints goals and figures side by side.
 *
 * @module
 */
import { quietVulkan, say } from "../src/cli/terminal.ts";
import { textTable } from "../src/cli/text_table.ts";
import { executorShareBench, firstStepBench } from "./overhead_bench.ts";
import { stepBench } from "./step_bench.ts";

quietVulkan();
const measurements = [
  await firstStepBench(),
  ...await stepBench(),
  await executorShareBench(),
];
const rows = measurements.map(({ what, goal, measured, isMet }) => [
  what,
  goal,
  measured,
  isMet === null ? "" : isMet ? "met" : "missed",
]);
await say("");
await say(textTable(["what", "goal", "measured", ""], rows).trimEnd());
Deno.exit(0);
