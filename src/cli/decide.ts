/**
 * `deno task decide RESULTS…`: what scores that were made elsewhere decide.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { analyse } from "../analysis/analysis.ts";
import { parseForeignClaims } from "../analysis/foreign/foreign_claims.ts";
import type { ForeignClaims, ForeignOptions } from "../analysis/foreign/foreign_score.ts";
import { UsageError } from "../base/input_error.ts";
import { listed } from "../base/format.ts";
import { unknownName } from "../base/suggest.ts";
import { parseJsonFile } from "../record/damage.ts";
import { mostFileBytes, readBounded } from "../record/read_bounded.ts";
import { methodsText } from "../report/methods_text.ts";
import { noticesOf } from "../report/sections/summary.ts";
import { readForeignFiles } from "../runs/foreign/foreign_files.ts";
import { parseColumns } from "../runs/foreign/columns.ts";
import { writeReport } from "../runs/write_report.ts";
import { placesAt } from "./access.ts";
import { commandOf } from "./command.ts";
import { option } from "./command_parts.ts";
import { sayClaims, sayFoundJson } from "./ended.ts";
import { type Arguments, outputColumns, runCommand, say, sayWrapped } from "./terminal.ts";

/** Where reports go unless `--out` is given. */
const defaultOut = "results/decided";

/** The value of an option that is one of a few words; undefined where it is not given. */
function choice<const T extends string>(
  parsed: Arguments,
  name: string,
  words: readonly T[],
): T | undefined {
  const value = parsed.text(name);
  if (value === null) return undefined;
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  throw new UsageError(`Option "--${name}": ${unknownName("value", value, words)}`);
}

function optionsOf(parsed: Arguments, warnings: readonly string[]): ForeignOptions {
  const baseline = parsed.text("baseline");
  const scale = choice(parsed, "scale", ["fraction", "percent", "own"]);
  const better = choice(parsed, "better", ["higher", "lower"]);
  return {
    ...(baseline === null ? {} : { baseline }),
    ...(scale === undefined ? {} : { scale }),
    ...(better === undefined ? {} : { better }),
    name: (parsed.text("out") ?? defaultOut).replace(/.*\//, ""),
    warnings,
  };
}

async function claimsAt(path: string | null): Promise<ForeignClaims> {
  if (path === null) return {};
  return parseForeignClaims(parseJsonFile(await readBounded(path, mostFileBytes.json), path), path);
}

/** The command. */
export const decide = commandOf({
  name: "decide",
  summary:
    "Says what scores that were made elsewhere decide: verdicts on claims, tests of all pairs, the seeds that are missing, and a report",
  takes: "RESULTS…",
  least: 1,
  most: Infinity,
  explained: [{
    name: "RESULTS",
    text:
      "tables of scores (.csv, .tsv, .jsonl, .json), exported run tables of MLflow or Weights & Biases, results of peft's method comparison or of lm-eval, or folders of them",
  }],
  places: (parsed) => [
    ...parsed.positional.map((path) => ({ path, option: "RESULTS" })),
    ...placesAt(parsed, "claims"),
    ...placesAt(parsed, "out", true),
  ],
  options: [
    {
      name: "claims",
      value: "FILE",
      text: "JSON with the claims that are to be decided, their margin and rule (docs/deciding.md)",
    },
    {
      name: "columns",
      value: "WHAT=COLUMN,…",
      isList: true,
      text:
        "columns of other names: method, task, seed, score, metric, budget, parameters, step, example, examples or state, as in " +
        "score=eval_accuracy; score may be given several times, a column a task",
    },
    {
      name: "baseline",
      value: "METHOD",
      text: "the method that others are compared with (default: LoRA, else the first)",
    },
    {
      name: "scale",
      value: "WORD",
      text: "what scores are: fraction, percent or own (default: found from the scores)",
    },
    {
      name: "better",
      value: "WORD",
      text: "which way scores are better that do not say it: higher or lower (default: higher)",
    },
    { name: "out", value: "DIR", text: `folder of the report (default ${defaultOut})` },
    option.noReport,
    option.json,
  ],
  examples: [
    {
      line: "deno task decide scores.csv",
      text: "all pairs of methods, and what seeds are missing",
    },
    {
      line:
        "deno task decide runs.csv --claims claims.json --columns score=eval/accuracy,method=peft_type",
      text: "verdicts on claims, from a run table of Weights & Biases",
    },
    {
      line: 'deno task decide method_comparison/MetaMathQA/results --baseline "lora rank32"',
      text: "what the ranking that peft publishes supports",
    },
  ],
}, async (parsed) => {
  const { scores, warnings } = await readForeignFiles(
    parsed.positional,
    parseColumns(parsed.list("columns")),
  );
  const names = parsed.positional.map((path) =>
    basename(path) === "results" ? basename(dirname(path)) : basename(path)
  );
  const claims = { title: `Scores of ${listed(names)}`, ...await claimsAt(parsed.text("claims")) };
  const results = analyse(scores, claims, optionsOf(parsed, warnings));
  const out = parsed.text("out") ?? defaultOut;
  const report = parsed.flag("no-report") ? null : await writeReport(out, results);
  if (parsed.flag("json")) {
    await sayFoundJson(results);
    await say(JSON.stringify({ kind: "ended", runs: results.runs.length, report }));
    return 0;
  }
  await say(methodsText(results, outputColumns()));
  for (const { text, lines } of noticesOf(results)) await sayWrapped([text, ...lines].join("\n  "));
  if (report !== null) await say(`Report: ${report}`);
  await sayClaims(results);
  return 0;
});

if (import.meta.main) await runCommand(decide);
