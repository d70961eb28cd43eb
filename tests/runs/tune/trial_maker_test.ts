/** Tuning by successive halving: trials pause at rungs, the better ones go on, and nothing depends on what runs side by side. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { underWay } from "../../../src/record/lease.ts";
import type { WorkEvent } from "../../../src/runs/events.ts";
import type { TuneOptions } from "../../../src/runs/tune/trial_maker.ts";
import type { TuneResult } from "../../../src/runs/tune/tune_study.ts";
import { StudyError } from "../../../src/study/check/problems.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import type { Tuned } from "../../../src/study/schema/tuned.ts";
import { inHome, scoredStudy, tinyStudy, tuneIn } from "../tiny_study.ts";

function studyWith(tune: object = {}): Study {
  return parseStudy({
    ...scoredStudy,
    deltas: [],
    axes: { ...scoredStudy.axes, methods: ["head"] },
    tune: {
      // Choices have no edge, so that no further trials follow.
      vary: { "train.learningRate": { choices: [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1] } },
      search: "asha",
      trials: 4,
      seeds: [101],
      heldOut: 0.25,
      asha: { reduction: 2, leastShare: 0.25, atOnce: 2 },
      ...tune,
    },
  });
}

/** A tuning, and how often runs were trained up to a rung or to their end. */
interface Played extends TuneResult {
  readonly steps: readonly number[];
}

async function tuned(
  home: string,
  results: string,
  study: Study,
  options: TuneOptions = {},
): Promise<Played> {
  const steps: number[] = [];
  const onEvent = (event: WorkEvent) => {
    if (event.kind === "paused") steps.push(event.step);
    if (event.kind === "recorded") steps.push(event.record.happened.steps);
  };
  const place = { results: `${home}/${results}`, ...options };
  return { ...await tuneIn(home, study, place, { onEvent }), steps };
}

/** What a tuning came to but for its times. */
function timeless(tuned: Tuned): Omit<Tuned, "seconds"> {
  const { seconds: _seconds, ...rest } = tuned;
  return rest;
}

Deno.test("halved trials pause at rungs, the better half goes on, and the best of those at the end is chosen", async () => {
  await inHome(async (home) => {
    const { file, steps, folder, paused, finished } = await tuned(home, "one", studyWith());
    assertEquals([...new Set(steps)].sort((a, b) => a - b), [4, 8, 14]);
    assertEquals([paused, finished], [
      steps.filter((step) => step < 14).length,
      steps.filter((step) => step === 14).length,
    ]);
    for (const { trials, score, values } of file!.tuned.best) {
      assertEquals(trials.length, 4);
      const stopped = trials.filter(({ share }) => share !== undefined);
      const whole = trials.filter(({ share }) => share === undefined);
      assert(stopped.length >= 2 && whole.length >= 1, JSON.stringify(trials));
      assert(stopped.every(({ share }) => [4 / 14, 8 / 14].includes(share!)));
      assertEquals(score, Math.max(...whole.map(({ score }) => score!)));
      assertEquals(values, whole.find((trial) => trial.score === score)!.values);
    }
    const left = [...Deno.readDirSync(`${folder}/${underWay}`)].length;
    assertEquals(left, file!.tuned.runs - finished);
    // What is known is not trained again, and what goes on begins where it paused.
    const again = await tuned(home, "one", studyWith());
    assertEquals([again.steps.filter((step) => step === 14), again.file!.tuned], [[], file!.tuned]);
    const more = await tuned(home, "one", studyWith({ trials: 6 }));
    const drawn = more.file!.tuned.best.map(({ trials }) => trials.filter(({ added }) => !added));
    assertEquals(drawn.map(({ length }) => length), [6]);
    assert(more.finished < finished + 6, `${more.finished} of ${finished} trained again`);
  });
});

Deno.test("halved trials come to the same whatever runs side by side, in one command or two, and after a stop", async () => {
  await inHome(async (home) => {
    const one = await tuned(home, "one", studyWith());
    const two = await tuned(home, "two", studyWith(), { jobs: 2 });
    assertEquals(timeless(two.file!.tuned), timeless(one.file!.tuned));
    const controller = new AbortController();
    let seen = 0;
    const stopped = await tuneIn(home, studyWith(), { results: `${home}/stopped` }, {
      signal: controller.signal,
      onEvent: ({ kind }) => {
        if (kind === "paused" && ++seen === 3) controller.abort();
      },
    });
    assertEquals([stopped.stopped, stopped.path], [true, null]);
    // Of four trials two go on, and one of them to the end: what was not made yet counts too.
    assert(stopped.total >= 7, `stopped of ${stopped.total}`);
    const both = [tuned(home, "both", studyWith()), tuned(home, "both", studyWith())];
    for (const { file } of await Promise.all(both)) {
      assertEquals(timeless(file!.tuned), timeless(one.file!.tuned));
    }
    const resumed = await tuned(home, "stopped", studyWith());
    assertEquals(timeless(resumed.file!.tuned), timeless(one.file!.tuned));
  });
});

Deno.test("halved trials need steps enough for their rungs, and no sequence", async () => {
  await inHome(async (home) => {
    const vary = { "train.learningRate": { log: [1e-4, 0.1] } };
    const short = studyWith({ vary, trials: 16, asha: { reduction: 4, leastShare: 0.05 } });
    const { message } = await assertRejects(() => tuned(home, "short", short), StudyError);
    assert(
      message.includes("tune.asha, head on Numbers: found runs of 14 steps, wanted at least 16"),
      message,
    );
    // How many steps an epoch is, the data say.
    const { steps: _steps, ...train } = tinyStudy.base!.train!;
    const moves = tinyStudy.userTasks![0] as object;
    const both = parseStudy({
      ...short,
      base: { ...short.base, train: { ...train, epochs: 1, keep: "last" } },
      userTasks: [moves, { ...moves, name: "Words" }],
      sequences: { Both: ["Moves", "Words"] },
      axes: { ...short.axes, tasks: ["Moves", "Both", "Words"] },
    });
    const { problems } = await assertRejects(() => tuned(home, "both", both), StudyError);
    assertEquals(problems.map(({ where }) => where), [
      "tune.asha, head on Moves",
      "tune.asha, head on Both",
      "tune.asha, head on Words",
    ]);
    assert(problems[0]!.message.includes("wanted at least 16"), problems[0]!.message);
    assert(problems[1]!.message.startsWith("found a sequence of tasks, wanted another search"));
    const one = { ...both, axes: { ...both.axes, tasks: ["Both"] } };
    await assertRejects(() => tuned(home, "one", one), StudyError, "found a sequence of tasks");
  });
});
