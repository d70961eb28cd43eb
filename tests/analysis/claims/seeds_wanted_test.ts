import { assertAlmostEquals, assertEquals } from "@std/assert";
import { looksOf, seedsWanted } from "../../../src/analysis/claims/claims_report.ts";
import {
  type ClaimedOptions,
  claimedStudy,
  claimOf,
  improvingCells,
  verdictsOn,
} from "./scored_runs.ts";

/** What is wanted of a study whose `ours` gains as given over `lora`, seed by seed. */
function wantedOf(
  gains: readonly (number | null | undefined)[],
  rest: ClaimedOptions["rest"] = {},
  early: "none" | "noisy" | "early" = "none",
) {
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf()],
    rest: { decide: { block: 3, mostSeeds: 12 }, ...rest },
    seeds: gains.length,
    score: ({ label, seed }) => {
      const gain = gains[seed - 1];
      return label === "lora" || gain === null || gain === undefined ? gain && 0.5 : 0.5 + gain;
    },
  });
  const verdicts = verdictsOn({ study, planned, runs }, {
    improving: (runs) => early === "none" ? [] : improvingCells(runs, early === "noisy"),
  });
  const { more, open } = seedsWanted(verdicts);
  return { more: more.map(({ seeds }) => seeds), open: open.map(({ reason }) => reason), verdicts };
}

/** As many gains as are asked for, which lie apart by three points. */
const noisy = (count: number) =>
  Array.from({ length: count }, (_, i) => i % 2 === 0 ? 0.03 : -0.03);

Deno.test("a claim wants the seeds up to its next look, whatever the axis begins with", () => {
  for (const [seeds, wanted] of [[1, 2], [3, 3], [5, 1], [10, 2]] as const) {
    assertEquals(wantedOf(noisy(seeds)).more, [wanted], `${seeds} seeds`);
  }
  // A fixed rule looks once.
  assertEquals(wantedOf(noisy(5), { decide: { rule: "fixed", mostSeeds: 12 } }).more, [7]);
});

Deno.test("a claim that is decided wants none; one that seeds cannot decide says why", () => {
  const sure = wantedOf([0.5, 0.51, 0.52, 0.5, 0.51, 0.52]);
  assertEquals([sure.more, sure.open, sure.verdicts[0]!.answer], [[], [], "supported"]);
  assertEquals(wantedOf(noisy(12)).open, [
    "12 seeds are the most that the study allows (decide.mostSeeds)",
  ]);
  assertEquals(wantedOf(noisy(3), {}, "early").open, ["its runs need more steps"]);
  // Where noise is what keeps it from a verdict, seeds are what it wants.
  const noise = wantedOf(noisy(3), {}, "noisy");
  assertEquals([noise.more, noise.open], [[3], []]);
  assertEquals(noise.verdicts[0]!.closed[0]!.note.match(/may be noise/g)?.length, 2);
  const [verdict] = wantedOf(noisy(5)).verdicts;
  const closedBy = (against: string | null) => {
    const answer = "nothing learned" as const;
    const { more, open } = seedsWanted([
      { ...verdict!, answer, closed: [{ answer, note: "", against }] },
    ]);
    return [more.map(({ seeds }) => seeds), open.map(({ reason }) => reason)];
  };
  assertEquals(closedBy("its runs learned nothing"), [[], ["its runs learned nothing"]]);
  // A gate that seeds may open asks for them.
  assertEquals(closedBy(null), [[1], []]);
  assertEquals(wantedOf([0.03, undefined, 0.01]).open, [
    "seed 2 has runs that are damaged or not there",
  ]);
  // A lost seed is made up for; where one after the other is lost, no more are tried.
  assertEquals(wantedOf([0.03, null, -0.03]).more, [1]);
  assertEquals(wantedOf([0.03, -0.03, null, null]).more, [1]);
  const lost = wantedOf([0.03, -0.03, null, null, null]);
  assertEquals([lost.more, lost.open], [[], ["the last 3 seeds have runs without a score"]]);
});

Deno.test("only seeds that are lost one after the other at the end keep a claim open", () => {
  // Four are lost, of which one after the last that counts.
  assertEquals(wantedOf([null, 0.03, -0.03, null, null, 0.02, null]).more, [3]);
  assertEquals(wantedOf([null, null, null]).open, [
    "the last 3 seeds have runs without a score",
  ]);
  assertEquals(wantedOf([0.03, 0.01, undefined]).open, [
    "seed 3 has runs that are damaged or not there",
  ]);
  const sure = wantedOf(Array.from({ length: 12 }, (_, i) => 0.03 + 0.001 * (i % 3)));
  assertEquals([sure.more, sure.open], [[], []]);
});

Deno.test("claims keep their order, and tuning at an edge is a reason of its own", () => {
  const { study, planned, runs } = claimedStudy({
    claims: [claimOf(), claimOf({ name: "second", says: "equivalent" })],
    seeds: 4,
    score: ({ label, seed }) => 0.5 + (label === "ours" ? 0.1 * Math.sin(seed) : 0),
  });
  const open = verdictsOn({ study, planned, runs }, { isBracketed: () => false });
  const edge = "its settings are tuned at the edge of their range";
  assertEquals(
    seedsWanted(open).open.map(({ verdict, reason }) => [verdict.claim.name, reason]),
    [["ours", edge], ["second", edge]],
  );
  assertEquals(
    seedsWanted(verdictsOn({ study, planned, runs })).more.map(({ verdict, seeds }) => [
      verdict.claim.name,
      seeds,
    ]),
    [["ours", 2], ["second", 2]],
  );
});

Deno.test("each look is told with its interval, the last with the verdict", () => {
  const { verdicts: [verdict] } = wantedOf([0.5, 0.51, 0.52, 0.5, 0.51, 0.52]);
  const looks = looksOf(verdict!);
  assertEquals(looks.map(({ seeds, answer }) => [seeds, answer]), [[3, "undecided"], [
    6,
    "supported",
  ]]);
  assertEquals(
    looks[0]!.text,
    "3 seeds: ours +51.00 points (95% interval wider than 100 margins), undecided",
  );
  assertEquals(Math.round(looks[1]!.mean), 51);
  assertEquals(looksOf(wantedOf(noisy(2)).verdicts[0]!), []);
  // With another margin, the same scores have the same interval in points.
  const { verdicts: [wide] } = wantedOf([0.5, 0.51, 0.52, 0.5, 0.51, 0.52], { margin: 0.02 });
  const last = looksOf(wide!)[1]!;
  assertAlmostEquals(last.mean, 51, 1e-9);
  assertAlmostEquals(last.low, looks[1]!.low, 1e-9);
  assertAlmostEquals(last.high, looks[1]!.high, 1e-9);
});
