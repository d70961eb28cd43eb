import { assertEquals } from "@std/assert";
import {
  defaultSettings,
  overlaySettings,
  settingsSchema,
} from "../../../src/study/schema/settings.ts";

Deno.test("runs that keep no half for verdicts have the settings of runs from before that could be said", () => {
  const of = (...values: readonly boolean[]) =>
    overlaySettings(defaultSettings, ...values.map((verdictSplit) => ({ train: { verdictSplit } })))
      .train;
  assertEquals(of(true), { ...defaultSettings.train, verdictSplit: true });
  assertEquals(Object.keys(of(true, false)), Object.keys(defaultSettings.train));
  const settings = overlaySettings(defaultSettings, { train: { verdictSplit: true } });
  assertEquals(settingsSchema.parse(settings), settings);
});

Deno.test("seeds of streams are laid over each other key by key, and only those that are held are said", () => {
  type Seeds = { readonly init?: number | null; readonly order?: number | null };
  const of = (...values: readonly Seeds[]) =>
    overlaySettings(defaultSettings, ...values.map((seeds) => ({ train: { seeds } }))).train;
  assertEquals(of({ order: 0 }), { ...defaultSettings.train, seeds: { order: 0 } });
  assertEquals(of({ order: 3 }, { init: 4 }).seeds, { init: 4, order: 3 });
  assertEquals(of({ order: 3, init: 4 }, { init: null }).seeds, { order: 3 });
  for (const seeds of [[], [{}], [{ init: null }], [{ init: 4 }, { init: null }]] as const) {
    assertEquals(Object.keys(of(...seeds)), Object.keys(defaultSettings.train));
  }
  const settings = overlaySettings(defaultSettings, { train: { seeds: { init: 4 } } });
  assertEquals(settingsSchema.parse(settings), settings);
});

Deno.test("defaultSettings pass their own validator and are as documented", () => {
  assertEquals(settingsSchema.parse(defaultSettings), defaultSettings);
  const { epochs, steps, batchSize, learningRate, warmup, schedule, clipNorm, keep, dropout } =
    defaultSettings.train;
  assertEquals(
    { epochs, steps, batchSize, learningRate, warmup, schedule, clipNorm, keep },
    {
      epochs: 3,
      steps: null,
      batchSize: 32,
      learningRate: 1e-3,
      warmup: 0.06,
      schedule: "linear",
      clipNorm: 1,
      keep: "last",
    },
  );
  assertEquals(dropout, { hidden: 0.1, attention: 0.1, head: 0.1, adapter: 0 });
  assertEquals(defaultSettings.adapter.modules.length, 6);
});

Deno.test("overlaySettings() lets later layers win key by key at every depth", () => {
  const settings = overlaySettings(
    defaultSettings,
    { model: "folder", train: { steps: 50, dropout: { head: 0.2, hidden: 0 } } },
    { train: { steps: null, dropout: { head: 0.3 } }, adapter: { modules: ["value"] } },
  );
  assertEquals(settings, {
    model: "folder",
    train: {
      ...defaultSettings.train,
      steps: null,
      dropout: { hidden: 0, attention: 0.1, head: 0.3, adapter: 0 },
    },
    adapter: { modules: ["value"] },
  });
});

Deno.test("overlaySettings() leaves the bias of a regression out where it is the default, so that ids stay", () => {
  const overlay = (...biases: readonly ("middle" | "zero")[]) =>
    overlaySettings(
      defaultSettings,
      ...biases.map((regressionBias) => ({ train: { regressionBias } })),
    ).train;
  assertEquals(overlay("zero"), { ...defaultSettings.train, regressionBias: "zero" });
  for (const biases of [[], ["middle"], ["zero", "middle"]] as const) {
    assertEquals(Object.keys(overlay(...biases)), Object.keys(defaultSettings.train));
  }
  assertEquals(overlay("middle", "zero").regressionBias, "zero");
});

Deno.test("overlaySettings() leaves the head's rate out where it has none of its own, so that ids stay", () => {
  const overlay = (...rates: readonly (number | null)[]) =>
    overlaySettings(
      defaultSettings,
      ...rates.map((headLearningRate) => ({ train: { headLearningRate } })),
    ).train;
  assertEquals(overlay(0.01), { ...defaultSettings.train, headLearningRate: 0.01 });
  assertEquals(overlay(null, 0.01).headLearningRate, 0.01);
  for (const rates of [[], [null], [0.01, null]] as const) {
    assertEquals(overlay(...rates), defaultSettings.train);
    assertEquals(Object.keys(overlay(...rates)), Object.keys(defaultSettings.train));
  }
});

Deno.test("overlaySettings() changes none of its inputs", () => {
  const before = structuredClone(defaultSettings);
  const layer = Object.freeze({ train: Object.freeze({ epochs: 9 }) });
  assertEquals(overlaySettings(defaultSettings, layer).train.epochs, 9);
  assertEquals(defaultSettings, before);
  assertEquals(overlaySettings(defaultSettings), defaultSettings);
});
