import { assertEquals } from "@std/assert";
import { statingOf, statingText, withStatement } from "../../../src/report/claims/stated.ts";
import type { StatedClaims } from "../../../src/report/claims/statement.ts";
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
const said = (statements: StatedClaims["statements"], now = study) =>
  statingText(statingOf({ study: now, planned, statements }, runs));

Deno.test("claims that stand before the first run say so, whatever they were before it", () => {
  const stated = withStatement(study, [], { at: at(9) });
  assertEquals(said(stated), "stated before the first run (2026-11-27 09:30 UTC)");
  assertEquals(withStatement(study, stated, { at: at(11) }), stated);
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
    "changed on 2026-11-27 11:30 UTC, after 5 of 10 runs had begun",
  );
  // Changed and changed back is changed.
  assertEquals(
    said(
      withStatement(study, [
        ...withStatement(study, [], { at: at(9) }),
        ...withStatement(other, [], { at: at(10) }),
      ], { at: at(13) }),
    ),
    "changed on 2026-11-27 13:30 UTC, after 10 of 10 runs had begun",
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
    "changed on 2026-11-27 09:30 UTC, they or their arms' settings, after 10 runs of what was stated before",
  );
  // Nothing had run when they were changed.
  assertEquals(
    said(withStatement(study, first, { at: at(9), arms: "2", begun: 0 })),
    "stated before the first run (2026-11-27 09:30 UTC)",
  );
  // What was stated before arms were kept stays as it is.
  const old = withStatement(study, [], { at: at(8) });
  assertEquals(withStatement(study, old, { at: at(9), arms: "2", begun: 10 }), old);
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
