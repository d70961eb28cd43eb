import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { assertEquals } from "@std/assert";
import {
  add,
  encodeProgram,
  exp,
  input,
  makeProgram,
  productOf,
  reshape,
} from "../../src/graph/mod.ts";

Deno.test("a model says the shape of inner tensors whose sizes are fed, so that a runtime can plan their memory", () => {
  const x = input("x", [productOf(["batch", "seq"]), 4]);
  const rectangle = reshape(x, ["batch", "seq", 4]);
  const fixed = reshape(input("y", [2, 3]), [6]);
  const { bytes } = encodeProgram(makeProgram({
    sum: add(rectangle, rectangle),
    rectangle: reshape(exp(rectangle), ["batch", "seq", 2, 2]),
    fixed: exp(fixed),
  }));
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  const shapes = graph!.valueInfo.map(({ name, type }) => {
    if (type?.value.case !== "tensorType") throw new TypeError(`Want a tensor at ${name}`);
    const [op] = graph!.node.filter(({ output }) => output.includes(name)).map(({ opType }) =>
      opType
    );
    return [op, type.value.value.shape!.dim.map(({ value }) => String(value.value))];
  });
  // Sizes that are constants are inferred, and outputs say their shape anyway.
  assertEquals(shapes, [["Reshape", ["batch", "seq", "4"]]]);
});
