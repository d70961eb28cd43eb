/** Caps of parameters in published runs: what they end with, and for policies that keep a total what they had at every step. */
import { assert } from "@std/assert";
import { findMethod, methods } from "../../src/methods/table.ts";
import { readRun, within } from "../../src/record/results_reader.ts";
import { countParameters } from "../../src/study/budget/costs.ts";
import { modulesOf, readPublished } from "./published.ts";

/** Policies that start above a cap and come down to it. */
const shrinking = new Set(["mask", "prune", "prune-after"]);

Deno.test("no run of the controls exceeds its cap: at the end, or at every step where a policy keeps or grows to it", async () => {
  const { stored: { runs }, reader } = await readPublished("controls-embedded");
  let events = 0;
  for (const { folder, run } of runs) {
    const found = (await readRun(within(reader, folder)))!;
    const { record, record: { happened } } = found;
    const cap = run.budget!.value;
    const { policy } = run.options as { readonly policy: { readonly type: string } };
    assert(happened.budget!.final <= cap, `${folder}: ${happened.budget!.final}`);
    if (shrinking.has(policy.type)) continue;
    assert(happened.budget!.peak <= cap, `${folder}: ${happened.budget!.peak}`);
    // Each event is counted again from the ranks that it left.
    const costs = findMethod(run.method, methods).costs(run.options);
    const ranks = { ...happened.initialRanks! };
    const modules = await modulesOf(record);
    for (const { changes } of found.ranks) {
      for (const { module, to } of changes) ranks[module] = to;
      const count = countParameters(modules.map(({ name }) => ranks[name] ?? 0), modules, costs);
      assert(count <= cap, `${folder}: ${count} after an event`);
      events++;
    }
  }
  assert(events > 1_000, `${events} events`);
});
