import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { verdictsOf } from "../../../src/analysis/claims/verdict.ts";
import { contrastsOf, type Pilot, powerOf } from "../../../src/analysis/power/claim_power.ts";
import {
  beforeFirstLook,
  beyondPlan,
  powerJson,
  powerText,
} from "../../../src/analysis/power/text.ts";
import { seedsForDifference, seedsForEquivalence } from "../../../src/stats/power.ts";
import { spreadLimits } from "../../../src/stats/spread.ts";
import type { ArmRun } from "../../../src/study/compare/arms.ts";
import type { Claim } from "../../../src/study/schema/claims.ts";
import { type ClaimedOptions, claimedStudy, claimOf } from "../claims/scored_runs.ts";

/** Differences of a pilot's seeds, with standard deviation 1 in points. */
const unitGains = [1, -1, 1, -1, 0].map((gain) => gain / 100);

interface Options extends Partial<ClaimedOptions> {
  readonly gains?: readonly number[];
  /** Tasks that the pilot has. Default: all of the study. */
  readonly pilotTasks?: ClaimedOptions["tasks"];
  readonly settings?: unknown;
}

/** A study of three seeds, and a pilot that gained so much seed by seed. */
function powered({ gains = unitGains, pilotTasks, settings, ...rest }: Options = {}) {
  const options = { claims: [claimOf()], seeds: 3, score: () => 0.5, ...rest };
  const { study, planned } = claimedStudy(options);
  const pilotStudy = claimedStudy({
    ...options,
    ...(pilotTasks === undefined ? {} : { tasks: pilotTasks }),
    seeds: gains.length,
    score: ({ label, seed }) => label === "lora" ? 0.5 : 0.5 + gains[seed - 1]!,
  });
  const pilot: Pilot = {
    path: "results/pilot",
    planned: pilotStudy.planned.map((run) => ({ ...run, settings: settings ?? run.settings })),
    runs: pilotStudy.runs,
  };
  return { study, planned, pilot };
}

const stepsOf = () => 100;

function powerWith(options: Options = {}, none = false) {
  const { study, planned, pilot } = powered(options);
  const powers = powerOf({ study, planned, pilots: none ? [] : [[], [pilot]], stepsOf });
  return { powers, first: powers[0]! };
}

const words = { study: "mine", seeds: [1, 2, 3], areClaimed: true };

Deno.test("the seeds that a claim needs are those of one exact test where the rule looks once", () => {
  const { first } = powerWith({ rest: { decide: { rule: "fixed", mostSeeds: 3, betterThan: 0 } } });
  const sd = 1;
  const { high } = spreadLimits(sd, 4, 0.6);
  assertAlmostEquals(first.pilot!.spread.sd, sd, 1e-9);
  assertAlmostEquals(first.pilot!.spread.planned, high, 1e-9);
  assertEquals(first.needed, [
    { difference: 1, seeds: seedsForDifference(1, high) },
    { difference: 0, seeds: seedsForEquivalence(1, high) },
  ]);
});

Deno.test("what a claim says decides which true differences its seeds are counted for", () => {
  const differences = (says: Claim["says"]) =>
    powerWith({ claims: [claimOf({ says })] }).first.needed.map(({ difference }) => difference);
  // Better means by more than the margin.
  assertEquals(differences("better"), [2, 0]);
  assertEquals(differences("equivalent"), [0, -2]);
  assertEquals(differences("not worse"), [0]);
});

Deno.test("studies of as many seeds as are said decide in about 80 of 100, whatever stands beside", () => {
  const { first } = powerWith();
  const { seeds } = first.needed[0]!;
  assert(first.rule.looks.includes(seeds));
  // Normal differences around the bar and a margin, of the spread that was planned with.
  let state = 7;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const sd = first.pilot!.spread.planned / 100;
  const studies = 300;
  let supported = 0;
  for (let i = 0; i < studies; i++) {
    const gains = Array.from({ length: seeds }, () => 0.02 + sd * normal());
    const { study, planned, runs } = claimedStudy({
      claims: [claimOf()],
      seeds,
      score: ({ label, seed }) => label === "lora" ? 0.5 : 0.5 + gains[seed - 1]!,
    });
    if (verdictsOf(study, planned, runs)[0]!.answer === "supported") supported++;
  }
  assert(supported / studies > 0.76 && supported / studies < 0.95, `${supported}`);
});

Deno.test("what a study could see is nothing before the first look that decides", () => {
  const { first } = powerWith();
  assertEquals(first.firstLook, 6);
  const [few, most] = first.sees;
  assertEquals([few!.seeds, few!.difference, few!.margin], [3, Infinity, Infinity]);
  assertEquals(most!.seeds, 30);
  assert(most!.difference > 1 && most!.difference < 2.2, `${most!.difference}`);
  assertStringIncludes(
    powerText([first], words).join("\n"),
    "with 3 seeds nothing, the first look that can decide is at 6; with 30 seeds a difference of",
  );
  assertEquals(beforeFirstLook([first])!.seedsNeeded, 6);
  assertEquals(beforeFirstLook(powerWith({ seeds: 6 }).powers), null);
});

Deno.test("a plan that cannot decide its claim is told with the seeds that would do", () => {
  assertEquals(beyondPlan(powerWith().first), null);
  const wide = { gains: unitGains.map((gain) => 6 * gain) };
  const { first } = powerWith(wide);
  const told = beyondPlan(first)!;
  assertEquals([told.claims, told.seeds], [["ours"], 30]);
  assert(told.seedsNeeded! > 100 && told.seedsNeeded === first.needed[0]!.seeds);
  assertStringIncludes(
    told.text,
    'claim "ours" is unlikely to be decided with 30 seeds, even if it',
  );
  assertStringIncludes(
    told.text,
    "seeds would be enough (set decide.mostSeeds); or give it a wider margin",
  );
  // Of the study's own records the cap is no longer free, and where they decide there is nothing to tell.
  const own = { own: first.pilot!.path };
  assertStringIncludes(
    beyondPlan(first, own)!.text,
    "seeds would be enough; another decide.mostSeeds, margin or list of tasks is a change of the claims now",
  );
  const decided = { ...first, pilot: { ...first.pilot!, isDecided: true } };
  assertEquals(beyondPlan(decided, own), null);
  assert(beyondPlan(decided) !== null);
  assertEquals(first.pilot!.isDecided, false);
  const far = { gains: unitGains.map((gain) => 1 + 0.001 * gain) };
  const rest = { decide: { rule: "fixed", mostSeeds: 5 } } as const;
  assertEquals(powerWith({ ...far, rest }).first.pilot!.isDecided, true);
  const never = { ...first, needed: [{ ...first.needed[0]!, seeds: Infinity }] };
  assertStringIncludes(
    beyondPlan(never)!.text,
    "no number of seeds would be enough; give it a wider margin or more tasks",
  );
  // A pilot with other settings says something only where somebody named it.
  const apart = powerWith({ ...wide, settings: { train: { steps: 9 } } });
  const { study, planned, pilot } = powered({ ...wide, settings: { train: { steps: 9 } } });
  const long = planned.map((run): ArmRun => ({ ...run, settings: { train: { steps: 90 } } }));
  const [other] = powerOf({ study, planned: long, pilots: [[pilot]], stepsOf });
  assertEquals(other!.pilot!.apart, ["train.steps"]);
  assertEquals(beyondPlan(other!), null);
  assert(beyondPlan(other!, { isNamed: true }) !== null);
  // A key that older records do not have is none that differs.
  assertEquals(apart.first.pilot!.apart, []);
});

Deno.test("a pilot whose runs learned nothing says so: its spread is that of chance", () => {
  const { study, planned, pilot } = powered();
  const flag = { kind: "at-majority", metric: "matthews", score: 0, majority: 0 } as const;
  const runs = pilot.runs.map(({ record }) => ({
    record: { ...record, happened: { ...record.happened, flags: [flag] } },
  }));
  const textOf = (pilot: Pilot) =>
    powerText(powerOf({ study, planned, pilots: [[pilot]], stepsOf }), words).join("\n");
  assertStringIncludes(
    textOf({ ...pilot, runs }),
    "10 of its 10 runs collapsed or are no better than the majority class; those that learn something may vary otherwise",
  );
  assertStringIncludes(
    textOf({ ...pilot, runs }),
    "Nothing can be said of seeds: no run of the pilot learned anything on t, so",
  );
  assert(!textOf({ ...pilot, runs }).includes("Seeds needed"));
  // Where one arm learned, the task has something to tell.
  const half = runs.map((run, i) => run.record.asked.label === "lora" ? run : pilot.runs[i]!);
  assertStringIncludes(textOf({ ...pilot, runs: half }), "Seeds needed");
  assert(!textOf(pilot).includes("majority"));
});

Deno.test("tasks that a pilot lacks are said, times are those of its records at the study's steps", () => {
  const { first } = powerWith({
    tasks: [["t", "matthews"], ["u", "matthews"]],
    pilotTasks: [["t", "matthews"]],
  });
  assertEquals(first.pilot!.missing, ["u"]);
  assertEquals(first.pilot!.seedMillis, null);
  const text = powerText([first], words).join("\n");
  assertStringIncludes(text, "The pilot has no runs of u: planned as if it varied");
  assertStringIncludes(text, "Time: unknown");
  // Both true differences need as many seeds, whose time is said once.
  const whole = powerText(powerWith().powers, words).join("\n");
  assertEquals(whole.match(/ for \d+ seeds/g)!.length, 1);
  const { runs } = powered().pilot;
  const { time, steps } = runs[0]!.record.happened;
  assertAlmostEquals(powerWith().first.pilot!.seedMillis!, 2 * 100 * time.wallMillis / steps, 1e-6);
});

Deno.test("without a pilot it is said how to make one, and what could be seen for some spreads", () => {
  for (const { first } of [powerWith({}, true), powerWith({ gains: [0.01] })]) {
    assertEquals([first.pilot, first.needed, first.sees], [null, [], []]);
    const text = powerText([first], words);
    assertEquals(text.filter((line) => /^ {4}(?:0\.5|1|2): /.test(line)).length, 3);
    assertStringIncludes(text.at(-1)!, "deno task sweep mine;");
    assertEquals(beyondPlan(first), null);
  }
  const many = powerText(powerWith({}, true).powers, { ...words, seeds: [1, 2, 3, 4] });
  assertStringIncludes(many.at(-1)!, "deno task sweep mine --only seed=1,2,3;");
  // Equal differences tell no spread.
  const none = powerWith({ gains: [0.01, 0.01, 0.01] }).first;
  assertStringIncludes(powerText([none], words).join("\n"), "the spread is not known");
});

Deno.test("of several pilots the first group with any counts, in it the one with most tasks, then seeds", () => {
  const { study, planned, pilot } = powered();
  const named = (path: string, seeds: number): Pilot => ({
    ...pilot,
    path,
    runs: pilot.runs.filter(({ record }) => record.asked.seed <= seeds),
  });
  const pathOf = (pilots: readonly (readonly Pilot[])[]) =>
    powerOf({ study, planned, pilots, stepsOf })[0]!.pilot?.path;
  assertEquals(pathOf([[named("one", 1)], [named("three", 3), named("five", 5)]]), "five");
  assertEquals(pathOf([[named("two", 2)], [named("five", 5)]]), "two");
  assertEquals(pathOf([]), undefined);
});

Deno.test("a spread is at least that of rounding, and is told by task in units of the score", () => {
  const { first } = powerWith({ tasks: [["t", "accuracy"]], gains: [0.01, 0.01, 0.0101] });
  // An example of 500 is a fifth of a margin of one point.
  assertAlmostEquals(first.rule.resolution, 0.2, 1e-12);
  assertAlmostEquals(first.pilot!.spread.planned, 0.2 / Math.sqrt(6), 1e-12);
  assertEquals(first.needed.length, 2);
  const [task] = powerWith().first.pilot!.spread.tasks;
  assertEquals([task!.task, task!.metric], ["t", "matthews"]);
  assertAlmostEquals(task!.sd, 0.01, 1e-12);
  const none = powerWith({ tasks: [["t", "accuracy"]], gains: [0.01, 0.01, 0.01] }).first;
  assertEquals([none.needed, none.sees, beyondPlan(none)], [[], [], null]);
  assertStringIncludes(
    powerText([none], words).join("\n"),
    "Nothing can be said of seeds: each seed of the pilot has the same difference",
  );
  assertEquals(powerWith().first.unit, { name: "points", perMargin: 1 });
  // Of six looks the first can decide equivalence alone.
  const six = powerWith({ rest: { decide: { mostSeeds: 18 } } }).first;
  assertEquals([six.firstLook, six.rule.difference[0]], [3, Infinity]);
  const without = powerWith({}, true).first;
  assertEquals([without.unit, without.rule.resolution], [{ name: "margins", perMargin: 1 }, 0]);
});

Deno.test("tasks of a pilot count before its seeds, the first of equals, and none with several runs at a place", () => {
  const tasks = [["t", "matthews"], ["u", "matthews"]] as const;
  const { study, planned, pilot: both } = powered({ tasks, gains: unitGains.slice(0, 2) });
  const { pilot: one } = powered({ tasks, pilotTasks: tasks.slice(0, 1) });
  const pathOf = (...pilots: readonly Pilot[]) =>
    powerOf({ study, planned, pilots: [pilots], stepsOf })[0]!.pilot?.path;
  assertEquals(pathOf({ ...one, path: "one" }, { ...both, path: "both" }), "both");
  assertEquals(pathOf({ ...both, path: "first" }, { ...both, path: "second" }), "first");
  for (const label of ["lora", "ours"]) {
    const more = both.planned.filter((run) => run.label === label).slice(0, 1);
    assertEquals(pathOf({ ...both, planned: [...both.planned, ...more] }), undefined, label);
  }
});

Deno.test("a seed takes the steps of each of its runs at the pace of the pilot's at the same place", () => {
  const { study, planned, pilot } = powered({ budgets: [2, 4] });
  const runs = pilot.runs.map(({ record }) => {
    const { happened, asked } = record;
    // A run without steps has no pace.
    const steps = asked.seed === 1 ? 0 : 10;
    const time = { ...happened.time, wallMillis: 1000 * asked.budget!.value };
    return { record: { ...record, happened: { ...happened, steps, time } } };
  });
  const [power] = powerOf({
    study,
    planned,
    pilots: [[{ ...pilot, runs }]],
    stepsOf: ({ label }) => label === "lora" ? 10 : 100,
  });
  assertAlmostEquals(power!.pilot!.seedMillis!, (10 + 100) * (200 + 400), 1e-6);
});

Deno.test("a study without claims has each method beside plain LoRA at each budget", () => {
  const { study, planned } = claimedStudy({
    claims: [],
    labels: ["lora", "ours", "head"],
    budgets: [2, 4],
    seeds: 2,
    score: () => 0.5,
  });
  const { claims: _claims, ...without } = study;
  const runs = planned.map((run) => run.label === "head" ? { ...run, budget: null } : run)
    .map((run) => run.label === "lora" ? { ...run, method: "lora" } : run);
  const { study: asked, areClaimed } = contrastsOf(without, runs);
  assertEquals(areClaimed, false);
  assertEquals(asked.claims!.map(({ name }) => name), [
    "ours, r2",
    "ours, r4",
    "head, r2",
    "head, r4",
  ]);
  assertEquals(asked.claims![2]!.a, { method: "head" });
  const powers = powerOf({ study: asked, planned: runs, pilots: [], stepsOf });
  assertStringIncludes(
    powerText(powers, { ...words, areClaimed })[0]!,
    "Power of each method beside plain LoRA, as if 4 claims were made",
  );
  assertEquals(powerJson(powers).length, 4);
  assertEquals(
    contrastsOf(without, runs.filter(({ label }) => label !== "lora")).study.claims,
    undefined,
  );
  assertStringIncludes(powerText([], words)[0]!, "nothing to compare");
});
