/** What a record says of the code that computed. */
import { assert, assertEquals } from "@std/assert";
import { ReferenceExecutor } from "../../src/exec/reference.ts";
import { readEnvironment } from "../../src/record/provenance.ts";
import { environmentOf } from "../../src/runs/run_record.ts";
import type { PlannedRun } from "../../src/runs/plan/planned_run.ts";

Deno.test("a record has the hashes of the native runtime where that computed, and V8's version everywhere", async () => {
  const environment = await readEnvironment();
  const planned = {
    hashes: { data: {}, weights: "w", tokenizer: "t" },
    origin: null,
    method: {} as PlannedRun["method"],
    metrics: [],
  };
  const reference = new ReferenceExecutor();
  const native = Object.assign(new ReferenceExecutor(), { kind: "cpu" as const });
  const whereWith = (executor: ReferenceExecutor) =>
    environmentOf({ environment, executor }, planned);
  assertEquals(whereWith(native).hashes.libraries, environment.libraries);
  assert(Object.keys(environment.libraries).length > 0);
  assert(!Object.hasOwn(whereWith(reference).hashes, "libraries"));
  assert(!Object.hasOwn(whereWith(native), "libraries"));
  assertEquals(whereWith(reference).v8, Deno.version.v8);
});
