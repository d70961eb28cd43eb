/** Arms that were not given the same amount of training. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { plannedClaimsText } from "../../../src/analysis/claims/planned_claims.ts";
import { lineOf, plainLine } from "../../../src/analysis/claims/text.ts";
import { type Claim } from "../../../src/study/schema/claims.ts";
import { claimedStudy, claimOf, verdictsOn } from "./scored_runs.ts";

/** What the line of a claim and its plan say of settings in which its arms differ. */
function said(ours: object, lora: object, claim: Partial<Claim> = {}): readonly boolean[] {
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf(claim)],
    rest: { decide: { rule: "fixed" } },
    seeds: 4,
    score: ({ seed }) => 0.5 + 0.01 * seed,
  });
  const own = planned.map((run) => ({
    ...run,
    settings: { model: "embedded", train: run.label === "ours" ? ours : lora },
  }));
  const line = plainLine(lineOf(verdictsOn({ study, planned: own, runs })[0]!));
  return [line, plannedClaimsText(study, own)[1]!].map((text) => text.includes("the arms differ"));
}

Deno.test("a line and a plan tell arms that train for longer or are evaluated on other examples, before anything runs", () => {
  const train = { steps: 60, learningRate: 1e-3, devLimit: null };
  assertEquals(said(train, train), [false, false]);
  // Each method has the rate that suits it.
  assertEquals(said({ ...train, learningRate: 0.1 }, train), [false, false]);
  assertEquals(said({ ...train, steps: 600 }, train), [true, true]);
  assertEquals(said({ ...train, devLimit: 100 }, train), [true, true]);
  const plateau = { ...train, until: { plateau: { patience: 3 } } };
  assertEquals(said(plateau, train), [true, true]);
  // Not where the claim is about just that.
  const a = { method: "ours", settings: { "train.steps": 600 } };
  assertEquals(said({ ...train, steps: 600 }, train, { a }), [false, false]);
});

Deno.test("the values in which arms differ are named", () => {
  const { study, planned } = claimedStudy({ claims: [claimOf()], seeds: 3, score: () => 0.5 });
  const own = planned.map((run) => ({
    ...run,
    settings: { train: { steps: run.label === "ours" ? 600 : 60 } },
  }));
  assertStringIncludes(
    plannedClaimsText(study, own)[1]!,
    "; the arms differ in train.steps (600 and 60)",
  );
});
