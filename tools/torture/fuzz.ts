/**
 * `deno task fuzz`: hands mutants of small files to every reader and tells which answer with something else than their error.
 *
 * @module
 */
import { commandOf } from "../../src/cli/command.ts";
import { clearStatus, runCommand, say, showStatus, wholeNumber } from "../../src/cli/terminal.ts";
import { fuzzedReaders } from "./readers.ts";
import { isFinding, limits, mutantAt, type Outcome, type Trial } from "./trial.ts";

const defaults = { count: 32_000, seed: 1 };

/** Where findings go. */
const folder = ".cache/fuzz";

/** Milliseconds without a word after which a process is ended: many times the limit of a read, for machines that are busy. */
const silenceMillis = 30_000;

/** Mutants that one process reads. */
const perProcess = 1_000;

/** Reads mutants in a process of their own, up to the first that ends it. */
async function readSome(
  seed: number,
  from: number,
  to: number,
  tell: (trial: Trial) => Promise<void>,
): Promise<number> {
  const child = new Deno.Command("deno", {
    args: [
      ...["run", "-q", "--no-prompt", "--allow-read", "--cached-only"],
      `--v8-flags=--max-old-space-size=${Math.floor(limits.bytes / 1_000_000)}`,
      new URL("fuzz_child.ts", import.meta.url).href,
      ...[seed, from, to].map(String),
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const complaints = new Response(child.stderr).text();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isSilent = false;
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isSilent = true;
      child.kill("SIGKILL");
    }, silenceMillis);
  };
  let next = from;
  watch();
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    watch();
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      await tell(JSON.parse(line) as Trial);
      next++;
    }
  }
  clearTimeout(timer);
  await child.status;
  if (next === to) return next;
  const reader = mutantAt(fuzzedReaders(), seed, next).reader.name;
  const said = isSilent ? `no answer within ${silenceMillis} ms` : (await complaints).slice(-2_000);
  await tell({ index: next, reader, outcome: "ended", millis: 0, bytes: 0, said });
  return next + 1;
}

/** Writes a mutant beside what was said of it. */
async function keep(trial: Trial, seed: number): Promise<string> {
  const { bytes } = mutantAt(fuzzedReaders(), seed, trial.index);
  const name = trial.reader.replaceAll(/[^A-Za-z0-9.]+/g, "-");
  const path = `${folder}/seed-${seed}/${trial.index}-${name}`;
  await Deno.mkdir(`${folder}/seed-${seed}`, { recursive: true });
  await Deno.writeFile(path, bytes);
  await Deno.writeTextFile(`${path}.txt`, `${JSON.stringify(trial, null, 2)}\n${trial.said}\n`);
  return path;
}

interface Row {
  readonly counts: Record<Outcome, number>;
  millis: number;
  bytes: number;
}

/** Outcomes by reader, as a table of Markdown. */
function tableOf(rows: ReadonlyMap<string, Row>): string {
  const findings = ({ counts }: Row) => counts.untyped + counts.slow + counts.large + counts.ended;
  const cells = [...rows].map(([name, row]) => [
    name,
    ...[row.counts.read, row.counts.refused, findings(row)].map(String),
    `${row.millis} ms`,
    `${(row.bytes / 1e6).toFixed(1)} MB`,
  ]);
  const head = ["reader", "read", "refused", "findings", "longest", "largest"];
  const widths = head.map((_, i) => Math.max(...[head, ...cells].map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)].join(
    "\n",
  );
}

/** The command. */
export const fuzz = commandOf({
  name: "fuzz",
  summary:
    "Hands changed copies of small files to every reader; each must be read or refused, within 2 s and 500 MB",
  takes: "",
  most: 0,
  options: [
    {
      name: "count",
      value: "N",
      text: `changed copies, called mutants (default ${defaults.count.toLocaleString("en")})`,
    },
    { name: "seed", value: "N", text: `seed that draws the mutants (default ${defaults.seed})` },
    { name: "from", value: "N", text: "number of the first mutant (default 0)" },
  ],
  examples: [
    { line: "deno task fuzz --count 32000 --seed 1", text: "the run of docs/reliability.md" },
    { line: "deno task fuzz --seed 1 --from 1234 --count 1", text: "one mutant again" },
  ],
  notes: [
    `Mutants that were not answered as they should be lie in ${folder}, each with what was said. ` +
    "Exit code: 0 without any, 1 with some, 2 for wrong arguments.",
  ],
}, async (given) => {
  const count = wholeNumber(given.text("count"), "count") ?? defaults.count;
  const seed = wholeNumber(given.text("seed"), "seed", 0) ?? defaults.seed;
  const from = wholeNumber(given.text("from"), "from", 0) ?? 0;
  const rows = new Map<string, Row>();
  let found = 0;
  const tell = async (trial: Trial) => {
    const row = rows.get(trial.reader) ?? {
      counts: { read: 0, refused: 0, untyped: 0, slow: 0, large: 0, ended: 0 },
      millis: 0,
      bytes: 0,
    };
    rows.set(trial.reader, row);
    row.counts[trial.outcome]++;
    row.millis = Math.max(row.millis, trial.millis);
    row.bytes = Math.max(row.bytes, trial.bytes);
    if (!isFinding(trial.outcome)) return;
    found++;
    const path = await keep(trial, seed);
    const [first = ""] = trial.said.split("\n");
    await say(
      `${trial.outcome}: mutant ${trial.index} of seed ${seed}, ${trial.reader}, ${trial.millis} ms, ` +
        `${(trial.bytes / 1e6).toFixed(0)} MB (${path}) ${first.slice(0, 200)}`,
    );
  };
  const to = from + count;
  for (let next = from; next < to;) {
    await showStatus(() => `${next - from} of ${count} mutants, ${found} findings`);
    next = await readSome(seed, next, Math.min(next + perProcess, to), tell);
  }
  await clearStatus();
  await say(`${count} mutants of seed ${seed}, ${found} findings\n\n${tableOf(rows)}`);
  return found === 0 ? 0 : 1;
});

if (import.meta.main) await runCommand(fuzz);
