import { assertEquals } from "@std/assert";
import { settingsApart } from "../../../src/analysis/power/claim_power.ts";

type Places = Parameters<typeof settingsApart>[0];

/** A place with runs of these settings and options. */
function placesOf(...runs: readonly (readonly [settings: unknown, options?: unknown])[]): Places {
  const made = runs.map(([settings, options], i) =>
    [
      "a",
      { task: "t", method: "m", label: "m", budget: null, seed: i, settings, options },
    ] as const
  );
  return new Map([["place", made]]);
}

Deno.test("settings and options that runs have otherwise are told by their keys, in order", () => {
  const planned = placesOf([{ train: { epochs: 3, steps: null }, model: "x" }, { alpha: 8, b: 1 }]);
  const piloted = placesOf([{ train: { epochs: 2, steps: null }, model: "y" }, {
    alpha: 16,
    b: 1,
  }]);
  assertEquals(settingsApart(planned, piloted), ["model", "options.alpha", "train.epochs"]);
  assertEquals(settingsApart(planned, planned), []);
});

Deno.test("keys of one side do not count, and of a place the first run does", () => {
  const piloted = placesOf([{ train: { epochs: 3 } }], [{ train: { epochs: 9 } }]);
  assertEquals(settingsApart(placesOf([{ train: { epochs: 3, later: 1 } }]), piloted), []);
  assertEquals(settingsApart(placesOf([{ older: 1 }]), piloted), []);
  assertEquals(settingsApart(new Map(), piloted), []);
});
