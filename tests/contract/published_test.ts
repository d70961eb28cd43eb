import { assert, assertEquals } from "@std/assert";
import { expand, planRuns } from "../../src/cli/planning.ts";
import { methods } from "../../src/methods/table.ts";
import type { Study } from "../../src/spec/study.ts";
import { sourceAt } from "./sources.ts";

interface Stored {
  readonly study: Study;
  readonly runs: readonly { readonly id: string; readonly folder: string }[];
}

Deno.test("published runs keep their ids, so that they are neither made again nor lost", async () => {
  const { text } = await sourceAt("results/published/quickstart/study.json");
  const { study, runs } = JSON.parse(text) as Stored;
  assert(runs.length > 0);
  const folders = { data: null, model: null, study: "experiments" };
  const plan = await planRuns(study, expand(study, methods), folders, methods);
  const identities = (from: readonly { readonly id: string; readonly folder: string }[]) =>
    from.map(({ id, folder }) => ({ id, folder }));
  assertEquals(identities(plan.runs), identities(runs));
});
