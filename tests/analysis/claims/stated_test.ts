import { assert, assertEquals } from "@std/assert";
import { statingOf, statingText, withStatement } from "../../../src/analysis/claims/stated.ts";
import type { StatedClaims } from "../../../src/analysis/claims/statement.ts";
import { type Claimed, claimedStudy, claimOf } from "./scored_runs.ts";

const at = (hour: number) => `2026-11-27T${String(hour).padStart(2, "0")}:30:00.000Z`;

/** Ten runs, of which `lora` began at 10 o'clock and `ours` at 12. */
function claimed(): Claimed {
  const study = claimedStudy({ claims: [claimOf()], seeds: 5, score: () => 0.5 });
  return {
    ...study,
    runs: study.runs.map(({ record }) => ({
      record: {
        ...record,
        happened: {
          ...record.happened,
          time: { ...record.happened.time, startedAt: at(record.asked.label === "lora" ? 10 : 12) },
        },
      },
    })),
  };
}

const { study, planned, runs } = claimed();
const other = { ...study, margin: 0.02 };
const claimsText = "the claims, their margins or the rule that decides";
const said = (statements: StatedClaims["statements"], now = study) =>
  statingText(statingOf({ study: now, planned, statements }, runs));

Deno.test("claims that stand before the first run say so, whatever they were before it", () => {
  const stated = withStatement(study, [], { at: at(9) });
  assertEquals(said(stated), "stated before the first run (2026-11-27 09:30 UTC)");
  assertEquals(withStatement(study, stated, { at: at(11) }), stated);
  // A run that begins at that very time comes after it.
  assertEquals(
    said(withStatement(study, [], { at: at(10) })),
    "stated before the first run (2026-11-27 10:30 UTC)",
  );
  const changed = withStatement(study, withStatement(other, [], { at: at(8) }), { at: at(9) });
  assertEquals([changed.length, said(changed)], [
    2,
    "stated before the first run (2026-11-27 09:30 UTC)",
  ]);
});

Deno.test("claims that are changed or stated later say after how many runs", () => {
  const changed = withStatement(study, withStatement(other, [], { at: at(9) }), { at: at(11) });
  assertEquals(
    said(changed),
    `changed on 2026-11-27 11:30 UTC (${claimsText}), after 5 of 10 runs had begun`,
  );
  // Changed and changed back is changed.
  assertEquals(
    said(
      withStatement(study, [
        ...withStatement(study, [], { at: at(9) }),
        ...withStatement(other, [], { at: at(10) }),
      ], { at: at(13) }),
    ),
    `changed on 2026-11-27 13:30 UTC (${claimsText}), after 10 of 10 runs had begun`,
  );
  assertEquals(
    said(withStatement(study, [], { at: at(11) })),
    "stated on 2026-11-27 11:30 UTC, after 5 of 10 runs had begun",
  );
});

Deno.test("settings of arms that are changed after runs are told, though none of the present runs had begun", () => {
  const first = withStatement(study, [], { at: at(8), arms: "1", begun: 0 });
  assertEquals(withStatement(study, first, { at: at(9), arms: "1", begun: 10 }), first);
  const changed = withStatement(study, first, { at: at(9), arms: "2", begun: 10 });
  assertEquals(
    said(changed),
    "changed on 2026-11-27 09:30 UTC (the settings of their arms), after 10 runs of what was stated before",
  );
  // Nothing had run when they were changed.
  assertEquals(
    said(withStatement(study, first, { at: at(9), arms: "2", begun: 0 })),
    "stated before the first run (2026-11-27 09:30 UTC)",
  );
  // Runs of the other arm had begun already: these are claims that were changed, not stated late.
  assertEquals(
    said(withStatement(study, first, { at: at(11), arms: "2", begun: 10 })),
    "changed on 2026-11-27 11:30 UTC (the settings of their arms), after 5 of 10 runs had begun",
  );
  // Nothing had been stated before.
  assertEquals(
    said(withStatement(study, [], { at: at(9), arms: "1", begun: 3 })),
    "stated before the first run (2026-11-27 09:30 UTC)",
  );
  // What was stated before arms were kept stays as it is.
  const old = withStatement(study, [], { at: at(8) });
  assertEquals(withStatement(study, old, { at: at(9), arms: "2", begun: 10 }), old);
});

Deno.test("a rule of convergence that is changed after runs is told", () => {
  const first = withStatement(study, [], { at: at(9) });
  // The default, written out, is the same rule.
  const written = { ...study, convergence: { scoreGain: 0.01 } };
  assertEquals(withStatement(written, first, { at: at(11) }), first);
  const looser = { ...study, convergence: { lossShare: 0.9 } };
  const hand = "changed by hand: study.json has no time at which these were stated";
  assertEquals(said(first, looser), hand);
  assertEquals(
    said(withStatement(looser, first, { at: at(11) }), looser),
    "changed on 2026-11-27 11:30 UTC (when a run counts as converged), after 5 of 10 runs had begun",
  );
  // A statement that did not keep the rule gets that of the next sweep.
  const { convergence, ...old } = first[0]!;
  assertEquals(withStatement(study, [old], { at: at(11) }), [{
    ...old,
    convergence: convergence!,
  }]);
});

Deno.test("seeds that are skipped or have other settings are told, more seeds at the end are not", () => {
  const seeds = (...ours: readonly string[]) => ({ ours });
  const first = withStatement(study, [], { at: at(9), seeds: seeds("1:a", "2:b", "3:c") });
  const next = (...ours: readonly string[]) =>
    withStatement(study, first, { at: at(11), seeds: seeds(...ours) });
  const more = next("1:a", "2:b", "3:c", "4:d");
  assertEquals(more, [{ ...first[0]!, seeds: seeds("1:a", "2:b", "3:c", "4:d") }]);
  const counted =
    "changed on 2026-11-27 11:30 UTC (which runs they count), after 5 of 10 runs had begun";
  assertEquals(said(next("1:a", "3:c", "4:d")), counted);
  assertEquals(said(next("1:a", "2:x", "3:c")), counted);
  // Fewer seeds are the looks that there were; what was seen is not forgotten with them.
  const fewer = withStatement(study, more, { at: at(11), seeds: seeds("1:a", "2:b") });
  assertEquals(fewer, more);
  assertEquals(
    said(withStatement(study, fewer, { at: at(11), seeds: seeds("1:a", "2:b", "5:e") })),
    counted,
  );
});

Deno.test("seeds of a statement are added to it, whatever was stated before or kept of them", () => {
  const two = withStatement(study, withStatement(other, [], { at: at(8) }), { at: at(9) });
  const seeds = { ours: ["1:a"] };
  const known = withStatement(study, two, { at: at(11), seeds });
  assertEquals(known, [two[0]!, { ...two[1]!, seeds }]);
  assertEquals(withStatement(study, known, { at: at(12) }), known);
  // Of a claim that has no run yet, or had none, nothing is changed.
  assertEquals(withStatement(study, known, { at: at(12), seeds: {} }).length, 2);
  const further = { ...seeds, second: ["1:a", "2:b"] };
  assertEquals(withStatement(study, known, { at: at(12), seeds: further }), [
    two[0]!,
    { ...two[1]!, seeds: further },
  ]);
});

Deno.test("one run that had begun is enough, and several changes are told in order", () => {
  const [first] = runs;
  const stated = withStatement(study, [], { at: at(11) });
  assertEquals(
    statingOf({ study, planned, statements: stated }, [first!, ...runs.slice(5)]).kind,
    "late",
  );
  const looser = { ...study, convergence: { lossShare: 0.9 } };
  const statements = withStatement(looser, withStatement(other, [], { at: at(8), arms: "1" }), {
    at: at(11),
    arms: "2",
  });
  const stating = statingOf({ study: looser, planned, statements }, runs);
  assert(stating.kind === "changed");
  assertEquals(stating.what, ["claims", "settings", "convergence"]);
});

Deno.test("claims that are not those of the last statement were changed by hand", () => {
  const hand = "changed by hand: study.json has no time at which these were stated";
  assertEquals(said(withStatement(other, [], { at: at(9) })), hand);
  assertEquals(said([]), hand);
});

Deno.test("a study that claims nothing states nothing, and keeps what it stated", () => {
  const { claims: _claims, ...none } = study;
  assertEquals(withStatement(none, [], { at: at(9) }), []);
  const stated = withStatement(study, [], { at: at(9) });
  assertEquals(withStatement(none, stated, { at: at(10) }), stated);
});
