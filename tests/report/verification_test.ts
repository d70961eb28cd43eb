/** What the report says of a verification. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  parseVerification,
  type RunVerification,
  type Verification,
  type VerificationVerdict,
} from "../../src/record/verification.ts";
import { buildReport } from "../../src/report/build.ts";
import { markdownOf } from "../../src/report/markdown.ts";
import {
  remarkOf,
  verificationSentence,
  verificationTable,
  verificationText,
} from "../../src/report/verification.ts";
import type { StudyResults } from "../../src/analysis/results.ts";
import { scoredStudy } from "../analysis/scored_study.ts";

const study = scoredStudy({ score: () => 0.5 });

function verified(id: string, verdict: VerificationVerdict): RunVerification {
  const first = { quantity: "loss", step: 9, found: 0.61, wanted: 0.6 };
  const isEqual = verdict === "bit-equal";
  return {
    id,
    title: `run ${id}`,
    verdict,
    pinned: [
      { item: "deno", kind: "code", wanted: "2.9.6", found: "2.9.6", isSame: true },
      { item: "platform", kind: "machine", wanted: "linux", found: "mac", isSame: isEqual },
    ],
    quantities: verdict === "inputs differ" ? [] : [{
      quantity: "loss",
      agreement: isEqual ? "bit-equal" : "different",
      compared: 100,
      equal: isEqual ? 100 : 92,
      largestRelative: isEqual ? 0 : 0.01,
      first: isEqual ? null : first,
      firstBeyond: null,
    }],
    first: isEqual ? null : first,
    firstBeyond: null,
    message: verdict === "inputs differ" ? "not run: weights changed since it was recorded" : null,
  };
}

function verification(
  runs: readonly RunVerification[],
  options: Partial<Verification> = {},
): Verification {
  return {
    schema: 1,
    study: "fixture",
    verifiedAt: "2026-02-03T04:05:06.789Z",
    tolerance: 1e-4,
    finishedRuns: 6,
    sampleSeed: 0,
    runs,
    ...options,
  };
}

const ids = study.runs.map(({ record }) => record.id);
const all = (verdicts: readonly VerificationVerdict[]) =>
  verdicts.map((verdict, i) => verified(ids[i] ?? `gone ${i}`, verdict));

Deno.test("verificationSentence says what was checked and how it came out", () => {
  const said = (verdicts: readonly VerificationVerdict[], options: Partial<Verification> = {}) =>
    verificationSentence(verification(all(verdicts), options));
  assertEquals(
    said(["bit-equal"]),
    "1 of 6 finished runs was checked (a sample drawn with seed 0): it is bit-equal",
  );
  assertEquals(
    said(["bit-equal", "bit-equal"], { sampleSeed: 7 }),
    "2 of 6 finished runs were checked (a sample drawn with seed 7): all are bit-equal",
  );
  assertEquals(
    said(["bit-equal", "within tolerance", "not reproduced", "inputs differ"], { finishedRuns: 4 }),
    "All 4 finished runs were checked: 1 is bit-equal, 1 agrees within a relative tolerance of 0.0001, " +
      "1 was not reproduced and 1 was not run because its inputs have changed",
  );
  assertEquals(
    said(
      ["not reproduced", "not reproduced", "bit-equal", "within tolerance", "within tolerance"],
      {
        sampleSeed: null,
      },
    ),
    "5 of 6 finished runs were checked: 1 is bit-equal, 2 agree within a relative tolerance of 0.0001 and 2 were not reproduced",
  );
  assertEquals(
    said(["within tolerance"], { finishedRuns: 1, sampleSeed: null, tolerance: 0.02 }),
    "The one finished run was checked: it agrees within a relative tolerance of 0.02",
  );
});

Deno.test("verificationText tells when, and how many records have changed since", () => {
  const text = (own: Verification | null, results: StudyResults = study) =>
    verificationText(analyse({ ...results, verification: own }));
  assertEquals(text(null), null);
  assertEquals(
    text(verification(all(["bit-equal"]))),
    "Verified on 2026-02-03 04:05 UTC. 1 of 6 finished runs was checked (a sample drawn with seed 0): it is bit-equal.",
  );
  const stale = text(verification([verified("gone", "bit-equal"), verified(ids[0]!, "bit-equal")]));
  assertStringIncludes(
    stale!,
    "1 of these runs has been recorded again or removed since; verify the study again.",
  );
  // The fixture's runs started on 2026-01-02: this verification is of earlier records.
  const early = text(verification(all(["bit-equal", "bit-equal"]), {
    verifiedAt: "2026-01-01T00:00:00.000Z",
  }));
  assertStringIncludes(early!, "2 of these runs have been recorded again or removed since");
});

Deno.test("verificationTable has a row a run with its verdict and first difference", () => {
  const table = verificationTable(analyse({
    ...study,
    verification: verification([
      ...all(["bit-equal", "within tolerance", "inputs differ"]),
      verified("gone", "bit-equal"),
    ]),
  }));
  assertEquals(markdownOf(table).trimEnd().split("\n").slice(-4), [
    `| run ${ids[0]} | bit-equal | 100 of 100 | all 2 | none |`,
    `| run ${
      ids[1]
    } | within tolerance | 92 of 100 | all but platform | step 9, loss: found 0.61, wanted 0.6 |`,
    `| run ${
      ids[2]
    } | inputs differ | – | all but platform | not run: weights changed since it was recorded |`,
    "| run gone | bit-equal | 100 of 100 | all 2 | the record has changed since |",
  ]);
  assertEquals(verificationTable(analyse(study)).rows.length, 0);
});

Deno.test("remarkOf names the difference beyond the tolerance before the first", () => {
  const run = verified("x", "not reproduced");
  const firstBeyond = {
    quantity: "final ranks: layer.0.query",
    step: null,
    found: "rank 3",
    wanted: null,
  };
  assertEquals(
    remarkOf({ ...run, firstBeyond }),
    "at the end, final ranks: layer.0.query: found rank 3, wanted nothing",
  );
  assertEquals(remarkOf(run), "step 9, loss: found 0.61, wanted 0.6");
  assertEquals(remarkOf({ ...run, message: "failed (data): no rows" }), "failed (data): no rows");
  const hash = { ...firstBeyond, found: "a".repeat(64), wanted: "b".repeat(64) };
  assertEquals(
    remarkOf({ ...run, firstBeyond: hash }),
    "at the end, final ranks: layer.0.query: found aaaaaaaaaaaa…, wanted bbbbbbbbbbbb…",
  );
});

Deno.test("the page shows a verification in place of the advice to verify", async () => {
  const page = async (own: Verification | null) =>
    (await buildReport(analyse({ ...study, verification: own }))).files["report.html"]!;
  const advice = "<code>deno task verify fixture</code>";
  const before = await page(null);
  assertStringIncludes(before, `Not verified yet: ${advice}`);
  assert(!before.includes("runs verified"));
  const after = await page(verification(all(["bit-equal", "not reproduced"])));
  assert(!after.includes(advice));
  assertStringIncludes(after, "Verified on 2026-02-03 04:05 UTC.");
  assertStringIncludes(after, `run ${ids[1]}</td>`);
  assertStringIncludes(after, "<b>2 of 6</b> <span>runs verified</span>");
  assertStringIncludes(after, "1 verified run could not be reproduced.");
});

Deno.test("parseVerification reads what verify writes, and names a key that is wrong", () => {
  const whole = verification(all(["bit-equal", "not reproduced", "inputs differ"]));
  assertEquals(parseVerification(JSON.parse(JSON.stringify(whole)), "v.json"), whole);
  let message = "";
  try {
    parseVerification({ ...whole, verifiedAt: 5 }, "v.json");
  } catch (error) {
    message = String(error);
  }
  assertStringIncludes(message, 'Cannot read "v.json": key "verifiedAt"');
});
