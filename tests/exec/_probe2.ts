import { webgpuExecutor } from "../../src/exec/webgpu.ts";
import * as g from "../../src/graph/mod.ts";
const ex = await webgpuExecutor({ allowSoftware: true });
const n = 60;
// split
const x = g.input("x", [n * 4]);
const sizes = Array.from({ length: n }, (_, i) => i % 2 ? 3 : 5);
const total = sizes.reduce((a, b) => a + b, 0);
const data = Float32Array.from({ length: total }, (_, i) => i);
async function attempt(name: string, outputs: Record<string, g.Tensor>) {
  const program = g.makeProgram(outputs);
  try {
    const s = await ex.load(program, { resident: Object.keys(outputs) });
    const feeds = { x: ex.upload({ type: "f32", shape: [total], data }) };
    const r = await s.run({ feeds, dims: {}, keep: Object.keys(outputs) });
    const want = g.interpret(program, { x: { type: "f32", shape: [total], data } });
    let worst = 0;
    for (const k of Object.keys(outputs)) { const h = await ex.read(r.kept[k]!); want[k]!.data.forEach((v, i) => worst = Math.max(worst, Math.abs(v - (h.data[i] as number)))); }
    console.log(name, "worst", worst);
    const r2 = await s.run({ feeds: {x: r.kept[Object.keys(outputs)[0]!]!.shape[0]===total? r.kept[Object.keys(outputs)[0]!]!: feeds.x}, dims: {}, keep: Object.keys(outputs) });
    console.log((await ex.read(Object.values(r2.kept)[0]!)).data.slice(0,5));
    await s.release();
  } catch (e) { console.log(name, "FAILED", String(e).slice(0, 600)); }
}
const inp = () => g.input("x", [total]);
for (const k of [5, 9, 12, 31, 60]) {
  const xx = inp();
  const ss = [...sizes.slice(0, k - 1), total - sizes.slice(0, k - 1).reduce((a, b) => a + b, 0)];
  await attempt(`split ${k}`, Object.fromEntries(g.split(xx, ss, 0).map((t, i) => [`o${i}`, g.mul(t, 2)])));
}
for (const k of [5, 9, 12, 31, 60]) {
  const xx = inp();
  const ss = [...sizes.slice(0, k - 1), total - sizes.slice(0, k - 1).reduce((a, b) => a + b, 0)];
  const p = g.split(xx, ss, 0);
  await attempt(`concat ${k}`, { o: g.concat(p.map((t, i) => g.mul(t, i + 1)), 0) });
}
