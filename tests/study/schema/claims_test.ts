import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { claimPairs } from "../../../src/study/compare/arms.ts";
import {
  type Claim,
  claimsHash,
  type ClaimsOfStudy,
  claimText,
  decisionOf,
  marginOf,
  taskMargin,
} from "../../../src/study/schema/claims.ts";
import { expandStudy } from "../../../src/study/grid/expand.ts";
import { StudyError } from "../../../src/study/check/problems.ts";
import { runTitle } from "../../../src/study/grid/run_id.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import { type Study } from "../../../src/study/schema/study.ts";
import { methods, problemsIn, smallStudy, tasks } from "../tables.ts";

const claim: Claim = {
  name: "main",
  says: "better",
  a: { method: "elalora" },
  b: { method: "lora" },
};

function studyWith(rest: Partial<Omit<Study, "axes">>, axes: Partial<Study["axes"]> = {}): Study {
  return smallStudy({
    ...rest,
    axes: {
      tasks: ["RTE", "CoLA"],
      methods: ["lora", "elalora", "head"],
      budgets: [2, 4],
      seeds: [1, 2, 3],
      ...axes,
    },
  });
}

const tables = {
  tasks,
  methods,
  metricsOf: (task: string) => task === "CoLA" ? ["matthews", "accuracy"] : ["accuracy"],
};

const problemsOf = (study: Study) => problemsIn(() => expandStudy(parseStudy(study), tables));

const withClaim = (rest: Partial<Claim>) =>
  problemsOf(studyWith({ claims: [{ ...claim, ...rest }] }));

Deno.test("claims that say nothing are told with the number that was found", () => {
  assertEquals(withClaim({ margin: 0 }), [
    "claims[0].margin: found 0, wanted more than 0: no two methods are equal within a margin of zero",
  ]);
  assertEquals(problemsOf(studyWith({ margin: { RTE: 1, default: 0 } })), [
    "margin.RTE: found 1, wanted less than 1: margins are in units of the score, so that one point is 0.01",
    "margin.default: found 0, wanted more than 0: no two methods are equal within a margin of zero",
  ]);
  assertEquals(problemsOf(studyWith({ margin: { RET: 0.02 } })), [
    'margin.RET: Unknown task "RET": known are "RTE", "CoLA", "default". Did you mean "RTE"?',
  ]);
});

Deno.test("claims about arms that are not there, the same arm or name twice are told before anything runs", () => {
  assertEquals(withClaim({ a: { method: "elarola" } }), [
    'claims[0].a.method: Unknown method "elarola": known are "lora", "elalora", "head". Did you mean "elalora"?',
  ]);
  assertEquals(withClaim({ a: { method: "lora", budget: 4 }, b: { method: "lora" } }), [
    "claims[0].b: found runs that are those of a too (lora at 4 and lora), wanted another arm",
  ]);
  assertEquals(problemsOf(studyWith({ claims: [claim, { ...claim, says: "equivalent" }] })), [
    'claims[1].name: found "main" as in claims[0], wanted a name of its own',
  ]);
  assertEquals(
    withClaim({ a: { method: "elalora", budget: 2 }, b: { method: "lora", budget: 8 } }),
    [
      'claims[0].b.budget: found 8, wanted a budget of "lora": 2, 4',
    ],
  );
  // An arm of one budget is paired with each budget of the other.
  const except = [{ method: "elalora", budget: 4 }, { method: "lora", budget: 2 }];
  assertEquals(expandStudy(studyWith({ claims: [claim], except }), tables).length, 18);
  const apart = { methods: ["lora", "elalora"], budgets: [2, 4, 8, 16] };
  assertEquals(
    problemsOf(studyWith({
      claims: [claim],
      except: [{ method: "elalora", budget: [2, 4] }, { method: "lora", budget: [8, 16] }],
    }, apart)),
    ['claims[0]: found no task and seed that "elalora" and "lora" have both, wanted at least one at the same budget'],
  );
});

Deno.test("a claim needs tasks, a metric that they have, and exclusions that exclude something", () => {
  assertEquals(withClaim({ tasks: ["CoLA", "Topic"] }), [
    'claims[0].tasks[1]: Unknown task "Topic": known are "RTE", "CoLA"',
  ]);
  assertEquals(
    problemsOf(studyWith({
      claims: [{ ...claim, tasks: ["RTE", "CoLA"] }],
      except: [{ task: "CoLA", method: "elalora" }],
    })),
    ['claims[0].tasks[1]: found "CoLA", wanted a task that "elalora" and "lora" have both'],
  );
  assertEquals(withClaim({ metric: "matthews" }), [
    'claims[0].metric: Unknown metric "matthews": known are "accuracy" (task "RTE")',
  ]);
  assertEquals(withClaim({ exclude: [{ task: ["RTE", "CoLA"] }] }), [
    "claims[0].exclude: found that no task is left, wanted some left",
  ]);
  assertEquals(withClaim({ exclude: [{ method: "head" }] }), [
    "claims[0].exclude[0]: found no run of the claim's arms that it matches, wanted at least one; leave it out or correct it",
  ]);
});

Deno.test("what a claim leaves out may be runs of either arm, and one pair is enough", () => {
  const runs = (rest: Partial<Claim>, margin: Study["margin"] = 0.01) =>
    expandStudy(parseStudy(studyWith({ claims: [{ ...claim, ...rest }], margin })), tables).length;
  const all = expandStudy(studyWith({}), tables).length;
  assertEquals(runs({ exclude: [{ method: "elalora", seed: 1 }] }), all);
  assertEquals(runs({ exclude: [{ method: "lora", seed: 1 }] }), all);
  const allButOne = [{ seed: [2, 3] }, { task: "CoLA" }, { budget: 4 }];
  assertEquals(runs({ exclude: allButOne }), all);
  // Margins of tasks that the study has, and of all others.
  assertEquals(runs({}, { RTE: 0.02, default: 0.03 }), all);
});

Deno.test("texts, lists and rules of claims have bounds", () => {
  const isTaken = (rest: object, of: Partial<Study> = {}) => {
    try {
      parseStudy(studyWith({ claims: [{ ...claim, ...rest }], ...of }));
      return true;
    } catch (error) {
      assert(error instanceof StudyError);
      return false;
    }
  };
  const taken: readonly object[] = [
    ...["a", "a".repeat(80)].map((name) => ({ name })),
    ...["better", "equivalent", "not worse"].map((says) => ({ says })),
    { tasks: ["RTE"] },
    { metric: "f" },
    { text: "T" },
    { exclude: [{ seed: 1 }] },
    { exclude: [{ seed: 1 }, { seed: 2 }] },
  ];
  const refused: readonly object[] = [
    ...["", "a".repeat(81)].map((name) => ({ name })),
    { says: "worse" },
    { tasks: [] },
    { metric: "" },
    { text: "" },
    { exclude: [] },
  ];
  for (const rest of taken) assert(isTaken(rest), JSON.stringify(rest));
  for (const rest of refused) assert(!isTaken(rest), JSON.stringify(rest));
  assert(!isTaken({}, { claims: [] }));
  const rules = ["obrien-fleming", "pocock", "anytime", "fixed"] as const;
  for (const rule of rules) assert(isTaken({}, { decide: { rule } }), rule);
  for (
    const [decide, wanted] of [
      [{ level: 0.2 }, true],
      [{ level: 0.21 }, false],
      [{ level: 0 }, false],
      [{ block: 3 }, true],
      [{ block: 2 }, false],
      [{ mostSeeds: 1000 }, true],
      [{ mostSeeds: 1001 }, false],
      [{ mostSeeds: 3 }, true],
      [{ mostSeeds: 2 }, false],
      [{ betterThan: 0 }, true],
      [{ betterThan: "margin" }, true],
    ] as const
  ) assertEquals(isTaken({}, { decide }), wanted, JSON.stringify(decide));
  assert(isTaken({}, { margin: { RTE: 0.5 } }));
  for (const margin of [{}, { "": 0.5 }]) assert(!isTaken({}, { margin }));
  assert(isTaken({}, { margin: { R: 0.5 } }));
});

Deno.test("a rule that the seeds do not fit is told", () => {
  const decide = (decide: Study["decide"]) =>
    problemsOf(studyWith({ claims: [claim], decide: decide! }));
  assertEquals(decide({ rule: "fixed", block: 3 }), [
    'decide.block: found 3 with the rule "fixed", which looks once; leave it out',
  ]);
  assertEquals(decide({ block: 12, mostSeeds: 9 }), [
    "decide.block: found 12, wanted at most mostSeeds, which is 9",
  ]);
  assertEquals(
    problemsOf(studyWith({ claims: [claim], decide: { mostSeeds: 3 } }, { seeds: [1, 2, 3, 4] })),
    ["decide.mostSeeds: found 3, wanted at least the 4 seeds of axes.seeds"],
  );
  assertEquals(
    problemsOf(studyWith({ claims: [claim], decide: { rule: "fixed" } }, { seeds: [1, 2] })),
    ['decide.rule: found "fixed" with 2 seeds, wanted at least 3'],
  );
  assertEquals(
    problemsOf(
      studyWith({ claims: [claim], decide: { rule: "fixed", block: 3 } }, { seeds: [1, 2] }),
    ).map((problem) => problem.split(":")[0]),
    ["decide.block", "decide.rule"],
  );
  // As many seeds as the rule allows; and a rule that decides nothing, since nothing is claimed.
  const four = studyWith({ claims: [claim], decide: { mostSeeds: 4 } }, { seeds: [1, 2, 3, 4] });
  assert(expandStudy(four, tables).length > 0);
  const none = studyWith({ decide: { rule: "fixed" } }, { seeds: [1, 2] });
  assert(expandStudy(none, tables).length > 0);
});

Deno.test("what a study leaves out of margins and rule has defaults, and claims share the level", () => {
  const study = (rest: Partial<ClaimsOfStudy>): ClaimsOfStudy => ({
    axes: { seeds: [1, 2, 3, 4] },
    claims: [claim, { ...claim, name: "other" }],
    ...rest,
  });
  assertEquals(decisionOf(study({})), {
    rule: "obrien-fleming",
    level: 0.05,
    claimLevel: 0.025,
    block: 3,
    mostSeeds: 30,
    betterThan: "margin",
  });
  for (const claims of [[], [claim]]) assertEquals(decisionOf(study({ claims })).claimLevel, 0.05);
  assertEquals(claimText({ ...claim, text: "Ours is better." }), "Ours is better.");
  const { block, mostSeeds } = decisionOf(study({ decide: { rule: "fixed" } }));
  assertEquals([block, mostSeeds], [4, 4]);
  const margin = { CoLA: 0.02, default: 0.03 };
  assertEquals(marginOf(study({}), claim, "RTE"), 0.01);
  assertEquals(marginOf(study({ margin }), claim, "CoLA"), 0.02);
  assertEquals(marginOf(study({ margin }), claim, "RTE"), 0.03);
  assertEquals(marginOf(study({ margin: { CoLA: 0.02 } }), claim, "RTE"), 0.01);
  assertEquals(marginOf(study({ margin }), { ...claim, margin: 0.05 }, "CoLA"), 0.05);
  assertEquals(
    claimText({ ...claim, says: "not worse", a: { method: "elalora", budget: 4 } }),
    "elalora at 4 is not worse than lora",
  );
  assertEquals(claimText({ ...claim, says: "equivalent" }), "elalora is equivalent to lora");
});

Deno.test("the hash of claims changes with what decides them, and with nothing else", () => {
  const study: ClaimsOfStudy = { axes: { seeds: [1, 2, 3] }, claims: [claim] };
  const hash = claimsHash(study);
  const same: readonly ClaimsOfStudy[] = [
    { ...study, axes: { seeds: [3, 2, 1, 4, 5] } },
    { ...study, margin: 0.01 },
    { ...study, decide: { rule: "obrien-fleming", mostSeeds: 30 } },
    { ...study, claims: [{ ...claim, text: "Ours is better." }] },
  ];
  const other: readonly ClaimsOfStudy[] = [
    { ...study, axes: { seeds: [4, 5, 6] } },
    { ...study, margin: 0.02 },
    { ...study, decide: { betterThan: 0 } },
    { ...study, claims: [{ ...claim, says: "not worse" }] },
    { ...study, claims: [claim, { ...claim, name: "second" }] },
  ];
  assertEquals(same.map(claimsHash), same.map(() => hash));
  for (const [i, changed] of other.entries()) assertNotEquals(claimsHash(changed), hash, String(i));
  // A fixed rule looks when its seeds are there: asking for more of them is another rule.
  const fixed: ClaimsOfStudy = { ...study, decide: { rule: "fixed" } };
  assertNotEquals(claimsHash(fixed), claimsHash({ ...fixed, axes: { seeds: [1, 2, 3, 4] } }));
});

Deno.test("pairs are of one task, seed and budget; a single run is paired with each of the other arm's", () => {
  const runs = expandStudy(studyWith({}, { seeds: [1, 2], tasks: ["RTE"] }), tables);
  const pairs = (rest: Partial<Claim>) =>
    claimPairs({ ...claim, ...rest }, runs).map(({ a, b }) => `${runTitle(a)} | ${runTitle(b)}`);
  assertEquals(pairs({}), [
    "RTE, elalora, r2, seed 1 | RTE, lora, r2, seed 1",
    "RTE, elalora, r4, seed 1 | RTE, lora, r4, seed 1",
    "RTE, elalora, r2, seed 2 | RTE, lora, r2, seed 2",
    "RTE, elalora, r4, seed 2 | RTE, lora, r4, seed 2",
  ]);
  assertEquals(pairs({ a: { method: "head" }, exclude: [{ seed: 2 }] }), [
    "RTE, head, seed 1 | RTE, lora, r2, seed 1",
    "RTE, head, seed 1 | RTE, lora, r4, seed 1",
  ]);
  assertEquals(pairs({ a: { method: "elalora", budget: 2 }, b: { method: "lora", budget: 4 } }), [
    "RTE, elalora, r2, seed 1 | RTE, lora, r4, seed 1",
    "RTE, elalora, r2, seed 2 | RTE, lora, r4, seed 2",
  ]);
  assertEquals(pairs({ b: { method: "head" }, exclude: [{ seed: 2 }] }), [
    "RTE, elalora, r2, seed 1 | RTE, head, seed 1",
    "RTE, elalora, r4, seed 1 | RTE, head, seed 1",
  ]);
  // A task that the other arm lacks has no pair.
  const some = runs.filter(({ method, seed }) => method !== "lora" || seed === 1);
  assertEquals(claimPairs(claim, some).map(({ seed }) => seed), [1, 1]);
  // What is excluded does not change what is paired with what.
  assertEquals(pairs({ exclude: [{ budget: 4, method: "lora" }] }).length, 2);
});

Deno.test("a study without claims may have a margin and a rule", () => {
  const study = parseStudy(studyWith({ margin: 0.02, decide: { block: 5 } }));
  assertEquals([taskMargin(study, "RTE"), decisionOf(study).block], [0.02, 5]);
  // Neither is a part of what runs ask for.
  assertEquals(expandStudy(study, tables), expandStudy(parseStudy(studyWith({})), tables));
});

Deno.test("a robust claim needs trials of several seeds, and says in its sentence what it asks", () => {
  const robust: Claim = { ...claim, robust: true };
  const tune = {
    vary: { "train.learningRate": { log: [1e-3, 1e-2] } },
    trials: 4,
    heldOut: 0.2,
  } as const;
  const of = (own: object, rest: Partial<Study> = {}) =>
    problemsOf(studyWith({ claims: [{ ...robust, ...own }], ...rest }));
  assert(expandStudy(parseStudy(studyWith({ claims: [robust], tune })), tables).length > 0);
  assertEquals(of({}), [
    "claims[0].robust: found true in a study that is not tuned, wanted a tune block: a claim is robust if it holds at the settings that were tried beside the best ones",
  ]);
  assertEquals(of({}, { tune: { ...tune, seeds: [101] } }), [
    "claims[0].robust: found true with trials of one seed, which give no interval, wanted at least two in tune.seeds",
  ]);
  assertEquals(of({ metric: "accuracy" }, { tune }), [
    'claims[0].robust: found true beside the metric "accuracy", wanted none: trials are compared by the first metric of each task',
  ]);
  assertEquals(
    claimText(robust),
    "elalora is better than lora, at the settings beside the tuned ones too",
  );
  assertNotEquals(
    claimsHash(studyWith({ claims: [robust] })),
    claimsHash(studyWith({ claims: [claim] })),
  );
});
