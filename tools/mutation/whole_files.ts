/**
 * Trying all changes of a file in one process after another, each of which goes on where the one before it hung.
 *
 * @module
 */
import { applied, changesOf, isProgram } from "./changes.ts";
import { type Mutant, mutantOf, type SourceText } from "./sample.ts";
import { type Answer, answerMark, type Asked } from "./switched_tests.ts";
import { switchedText } from "./switches.ts";
import type { Outcome, Scratch, Tried } from "./trial.ts";

/** Where a file's changes are tried. */
export interface WholeFile {
  readonly source: SourceText;
  /** Which of its changes are wanted. */
  readonly isWanted: (mutant: Mutant) => boolean;
  /** Test files, by path. */
  readonly tests: readonly string[];
  /** Most seconds of tests for one change. */
  readonly limit: number;
}

/** Kinds of changes that leave every type as it is, so that the compiler need not be asked. */
const ofOneType: readonly string[] = [
  "boundary",
  "arithmetic",
  "assignment",
  "true and false",
  "constant by one",
  "constant doubled",
  "name swapped",
  "order reversed",
];

/** How many times longer tests may take than without a change, and the seconds that are added. */
const patience = { times: 4, seconds: 3 };

/** Tries the changes of a file that lie in functions, and names those that do not. */
export async function* tryWholeFile(
  scratch: Scratch,
  { source, isWanted, tests, limit }: WholeFile,
): AsyncGenerator<Tried | { readonly notice: string } | { readonly left: Mutant }> {
  const changes = changesOf(source.text)
    .filter((change) => isProgram(applied(source.text, change)));
  const mutants = changes.map((change) => mutantOf(source, change));
  const { text, isSwitched } = switchedText(source.text, changes);
  let open = mutants.flatMap((mutant, i) => isWanted(mutant) ? [i] : []);
  for (const i of open) if (!isSwitched[i]) yield { left: mutants[i]! };
  open = open.filter((i) => isSwitched[i]);
  while (open.length > 0) {
    const asked: Asked = { tests, changes: open, limit };
    const found = await scratch.withText(source.path, text, () => answersTo(scratch, asked));
    if (found.seconds === null) throw new Error(`no test of ${source.path} could be run`);
    yield { notice: `${source.path}: ${found.seconds.toFixed(1)} s of tests` };
    for (const name of found.failed) yield { notice: `fails without a change: ${name}` };
    for (const { change, outcome, seconds } of found.tried) {
      const mutant = mutants[change]!;
      const isTyped = outcome.kind === "survived" && !ofOneType.includes(mutant.change.kind);
      yield {
        mutant,
        outcome: isTyped ? await scratch.typed(mutant) ?? outcome : outcome,
        seconds,
      };
    }
    const known = new Set(found.tried.map(({ change }) => change));
    open = open.filter((i) => !known.has(i));
  }
}

interface Found {
  /** Seconds of the tests without a change; null if they could not be run. */
  readonly seconds: number | null;
  readonly failed: readonly string[];
  readonly tried: readonly {
    readonly change: number;
    readonly outcome: Outcome;
    readonly seconds: number;
  }[];
}

/** What a process tells until it ends or hangs; the change in force then counts as one that hung. */
async function answersTo(scratch: Scratch, asked: Asked): Promise<Found> {
  const child = scratch.spawnOver(
    asked.tests,
    "tools/mutation/switched_tests.ts",
    JSON.stringify(asked),
  );
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
  };
  let seconds: number | null = null;
  let failed: readonly string[] = [];
  const tried: { change: number; outcome: Outcome; seconds: number }[] = [];
  let since = performance.now();
  let isSpoiled = false;
  let timer = setTimeout(kill, 300_000);
  for await (const answer of answersIn(child.stdout)) {
    clearTimeout(timer);
    const now = performance.now();
    if (answer.kind === "ready") ({ seconds, failed } = answer);
    else if (answer.kind === "spoiled") isSpoiled = true;
    else {
      const outcome: Outcome = answer.by === null
        ? { kind: "survived", after: Math.round(Math.min(seconds ?? 0, asked.limit)), left: 0 }
        : { kind: "caught", by: answer.by };
      tried.push({ change: answer.change, outcome, seconds: (now - since) / 1000 });
    }
    since = now;
    timer = setTimeout(
      kill,
      1000 * (patience.seconds + patience.times * Math.min(seconds ?? 0, asked.limit)),
    );
  }
  clearTimeout(timer);
  await child.status;
  const change = asked.changes[tried.length];
  if (seconds !== null && change !== undefined && !isSpoiled) {
    tried.push({
      change,
      outcome: { kind: "hung", by: "the process did not go on" },
      seconds: (performance.now() - since) / 1000,
    });
  }
  return { seconds, failed, tried };
}

async function* answersIn(
  stdout: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Answer> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of stdout) {
    const lines = `${rest}${decoder.decode(part, { stream: true })}`.split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (line.startsWith(answerMark)) yield JSON.parse(line.slice(answerMark.length)) as Answer;
    }
  }
}
