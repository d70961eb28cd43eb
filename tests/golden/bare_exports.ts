/** Exports the runs of `tests/cli/bare_exports.ts` for Python: `deno run -A tests/golden/bare_exports.ts DIR`. */
import { exportRun } from "../../src/runs/share/export.ts";
import { pairs, texts, withBareRuns } from "../cli/bare_exports.ts";

const [out] = Deno.args;
if (out === undefined) throw new TypeError("Cannot export: found no folder, want one for the exports");
await withBareRuns(async (runs) => {
  for (const { name, folder, formats } of runs) {
    for (const format of formats) {
      await exportRun(folder, { format, out: `${out}/${name}/${format}`, model: null, baseName: null });
    }
  }
});
await Deno.writeTextFile(`${out}/texts.json`, JSON.stringify({ texts, pairs }));
