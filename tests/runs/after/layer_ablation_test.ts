import { assertEquals, assertThrows } from "@std/assert";
import {
  checkBaseline,
  isAblationOf,
  keptWeightsFile,
  roomsFor,
} from "../../../src/runs/after/layer_ablation.ts";
import type { RunAblation, RunRecord } from "../../../src/record/types.ts";
import type { ModuleShape } from "../../../src/study/types.ts";

const module = (layer: number): ModuleShape => ({
  name: `layer.${layer}.query`,
  layer,
  part: "query",
  inSize: 8,
  outSize: 8,
});

const evaluation = (step: number, accuracy: number, loss = 0.5) => ({
  step,
  epoch: 1,
  split: "dev",
  loss,
  metrics: { accuracy },
});

/** A record with what these functions read of it. */
function recordWith(happened: Partial<RunRecord["happened"]>): RunRecord {
  return {
    id: "a",
    happened: {
      primaryMetric: "accuracy",
      keep: "best",
      best: evaluation(5, 0.75),
      last: evaluation(9, 0.5),
      finalRanks: { "layer.0.query": 3, "layer.1.query": 1 },
      ...happened,
    },
  } as unknown as RunRecord;
}

Deno.test("keptWeightsFile is that of the selected evaluation", () => {
  assertEquals(keptWeightsFile(recordWith({})), "best.safetensors");
  assertEquals(keptWeightsFile(recordWith({ keep: "last" })), "adapter.safetensors");
  // The best was the last, so that one file holds both.
  assertEquals(keptWeightsFile(recordWith({ last: evaluation(5, 0.75) })), "adapter.safetensors");
});

Deno.test("roomsFor gives the room of training, doubled for a module that outgrew it", () => {
  const initial = [0, 1, 2].map((layer) => ({ module: module(layer), rank: layer === 2 ? 4 : 2 }));
  const capacityOf = (rank: number) => rank + 2;
  const stored = { "layer.0.query": 0, "layer.1.query": 4, "layer.2.query": 1 };
  assertEquals(roomsFor(initial, capacityOf, stored), {
    "layer.0.query": 4,
    "layer.1.query": 4,
    "layer.2.query": 6,
  });
  assertEquals(roomsFor(initial, capacityOf, { ...stored, "layer.0.query": 7 }), {
    "layer.0.query": 8,
    "layer.1.query": 4,
    "layer.2.query": 6,
  });
});

Deno.test("isAblationOf compares metric, baseline and ranks", () => {
  const modules = [module(0), module(1)];
  const removal = (kind: "layer" | "module" | "part", name: string, rank: number) =>
    ({ kind, name, rank, metric: 0.5, loss: 0.25 }) as const;
  const ablation: RunAblation = {
    schema: 1,
    metric: "accuracy",
    baseline: 0.75 + 5e-7,
    removals: [
      removal("layer", "layer.0", 3),
      removal("layer", "layer.1", 1),
      removal("module", "layer.0.query", 3),
      removal("module", "layer.1.query", 1),
    ],
  };
  const record = recordWith({});
  const fewer = { ...ablation, removals: ablation.removals.slice(1) };
  const moved = recordWith({ finalRanks: { "layer.0.query": 2, "layer.1.query": 2 } });
  const undefinedMetric = recordWith({ best: evaluation(5, NaN) });
  const cases: readonly (readonly [RunAblation, RunRecord, boolean])[] = [
    [ablation, record, true],
    [{ ...ablation, baseline: 0.7501 }, record, false],
    [{ ...ablation, baseline: 0.75 + 9e-6 }, record, true],
    [{ ...ablation, baseline: 0.75 - 1.1e-5 }, record, false],
    [{ ...ablation, metric: "f1" }, record, false],
    [fewer, record, false],
    [ablation, moved, false],
    [ablation, recordWith({ finalRanks: null }), false],
    [{ ...ablation, baseline: NaN }, undefinedMetric, true],
    [ablation, undefinedMetric, false],
  ];
  for (const [own, of, isOf] of cases) assertEquals(isAblationOf(own, of, modules), isOf);
  // One from before parts were removed belongs to the record, but is not whole.
  const two = [module(0), { ...module(0), name: "layer.0.key", part: "key" as const }];
  const older = {
    ...ablation,
    removals: [
      removal("layer", "layer.0", 3),
      removal("module", "layer.0.query", 3),
      removal("module", "layer.0.key", 0),
    ],
  };
  const ofTwo = recordWith({ finalRanks: { "layer.0.query": 3, "layer.0.key": 0 } });
  assertEquals(isAblationOf(older, ofTwo, two), false);
  assertEquals(isAblationOf(older, ofTwo, two, "older"), true);
  const whole = {
    ...older,
    removals: [...older.removals, removal("part", "query", 3), removal("part", "key", 0)],
  };
  assertEquals(isAblationOf(whole, ofTwo, two), true);
});

Deno.test("checkBaseline wants the recorded loss and metric, but for a near tie", () => {
  const predictions = Array.from({ length: 40 }, (_, id) => ({
    split: "dev",
    id,
    target: 0,
    prediction: id % 2,
  }));
  const stored = { record: recordWith({}), predictions };
  const found = (loss: number, accuracy: number, flipped: number) => ({
    split: "dev",
    loss,
    metrics: { accuracy },
    predictions: predictions.map(({ prediction }, i) => i < flipped ? 1 - prediction : prediction),
  });
  checkBaseline("r", found(0.5 + 4e-6, 0.75 + 5e-7, 0), stored);
  checkBaseline("r", found(0.5 - 9e-6, 0.75, 0), stored);
  assertThrows(() => checkBaseline("r", found(0.5 + 1.1e-5, 0.75, 0), stored), RangeError, "loss");
  // Of a loss above 1, the same share.
  const large = { ...stored, record: recordWith({ best: evaluation(5, 0.75, 100) }) };
  checkBaseline("r", found(100 + 9e-4, 0.75, 0), large);
  assertThrows(() => checkBaseline("r", found(100 + 1.1e-3, 0.75, 0), large), RangeError, "loss");
  // One example fell the other way.
  checkBaseline("r", found(0.5, 0.725, 1), stored);
  assertThrows(() => checkBaseline("r", found(0.5, 0.7, 2), stored), RangeError, "accuracy 0.7");
  assertThrows(
    () => checkBaseline("r", found(0.51, 0.75, 0), stored),
    RangeError,
    'Cannot ablate the run "r": its stored weights give loss 0.51 on "dev", want 0.5',
  );
  assertThrows(() => checkBaseline("r", found(NaN, 0.75, 0), stored), RangeError, "loss NaN");
});
