import { readStudyResults } from "./src/runs/study_results.ts";
import { buildReport } from "./src/report/build.ts";
for (const name of ["glue-minilm","controls-embedded","quickstart"]) {
  const t=performance.now();
  const r = await readStudyResults(`results/published/${name}.ranklab.zip`);
  const t1=performance.now();
  const { files } = await buildReport(r);
  console.log(name, t1-t, performance.now()-t1);
  for (const [n, text] of Object.entries(files)) { const p=`/tmp/rep/${name}/${n}`; Deno.mkdirSync(p.slice(0,p.lastIndexOf("/")),{recursive:true}); Deno.writeTextFileSync(p,text); }
}
