/** Models of code that is not trusted: what a runtime is given of them. */
import { assertEquals, assertThrows } from "@std/assert";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { checkedModel } from "../../src/graph/foreign_model.ts";
import { encodeProgram } from "../../src/graph/encode.ts";
import { input, makeProgram, matMul } from "../../src/graph/mod.ts";

function model(parts: MessageInitShape<typeof ModelProtoSchema>) {
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, parts));
}

/** A tensor whose numbers lie elsewhere. */
const external = {
  name: "w",
  dims: [2n],
  dataType: 1,
  dataLocation: 1,
  externalData: [{ key: "location", value: "../secret" }],
};

const branch = { name: "inner", initializer: [external] };

Deno.test("a model with numbers outside itself, or operators of others, is refused", () => {
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [model({ graph: { initializer: [external] } }), 'the tensor "w" with external data'],
    [model({ graph: { initializer: [{ ...external, dataLocation: 0 }] } }), "external data"],
    [model({ graph: { initializer: [{ ...external, externalData: [] }] } }), "external data"],
    [
      model({
        graph: { node: [{ opType: "Constant", attribute: [{ name: "value", t: external }] }] },
      }),
      "external data",
    ],
    [
      model({ graph: { node: [{ opType: "If", attribute: [{ name: "else", g: branch }] }] } }),
      "external data",
    ],
    [model({ graph: { sparseInitializer: [{ values: external }] } }), "external data"],
    [model({ trainingInfo: [{ algorithm: branch }] }), "external data"],
    [
      model({ graph: { node: [{ opType: "EPContext", domain: "com.microsoft" }] } }),
      '"com.microsoft"',
    ],
    [model({ opsetImport: [{ domain: "x", version: 1n }] }), 'the domain "x"'],
    [model({ functions: [{ name: "f" }] }), "functions"],
    [new TextEncoder().encode("ORTM, or anything else"), "want ONNX's protobuf"],
  ];
  for (const [bytes, said] of cases) assertThrows(() => checkedModel(bytes), TypeError, said);
});

Deno.test("ranklab's own models pass as they are, without what is not of the format", () => {
  const { bytes } = encodeProgram(
    makeProgram({ y: matMul(input("x", ["n", 2]), input("w", [2, 1])) }),
  );
  assertEquals(checkedModel(bytes), new Uint8Array(bytes));
  // Field 100, of a kind that the format has not.
  assertEquals(checkedModel(Uint8Array.of(...bytes, 0xa0, 0x06, 1)), new Uint8Array(bytes));
});
