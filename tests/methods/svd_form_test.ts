import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  add,
  grad,
  input,
  interpret,
  makeProgram,
  matMul,
  mul,
  reduceSum,
  reshape,
  sqrt,
  sub,
  type Tensor,
  transpose,
} from "../../src/graph/mod.ts";
import type { PartGroup } from "../../src/methods/adapter.ts";
import { orthogonalityRegulariser } from "../../src/methods/svd_form.ts";

const [modules, capacity, width] = [2, 3, 5];

const rows = input("rows", [modules, capacity, width]);
const on = input("on", [modules, capacity]);

/** The mean of ‖R Rᵀ − diag(on)‖ over the modules, written out. */
function plain(): Tensor {
  const gram = matMul(rows, transpose(rows, [0, 2, 1]));
  const eye = input("eye", [capacity, capacity]);
  const error = sub(gram, mul(reshape(on, [modules, 1, capacity]), eye));
  const norms = sqrt(reduceSum(mul(error, error), { axes: [1, 2] }));
  return mul(add(reduceSum(norms), 0), 1 / modules);
}

Deno.test("the gradient of the regulariser is that of its plain form, with one product besides that of the rows", () => {
  const group: PartGroup = { part: "A", rows, on };
  const regulariser = orthogonalityRegulariser(1, "unsquared").build([group]);
  const program = makeProgram({ gradient: grad(regulariser, [rows])[0]! });
  assertEquals(program.nodes.filter(({ op }) => op === "MatMul").length, 2);
  const wanted = makeProgram({ gradient: grad(plain(), [rows])[0]! });
  const data = Float64Array.from({ length: modules * capacity * width }, (_, i) => Math.sin(i + 1));
  const eye = Float64Array.from(
    { length: capacity * capacity },
    (_, i) => i % (capacity + 1) === 0 ? 1 : 0,
  );
  const f32 = (shape: readonly number[], numbers: Float64Array) =>
    ({ type: "f32", shape, data: numbers }) as const;
  const feeds = {
    rows: f32([modules, capacity, width], data),
    on: f32([modules, capacity], Float64Array.of(1, 1, 0, 1, 1, 1)),
    eye: f32([capacity, capacity], eye),
  };
  const of = (which: typeof program) => {
    const own = Object.entries(feeds).filter(([name]) => which.inputs.has(name));
    return interpret(which, Object.fromEntries(own), {}, ["gradient"])["gradient"]!.data;
  };
  const [found, expected] = [of(program), of(wanted)];
  assertEquals(found.length, data.length);
  found.forEach((value: number, i: number) =>
    assertAlmostEquals(value, Number(expected[i]), 1e-12)
  );
});
