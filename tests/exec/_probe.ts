import { nativeExecutor } from "../../src/exec/native.ts";
import { wasmExecutor } from "../../src/exec/wasm.ts";
import { webgpuExecutor } from "../../src/exec/webgpu.ts";
import { interpret } from "../../src/graph/mod.ts";
import { cases, feedsOf, programOf } from "../graph/cases.ts";
const which = Deno.args[0];
const ex = which === "wasm" ? await wasmExecutor(2) : which==="webgpu" ? await webgpuExecutor({ allowSoftware: true }) : await nativeExecutor();
console.log(ex.name);
let bad=0;
for (const test of cases) {
  const program = programOf(test); const feeds = feedsOf(test); const wanted = interpret(program, feeds);
  try {
    const s = await ex.load(program);
    const { read } = await s.run({ feeds, dims: {}, read: [...program.outputs.keys()] });
    let worst = 0;
    for (const [n, v] of Object.entries(wanted)) { const d = read[n]!.data as Float32Array; if (d.length!==v.data.length) worst=Infinity; for (let i=0;i<d.length;i++) worst=Math.max(worst, Math.abs(d[i]!-v.data[i]!)/Math.max(1,Math.abs(v.data[i]!))); }
    if (!(worst<=2e-5)) {bad++; console.log(test.name, worst);}
    await s.release();
  } catch (e) { bad++; console.log(test.name, String(e).slice(0,400)); }
}
console.log("bad", bad, "of", cases.length, ex.busyMillis);
