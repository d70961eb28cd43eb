/** Seeds added look by look: to the arms of open claims alone, the same after a stop, and kept by later sweeps. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/base/input_error.ts";
import { readRun } from "../../src/record/results_reader.ts";
import { resultDifferences } from "../../src/record/earlier_attempts.ts";
import { type StudyPlan, withoutChanged } from "../../src/runs/plan/planned_run.ts";
import { addedRunsIn, readStoredStudy } from "../../src/runs/stored_study.ts";
import type { Watch, WorkEvent } from "../../src/runs/events.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { type SweepOptions, sweepStudy } from "../../src/runs/sweep.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import { type Study } from "../../src/study/schema/study.ts";
import type { GridRun } from "../../src/study/types.ts";
import { inHome, listening, scoredStudy, sweepIn } from "./tiny_study.ts";
import { withFolder } from "../with_folder.ts";

type AddedRuns = Awaited<ReturnType<typeof addedRunsIn>>;

/** A trained adapter beside one that hardly moves, and beside one that differs in its scale by a hair. */
const study: Study = parseStudy({
  ...scoredStudy,
  base: { ...scoredStudy.base, train: { ...scoredStudy.base!.train, evaluateEvery: 14 } },
  deltas: [{ when: { method: "idle" }, set: { train: { learningRate: 1e-6 } } }],
  axes: {
    tasks: ["Numbers"],
    methods: [
      "lora",
      { method: "lora", label: "idle" },
      { method: "lora", label: "twin", options: { alpha: 15.9 } },
    ],
    budgets: [2],
    seeds: [1, 2],
  },
  claims: [
    { name: "moves", says: "better", a: { method: "lora", budget: 2 }, b: { method: "idle" } },
    // Too narrow for any number of seeds.
    {
      name: "twins",
      says: "equivalent",
      a: { method: "twin" },
      b: { method: "lora" },
      margin: 1e-9,
    },
  ],
  decide: { rule: "pocock", level: 0.2, mostSeeds: 4 },
  convergence: { lossShare: 0.99, scoreGain: 0.99 },
});

const isOfSeeds = ({ kind }: WorkEvent) => ["look", "seeds added", "left open"].includes(kind);

/** An event in a few words. */
function short(event: WorkEvent): string {
  if (event.kind === "look") {
    return `${event.look.claim} at ${event.look.seeds}: ${event.look.answer}`;
  }
  if (event.kind === "seeds added") return `${event.seeds} for ${event.claims}: ${event.runs} runs`;
  return event.kind === "left open" ? `${event.claim} open: ${event.reason}` : event.kind;
}

function sweepInto(results: string, options: SweepOptions, watch: Watch = {}) {
  const home = results.slice(0, results.lastIndexOf("/"));
  return sweepIn(home, study, { results, ...options }, watch);
}

const untilDecided = { untilDecided: true };

/** The plan of a study in a folder without the time of its claims. */
async function planIn(folder: string) {
  const { claimsStated: _times, ...plan } = await readStoredStudy(folder);
  return plan;
}

Deno.test("seeds are added for open claims until the cap; stopped in the middle, the same runs come of it", async () => {
  await inHome(async (home) => {
    const { events, onEvent: hear } = listening();
    const whole = await sweepInto(`${home}/whole`, untilDecided, { onEvent: hear });
    const { folder, total, finished } = whole;
    const said = events.filter(isOfSeeds).map(short);
    assertEquals(said, [
      "3 for moves,twins: 3 runs",
      "moves at 3: supported",
      "twins at 3: undecided",
      // An idle run more would tell nothing.
      "4 for twins: 2 runs",
      "twins at 4: undecided",
      "twins open: 4 seeds are the most that the study allows (decide.mostSeeds)",
    ]);
    assertEquals([total, finished], [11, 11]);
    const plan = await planIn(folder);
    assertEquals(plan.study.axes.seeds, [1, 2]);
    assertEquals(plan.seedsAdded, [3, 4]);
    assertEquals(plan.runs.length, 11);

    // Stopped while the second run with the third seed is made, and begun again.
    const controller = new AbortController();
    let begun = 0;
    const onEvent = ({ kind }: WorkEvent) => {
      if (kind === "seeds added") begun++;
      if (kind === "recorded" && begun === 1) controller.abort();
    };
    const first = await sweepInto(`${home}/twice`, untilDecided, {
      onEvent,
      signal: controller.signal,
    });
    assert(first.stopped);
    assertEquals((await planIn(first.folder)).seedsAdded, [3]);
    // By two at once, which add the same.
    const again = [listening(), listening()];
    const ends = await Promise.all(
      again.map((own) => sweepInto(`${home}/twice`, untilDecided, own)),
    );
    for (const { stopped, finished, elsewhere, skipped } of ends) {
      assertEquals([stopped, finished + elsewhere + skipped], [false, 11]);
    }
    const withoutAdded = (lines: readonly string[]) =>
      lines.filter((line) => !line.endsWith(" runs"));
    for (const { events: heard } of again) {
      assertEquals(withoutAdded(heard.filter(isOfSeeds).map(short)), withoutAdded(said));
    }
    assertEquals(await planIn(first.folder), plan);
    for (const { folder: run } of plan.runs) {
      const [one, other] = [
        await readRun(`${folder}/${run}`),
        await readRun(`${first.folder}/${run}`),
      ];
      assertEquals(resultDifferences(one!, other!), [], run);
    }

    // Without the option what was added stays, without a plan it is found again.
    const bytes = await Deno.readTextFile(`${folder}/study.json`);
    const plain = await sweepInto(`${home}/whole`, {});
    assertEquals([plain.total, plain.skipped], [11, 11]);
    assertEquals(await Deno.readTextFile(`${folder}/study.json`), bytes);
    assertEquals((await sweepInto(`${home}/whole`, { only: ["seed=4"] })).total, 2);
    assertEquals((await readStudyResults(folder)).runs.length, 11);

    // A sweep that began before seeds were added stores none; they are found again, and so without a plan.
    const { seedsAdded: _seeds, ...rest } = JSON.parse(bytes);
    const early = JSON.stringify({ ...rest, runs: rest.runs.slice(0, 6) });
    await Deno.writeTextFile(`${folder}/study.json`, early);
    const healing: WorkEvent[] = [];
    const healed = await sweepInto(`${home}/whole`, untilDecided, {
      onEvent: (event) => {
        healing.push(event);
        if (event.kind === "seeds added") Deno.writeTextFileSync(`${folder}/study.json`, early);
      },
    });
    assertEquals([healed.total, healed.finished], [11, 0]);
    assertEquals(healing.filter(isOfSeeds).map(short), said);
    assertEquals(await planIn(folder), plan);
    await Deno.remove(`${folder}/study.json`);
    const found = await sweepInto(`${home}/whole`, untilDecided);
    assertEquals([found.total, found.finished], [11, 0]);
    assertEquals(await planIn(folder), plan);
  });
});

Deno.test("added runs that a changed study would make otherwise are no part of its plan any more", async () => {
  const added: AddedRuns = { seeds: [3], ids: new Map([["t, lora, r2, seed 3", "old"]]) };
  const runs = [
    { title: "t, lora, r2, seed 1", id: "a" },
    { title: "t, lora, r2, seed 3", id: "new" },
  ] as unknown as StudyPlan["runs"];
  const all = [{ task: "t", label: "lora", budget: { type: "rank", value: 2 }, seed: 1 }];
  const kept = (ids: AddedRuns["ids"]) =>
    withoutChanged({ runs } as StudyPlan, all as unknown as readonly GridRun[], ids)
      .runs.map(({ id }) => id);
  assertEquals(kept(added.ids), ["a"]);
  assertEquals(kept(new Map([["t, lora, r2, seed 3", "new"]])), ["a", "new"]);
  await withFolder(async (none) => {
    assertEquals((await addedRunsIn(none)).seeds, []);
    await Deno.writeTextFile(`${none}/study.json`, "{");
    assertEquals((await addedRunsIn(none)).seeds, []);
  });
});

Deno.test("a study without claims and a part of a study are refused before anything runs", async () => {
  const { claims: _claims, decide: _decide, ...without } = study;
  const refused = (options: SweepOptions, own: Study, message: string) =>
    assertRejects(() => sweepStudy(own, { ...untilDecided, ...options }), UsageError, message);
  await refused({}, without, 'want "claims" in the study');
  await refused({ only: ["seed=1"] }, study, "--only seed=1");
});
