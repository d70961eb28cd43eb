/**
 * Running norms of what enters the adapted modules, for methods that weigh weights by their inputs.
 *
 * @module
 */
import {
  add,
  concat,
  gemm,
  input,
  mul,
  reduceSumSquare,
  reshape,
  sqrt,
  type Tensor,
  withScope,
} from "../graph/mod.ts";
import { dims, realRowsName } from "../models/token_rows.ts";
import type { AdaptedModule } from "./slots.ts";

/** Numbers of the vector of norms: one for each input of each module. */
export function inputSizes(modules: readonly AdaptedModule[]): number {
  return modules.reduce((sum, { module }) => sum + module.inSize, 0);
}

/**
 * The running norms after a step: X ← βX + (1−β)‖x_:,j‖₂ of each module's inputs, module after module.
 *
 * Rows of padding do not count. Modules that share an input share its norms.
 *
 * @param inputs `[tokens, in]`, or `[batch, in]` of a module that acts on first tokens alone, by module.
 */
export function inputNormUpdate(
  modules: readonly AdaptedModule[],
  inputs: ReadonlyMap<string, Tensor>,
  decay: number,
): Tensor {
  return withScope("inputNorms", () => {
    const real = input(realRowsName, [1, dims.tokens]);
    const norms = new Map<Tensor, Tensor>();
    const now = modules.map(({ module }) => {
      const x = inputs.get(module.name)!;
      const norm = norms.get(x) ?? columnNorms(x, real);
      norms.set(x, norm);
      return norm;
    });
    const before = input("inputNorms", [inputSizes(modules)]);
    return add(mul(before, decay), mul(concat(now, 0), 1 - decay));
  });
}

/** ‖x_:,j‖₂ of each column over the rows that are tokens, `[in]`. */
function columnNorms(x: Tensor, real: Tensor): Tensor {
  const [rows, columns] = x.shape as readonly [string, number];
  const squares = rows === dims.tokens ? gemm(real, mul(x, x)) : reduceSumSquare(x, { axes: [0] });
  return reshape(sqrt(squares), [columns]);
}
