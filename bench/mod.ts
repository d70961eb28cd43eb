/**
 * `deno task bench`: measures what has a goal and prints goals and figures side by side.
 *
 * @module
 */
import { unknownName } from "../src/base/suggest.ts";
import { commandOf } from "../src/cli/command.ts";
import { UsageError } from "../src/base/input_error.ts";
import { runCommand, say, wholeNumber } from "../src/cli/terminal.ts";
import { textTable } from "../src/base/text_table.ts";
import { methodsBench } from "./methods_bench.ts";
import { cellProgramsBench, executorShareBench, firstStepBench } from "./overhead_bench.ts";
import { defaultPairs } from "./pairs.ts";
import { peerBench, peerParts } from "./peer_bench.ts";
import { rooflineBench } from "./roofline_bench.ts";
import type { Measurement } from "./setup.ts";
import { stepBench } from "./step_bench.ts";
import { threadBench } from "./thread_bench.ts";

const parts: readonly string[] = [
  "first-step",
  ...peerParts,
  "methods",
  "roofline",
  "programs",
  "overhead",
];

/** The parts that were asked for; all of them by default. */
function chosenParts(only: string | null): ReadonlySet<string> {
  const chosen = only?.split(",") ?? parts;
  for (const part of chosen) {
    if (!parts.includes(part)) throw new UsageError(unknownName("part", part, parts));
  }
  return new Set(chosen);
}

/** Says a figure at once; the whole bench takes minutes. */
async function sayEach(measurements: readonly Measurement[]): Promise<void> {
  for (const { what, measured } of measurements) await say(`${what}: ${measured}`);
}

/** The command. */
export const bench = commandOf({
  name: "bench",
  summary: "Measures what has a goal and prints goals and figures side by side",
  takes: "",
  most: 0,
  options: [
    {
      name: "only",
      value: "PART,…",
      text: `measure these alone: ${parts.join(", ")} (default: all)`,
    },
    { name: "data", value: "DIR", text: "folder with GLUE tasks, which the epochs need" },
    { name: "model", value: "DIR", text: "an encoder of MiniLM's size, which the epochs need" },
    {
      name: "pairs",
      value: "N",
      text:
        `how often each side of a comparison with PyTorch has its turn (default ${defaultPairs}; fewer say little)`,
    },
  ],
  examples: [
    { line: "deno task bench --only first-step", text: "how soon the first step is done" },
    { line: "deno task bench --data .cache/glue --model DIR", text: "all, in many minutes" },
  ],
  notes: ["bench/README.md says what each part measures and what it needs."],
}, async (given) => {
  const chosen = chosenParts(given.text("only"));
  const [data, model] = [given.text("data"), given.text("model")];
  const pairs = wholeNumber(given.text("pairs"), "pairs") ?? defaultPairs;
  const measurements: Measurement[] = [];
  // First of all, since it counts from the start of the process.
  if (chosen.has("first-step")) measurements.push(await firstStepBench());
  if (chosen.has("elalora")) measurements.push(...await stepBench());
  if (chosen.has("methods")) measurements.push(...await methodsBench(sayEach));
  const peerChosen = peerParts.filter((part) => chosen.has(part));
  measurements.push(
    ...await peerBench({ parts: peerChosen, data, model, pairs, onMeasured: sayEach }),
  );
  if (chosen.has("roofline")) {
    const found = await rooflineBench(model);
    await sayEach(found);
    measurements.push(...found);
  }
  if (chosen.has("programs")) measurements.push(...await cellProgramsBench());
  if (chosen.has("overhead")) measurements.push(await executorShareBench(), ...await threadBench());
  const rows = measurements.map(({ what, goal, measured, isMet }) => [
    what,
    goal,
    measured,
    isMet === null ? "" : isMet ? "met" : "missed",
  ]);
  await say("");
  await say(textTable(["what", "goal", "measured", ""], rows).trimEnd());
  return 0;
});

if (import.meta.main) {
  await runCommand(bench);
}
