import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { RecordedEnvironment, RunRecord } from "../../src/record/types.ts";
import {
  changedInputs,
  comparePinned,
  pinnedBy,
  verifyRun,
} from "../../src/record/verification.ts";
import {
  compareNumbers,
  relativeDifference,
  type RunNumbers,
} from "../../src/record/compare_numbers.ts";
import { recordOf, stepLine } from "./small_run.ts";

type Pinned = ReturnType<typeof pinnedBy>;

const small = recordOf("0f3a9c21aa55aa55");

const where: RecordedEnvironment = {
  ...small.where,
  gitCommit: "c0ffee",
  packages: { vega: "6.4.0", zod: "4.6.7" },
  hashes: {
    data: { "Genre/dev.tsv": "d1", "Genre/train.tsv": "d2" },
    weights: "w1",
    tokenizer: "t1",
    lock: "l1",
    source: "s1",
  },
};

const evaluation = (step: number, loss: number, accuracy: number) => ({
  step,
  epoch: step / 10,
  split: "dev",
  loss,
  metrics: { accuracy },
});

const record: RunRecord = {
  ...small,
  happened: {
    ...small.happened,
    keep: "best",
    best: evaluation(2, 0.5, 0.75),
    last: evaluation(3, 0.6, 0.5),
    finalRanks: { "layer.0.query": 3, "layer.0.key": 1 },
  },
  where,
};

const run: RunNumbers = {
  record,
  steps: [1, 2, 3].map(stepLine),
  evaluations: [evaluation(2, 0.5, 0.75), evaluation(3, 0.6, 0.5)],
  ranks: [{
    step: 2,
    budget: 4,
    moved: 1,
    threshold: 1e-7,
    changes: [
      { module: "layer.0.query", from: 2, to: 3, score: 3e-7 },
      { module: "layer.0.key", from: 2, to: 1, score: 1e-8 },
    ],
  }],
  // A policy's event and an evaluation in the same step leave two lines.
  importance: [
    { step: 2, scores: { "layer.0.query": 3e-6, "layer.0.key": 1e-8 } },
    { step: 2, scores: { "layer.0.query": 4e-6, "layer.0.key": 2e-8 } },
  ],
  predictions: [0, 1, 2, 3].map((id) => ({
    split: "dev",
    id,
    target: id % 2,
    prediction: [2.5, -1.25, 1e-9, 0.5][id]!,
  })),
};

/** The run with the steps' losses changed by a factor each. */
const withLosses = (...factors: readonly number[]): RunNumbers => ({
  ...run,
  steps: run.steps.map((line, i) => ({ ...line, loss: line.loss * factors[i]! })),
});

const verify = (found: RunNumbers, tolerance = 1e-4, present: Pinned = pinnedBy(record)) =>
  verifyRun({ title: "r", wanted: run, found, present, tolerance });

Deno.test("verifyRun calls a run bit-equal whose times differ only", () => {
  const slower = { ...run, steps: run.steps.map((line) => ({ ...line, stepMillis: 99 })) };
  const { verdict, first, firstBeyond, quantities, message } = verify(slower);
  assertEquals([verdict, first, firstBeyond, message], ["bit-equal", null, null, null]);
  assertEquals(
    quantities.map(({ quantity, compared, equal }) => [quantity, compared, equal]),
    [
      ["loss", 3, 3],
      ["regulariser", 3, 3],
      ["gradient norm", 3, 3],
      ["learning rate", 3, 3],
      ["tokens", 3, 3],
      ["rank scores", 3, 3],
      ["rank events", 3, 3],
      ["importance", 4, 4],
      ["evaluations", 4, 4],
      // The step, the loss and the accuracy that count.
      ["final metrics", 3, 3],
      ["final ranks", 2, 2],
      ["predictions", 4, 4],
    ],
  );
});

Deno.test("verifyRun tells the first difference from the first beyond the tolerance", () => {
  const found = withLosses(1, 1 + 1e-6, 1.1);
  const { verdict, first, firstBeyond, quantities } = verify(found);
  assertEquals(verdict, "not reproduced");
  assertEquals(first, { quantity: "loss", step: 2, found: 0.5 * (1 + 1e-6), wanted: 0.5 });
  assertEquals(firstBeyond, { quantity: "loss", step: 3, found: 1 / 3 * 1.1, wanted: 1 / 3 });
  const loss = quantities[0]!;
  assertEquals([loss.agreement, loss.compared, loss.equal], ["different", 3, 1]);
  // 0.1 of the larger, 1.1.
  assert(Math.abs(loss.largestRelative - 0.1 / 1.1) < 1e-12);
  const lenient = verify(found, 0.2);
  assertEquals([lenient.verdict, lenient.firstBeyond], ["within tolerance", null]);
  assertEquals(lenient.first, first);
});

Deno.test("verifyRun names the earliest step over all quantities", () => {
  const found: RunNumbers = {
    ...withLosses(1, 1, 2),
    evaluations: [evaluation(2, 0.5, 0.7), evaluation(3, 0.6, 0.5)],
    predictions: run.predictions.map((line) => ({ ...line, prediction: 0 })),
  };
  assertEquals(verify(found).firstBeyond, {
    quantity: "evaluations: dev accuracy",
    step: 2,
    found: 0.7,
    wanted: 0.75,
  });
});

Deno.test("within a step, what comes about first is named first", () => {
  const steps = run.steps.map((line) =>
    line.step === 2 ? { ...line, gradientNorm: 9, regulariser: 9 } : line
  );
  const evaluations = [evaluation(2, 5, 0.75), evaluation(3, 0.6, 0.5)];
  assertEquals(verify({ ...run, steps, evaluations }).first?.quantity, "regulariser");
});

Deno.test("ranks, counts and the kept step have no tolerance", () => {
  const [event] = run.ranks;
  const cases: readonly (readonly [string, RunNumbers, number | null])[] = [
    [
      "rank events: layer.0.query",
      {
        ...run,
        ranks: [{ ...event!, changes: [{ ...event!.changes[0]!, to: 4 }, event!.changes[1]!] }],
      },
      2,
    ],
    ["rank events: event", { ...run, ranks: [{ ...event!, moved: 2 }] }, 2],
    [
      "tokens",
      { ...run, steps: run.steps.map((line) => line.step === 3 ? { ...line, tokens: 5 } : line) },
      3,
    ],
    [
      "final ranks: layer.0.key",
      {
        ...run,
        record: {
          ...record,
          happened: { ...record.happened, finalRanks: { "layer.0.query": 3, "layer.0.key": 2 } },
        },
      },
      null,
    ],
    [
      "final metrics: step kept",
      {
        ...run,
        record: {
          ...record,
          happened: { ...record.happened, best: evaluation(3, 0.5, 0.75) },
        },
      },
      null,
    ],
  ];
  for (const [quantity, found, step] of cases) {
    const { verdict, firstBeyond } = verify(found, 10);
    assertEquals([verdict, firstBeyond?.quantity, firstBeyond?.step], [
      "not reproduced",
      quantity,
      step,
    ]);
  }
});

Deno.test("what one run lacks is a difference at any tolerance", () => {
  const shorter = { ...run, steps: run.steps.slice(0, 2) };
  assertEquals(verify(shorter, 10).firstBeyond, {
    quantity: "loss",
    step: 3,
    found: null,
    wanted: 1 / 3,
  });
  const longer = { ...run, ranks: [...run.ranks, { ...run.ranks[0]!, step: 3 }] };
  const more = verify(longer, 10).firstBeyond;
  assertEquals([more?.step, more?.quantity, more?.wanted], [3, "rank scores: threshold", null]);
  assertEquals(
    verify({ ...run, predictions: [] }, 10).firstBeyond?.quantity,
    "predictions: dev row 0",
  );
});

Deno.test("lines that come twice in a step are compared in their order", () => {
  const [a, b] = run.importance;
  const swapped = verify({ ...run, importance: [b!, a!] });
  assertEquals(swapped.first, {
    quantity: "importance: layer.0.query",
    step: 2,
    found: 4e-6,
    wanted: 3e-6,
  });
});

Deno.test("NaN equals NaN, and no number", () => {
  const nan = (prediction: number) => ({
    ...run,
    predictions: run.predictions.map((line) => line.id === 1 ? { ...line, prediction } : line),
  });
  const request = { title: "r", present: pinnedBy(record), tolerance: 10 };
  assertEquals(verifyRun({ ...request, wanted: nan(NaN), found: nan(NaN) }).verdict, "bit-equal");
  const { verdict, firstBeyond } = verifyRun({ ...request, wanted: nan(NaN), found: nan(1) });
  assertEquals(verdict, "not reproduced");
  assertEquals(firstBeyond, {
    quantity: "predictions: dev row 1",
    step: null,
    found: 1,
    wanted: "NaN",
  });
});

Deno.test("relativeDifference measures small numbers by 1 % of the largest", () => {
  assertEquals(relativeDifference(2, 2, 2), 0);
  assertEquals(relativeDifference(0, -0, 2), 0);
  assertEquals(relativeDifference(3, 4, 4), 0.25);
  assertEquals(relativeDifference(-1, 1, 1), 2);
  assertEquals(relativeDifference(0, 1e-4, 1), 0.01);
  assertEquals(relativeDifference(0, 0.5, 0), 1);
  for (
    const [found, wanted] of [[1, undefined], [undefined, 1], [1, Infinity], ["a", "b"]] as const
  ) {
    assertEquals(relativeDifference(found, wanted, 1), Infinity);
  }
  // Row 2 predicts 1e-9 where others predict up to 2.5: a change in its digits is a change of nothing.
  const found = {
    ...run,
    predictions: run.predictions.map((line) =>
      line.id === 2 ? { ...line, prediction: 2e-9 } : line
    ),
  };
  assertEquals(verify(found).verdict, "within tolerance");
});

Deno.test("a difference that is just the tolerance is within it", () => {
  // The last loss, 1/3, becomes 4/9: relative to the larger of the two, a quarter.
  const found = withLosses(1, 1, 4 / 3);
  const [losses] = compareNumbers(found, run, 0);
  const { largestRelative } = losses!;
  assertAlmostEquals(largestRelative, 0.25, 1e-12);
  assertEquals(verify(found, largestRelative).verdict, "within tolerance");
  assertEquals(verify(found, largestRelative * (1 - 1e-12)).verdict, "not reproduced");
});

Deno.test("compareNumbers leaves out what neither run has", () => {
  const bare = { ...run, ranks: [], importance: [] };
  const names = compareNumbers(bare, bare, 0).map(({ quantity }) => quantity);
  assert(!names.some((name) => name.startsWith("rank ") || name === "importance"), names.join());
});

Deno.test("comparePinned lists every item with both values", () => {
  const present: Pinned = {
    ...pinnedBy(record),
    methodVersion: 2,
    where: {
      ...where,
      gitCommit: null,
      packages: { vega: "6.5.0", arquero: "8.0.3" },
      device: { ...where.device, threads: 4 },
    },
  };
  const items = comparePinned(pinnedBy(record), present);
  assertEquals(
    items.filter(({ isSame }) => !isSame).map((
      { item, kind, wanted, found },
    ) => [item, kind, wanted, found]),
    [
      ["git commit", "code", "c0ffee", null],
      ["method version", "code", 1, 2],
      ["package arquero", "code", null, "8.0.3"],
      ["package vega", "code", "6.4.0", "6.5.0"],
      ["package zod", "code", "4.6.7", null],
      ["threads", "machine", 1, 4],
    ],
  );
  assertEquals(items.filter(({ isSame }) => isSame).map(({ item }) => item), [
    "ranklab",
    "ranklab's source",
    "deno",
    "lock file",
    "seed",
    "data Genre/dev.tsv",
    "data Genre/train.tsv",
    "weights",
    "tokenizer",
    "executor",
    "device",
    "platform",
  ]);
  assertEquals(changedInputs(items), []);
  // A record from before the source was hashed pins the rest.
  const { source: _, ...hashes } = where.hashes;
  const older = comparePinned({ ...pinnedBy(record), where: { ...where, hashes } }, {
    ...pinnedBy(record),
  });
  assertEquals(older.filter(({ item, isSame }) => !isSame || item.includes("source")), []);
});

Deno.test("changed inputs are no failure, whatever the numbers say", () => {
  const { hashes } = where;
  const other = "0123456789ab".repeat(5) + "cdef";
  const dev = "Genre/dev.tsv";
  const cases: readonly (readonly [RecordedEnvironment["hashes"], string])[] = [
    [{ ...hashes, weights: other }, "weights w1, here with weights 0123456789ab…"],
    [
      { ...hashes, weights: "w2", tokenizer: "t2" },
      "weights w1, tokenizer t1, here with weights w2, tokenizer t2",
    ],
    [
      { ...hashes, data: { ...hashes.data, [dev]: "d9" } },
      "data Genre/dev.tsv d1, here with data Genre/dev.tsv d9",
    ],
    [
      { ...hashes, data: { [dev]: "d1" } },
      "data Genre/train.tsv d2, here with data Genre/train.tsv nothing",
    ],
  ];
  for (const [changed, wanted] of cases) {
    const present = { ...pinnedBy(record), where: { ...where, hashes: changed } };
    for (const found of [withLosses(2, 2, 2), null]) {
      const { verdict, message, quantities } = verifyRun({
        title: "r",
        wanted: run,
        found,
        present,
        tolerance: 0,
      });
      assertEquals([verdict, quantities], ["inputs differ", []]);
      assertEquals(message, `not run: recorded with ${wanted}`);
    }
  }
  const lock = { ...pinnedBy(record), where: { ...where, hashes: { ...hashes, lock: "l2" } } };
  assertEquals(verify(run, 0, lock).verdict, "bit-equal");
});

Deno.test("a run that fails when it is repeated is not reproduced", () => {
  const failed: RunNumbers = {
    ...run,
    record: {
      ...record,
      happened: {
        ...record.happened,
        outcome: { state: "failed", cause: "diverged", message: "found loss NaN", step: 3 },
      },
    },
  };
  const { verdict, message } = verify(failed);
  assertEquals([verdict, message], ["not reproduced", "failed (diverged): found loss NaN"]);
});

Deno.test("comparePinned asks for V8 and the runtime's files where the record has them", () => {
  const { source: _source, ...hashes } = where.hashes;
  const wanted = {
    ...where,
    v8: "15.0",
    hashes: { ...hashes, libraries: { "a.so": "h1", "b.node": "h2" } },
  };
  const found = { ...wanted, v8: "15.1", hashes: { ...hashes, libraries: { "a.so": "h3" } } };
  const of = (where: RecordedEnvironment): Pinned => ({ ...pinnedBy(record), where });
  const items = comparePinned(of(wanted), of(found)).filter(({ isSame }) => !isSame);
  assertEquals(items.map(({ item, kind, wanted, found }) => [item, kind, wanted, found]), [
    ["v8", "code", "15.0", "15.1"],
    ["library a.so", "code", "h1", "h3"],
    ["library b.node", "code", "h2", null],
  ]);
  const older = comparePinned(of(where), of(found)).map(({ item }) => item);
  assertEquals(older.filter((item) => /v8|library/.test(item)), []);
});

Deno.test("logits that only one of two runs has are no difference", () => {
  const predictions = run.predictions.map((line) => ({ ...line, logits: [0.5, -0.5] }));
  assertEquals(verify({ ...run, predictions }).verdict, "bit-equal");
});
