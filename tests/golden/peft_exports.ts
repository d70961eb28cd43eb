/** Exports the runs of `tests/cli/exported_runs.ts` for peft and transformers: `deno run -A tests/golden/peft_exports.ts DIR`. */
import { exportRun } from "../../src/runs/share/export.ts";
import { baseName, withFormulaRuns } from "../cli/exported_runs.ts";

const [out] = Deno.args;
if (out === undefined) throw new TypeError("Cannot export: found no folder, want one for the exports");
await withFormulaRuns(async (runs) => {
  for (const { label, folder } of runs) {
    for (const format of ["peft", "merged"] as const) {
      await exportRun(folder, { format, out: `${out}/${label}/${format}`, model: null, baseName });
    }
  }
});
