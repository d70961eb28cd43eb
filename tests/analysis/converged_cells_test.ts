/** Which cells had converged, and what is told of those that had not. */
import { analyse } from "../../src/analysis/analysis.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { changeText, earlyCells, needsMore } from "../../src/analysis/convergence.ts";
import type { RunResults } from "../../src/analysis/results.ts";
import { curves, studyOf } from "./learning_curves.ts";

Deno.test("cells count at their own budget, and those without one at each", () => {
  // `other` climbs at rank 4 alone.
  const study = studyOf({
    budgets: [2, 4],
    curve: (place) =>
      curves({ ...place, label: place.label === "other" && place.budget === 4 ? "slow" : "lora" }),
  });
  const asked = (budget: string | null, label = "other", task: string | null = "t") =>
    needsMore(analyse(study).cells)({ task, label, budget });
  assertEquals([asked("rank 2"), asked("rank 4"), asked(null)], [false, true, true]);
  assertEquals([asked(null, "lora"), asked(null, "other", null), asked(null, "other", "u")], [
    false,
    true,
    false,
  ]);
  const runs = study.runs.map((run): RunResults => ({
    ...run,
    record: { ...run.record, asked: { ...run.record.asked, budget: null } },
  })).filter(({ record }) => record.asked.label === "other").slice(-3);
  const [head] = analyse({ ...study, runs }).cells;
  assertEquals(head!.budget, "no budget");
  assert(
    needsMore(analyse({ ...study, runs }).cells)({ task: "t", label: "other", budget: "rank 2" }),
  );
});

Deno.test("steps are the mean of the runs that ended well, and failed cells are no cells that wait", () => {
  const flat = studyOf({ labels: ["lora"], curve: curves });
  const failed = { state: "failed", cause: "diverged", message: "NaN", step: 3 } as const;
  const ended = (outcomes: readonly (number | null)[]) => ({
    ...flat,
    runs: flat.runs.map((run, i): RunResults => {
      const { happened } = run.record;
      const steps = outcomes[i]!;
      return {
        ...run,
        record: {
          ...run.record,
          happened: steps === null
            ? { ...happened, outcome: failed, steps: 3 }
            : { ...happened, steps },
        },
      };
    }),
  });
  const stepsOf = (...outcomes: readonly (number | null)[]) =>
    analyse(ended(outcomes)).cells.map(({ steps, atPlateau }) => [steps, atPlateau]);
  assertEquals(stepsOf(100, 60, null), [[80, 0]]);
  assertEquals(stepsOf(100, null, null), [[100, 0]]);
  assertEquals(stepsOf(null, null, null), [[null, 0]]);
  assertEquals(earlyCells(analyse(flat).cells), null);
  const both = studyOf({
    labels: ["slow", "lora", "other"],
    curve: (place) => curves({ ...place, label: place.label === "other" ? "slow" : place.label }),
  });
  const { summary } = earlyCells(analyse(both).cells)!;
  assertStringIncludes(summary, "2 of 3 cells (task, method and budget) need more steps");
  assertStringIncludes(summary, "no verdict on them");
  const runs = both.runs.map((run): RunResults =>
    run.record.asked.label === "lora"
      ? { ...run, record: { ...run.record, happened: { ...run.record.happened, outcome: failed } } }
      : run
  );
  assertStringIncludes(earlyCells(analyse({ ...both, runs }).cells)!.summary, "2 of 2 cells");
});

Deno.test("a held-out loss that falls is told as the share that it lost in the last fifth", () => {
  const flat = studyOf({ labels: ["lora"], curve: curves });
  const runs = flat.runs.map((run): RunResults => ({
    ...run,
    evaluations: run.evaluations.map((line, i) => ({ ...line, loss: i < 4 ? 0.5 : 0.2 })),
  }));
  const { lines } = earlyCells(analyse({ ...flat, runs }).cells)!;
  assertStringIncludes(lines[0]!, "held-out loss still falls");
  assertStringIncludes(lines[0]!, "held-out loss −60 %)");
});

Deno.test("a training loss that falls asks for no steps", () => {
  const flat = studyOf({ labels: ["lora"], curve: curves });
  const runs = flat.runs.map((run): RunResults => ({
    ...run,
    steps: run.steps.map((step, i) => ({ ...step, loss: 1 - i / 100 })),
  }));
  assertEquals(earlyCells(analyse({ ...flat, runs }).cells), null);
});

Deno.test("changes are told in hundredths, with their error where it is known", () => {
  assertEquals(changeText(null, 1), null);
  assertEquals(changeText({ change: 0.5, error: null }, 1), "+50.0");
  assertEquals(changeText({ change: -0.5, error: 0.25 }, 1), "−50.0 ± 25.0");
});
