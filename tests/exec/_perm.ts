import * as g from "../../src/graph/mod.ts";
const which = Deno.args[0]!;
const { nativeExecutor } = await import("../../src/exec/native.ts");
const { wasmExecutor } = await import("../../src/exec/wasm.ts");
const { webgpuExecutor } = await import("../../src/exec/webgpu.ts");
const t = Number(Deno.args[1] ?? 2);
try {
const ex = which === "wasm" ? await wasmExecutor(t) : which === "webgpu" ? await webgpuExecutor({ allowSoftware: true }) : await nativeExecutor(t);
const a = g.input("a", [64, 64]);
const p = g.makeProgram({ y: g.matMul(a, g.matMul(a, a)) });
const s = await ex.load(p, { resident: ["y"] });
const r = await s.run({ feeds: { a: { type: "f32", shape: [64, 64], data: new Float32Array(4096).fill(0.5) } }, dims: {}, read: ["y"] });
console.log(which, t, "OK", r.read["y"]!.data[0]);
} catch (e) { console.log(which, t, "FAIL", String(e).slice(0, 300), (e as Error).cause instanceof Error ? ((e as Error).cause as Error).stack?.slice(0,600): ""); }
