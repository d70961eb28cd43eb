/**
 * Programs as ONNX models: the one place that knows the protobuf format (through `onnx-buf`).
 *
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import type { Shape } from "./dims.ts";
import { boundLeaf, type Program } from "./program.ts";
import { type ElementType, type HostTensor, isStatic, type Node, type Tensor } from "./tensor.ts";

const opsetVersion = 20;

/** A model and what a run must feed it besides the program's inputs. */
export interface EncodedProgram {
  /** ONNX model as protobuf, weights included, without external data. */
  readonly bytes: Uint8Array;
  /** `Dims` and `Size` leaves that depend on a run's bindings, by the name under which they are fed. */
  readonly boundLeaves: ReadonlyMap<string, Node>;
}

const dataTypes: Readonly<Record<ElementType, TensorProto_DataType>> = {
  f32: TensorProto_DataType.FLOAT,
  i32: TensorProto_DataType.INT32,
  i64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
};

/** The bytes of numbers as the model stores them: floats in single precision, little-endian. */
function rawData(host: HostTensor): Uint8Array<ArrayBuffer> {
  const data = host.data instanceof Float64Array ? Float32Array.from(host.data) : host.data;
  return new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function tensorProto(name: string, host: HostTensor) {
  return create(TensorProtoSchema, {
    name,
    dims: host.shape.map(BigInt),
    dataType: dataTypes[host.type],
    rawData: rawData(host),
  });
}

function valueInfo(name: string, shape: Shape, type: ElementType) {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === "number"
        ? { case: "dimValue", value: BigInt(size) }
        : { case: "dimParam", value: size },
    })
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: dataTypes[type],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensor } }),
  });
}

function intAttribute(name: string, value: number) {
  return create(AttributeProtoSchema, {
    name,
    i: BigInt(value),
    type: AttributeProto_AttributeType.INT,
  });
}

/** Attributes of a node in ONNX's form; what ONNX takes as inputs (axes, sizes) is left out. */
function attributesOf(node: Node) {
  return Object.entries(node.attributes).flatMap(([name, value]) => {
    if (name === "axes" || name === "sizes") return [];
    if (name === "to") return [intAttribute(name, dataTypes[value as ElementType])];
    if (name === "epsilon" || name === "alpha") {
      return [
        create(AttributeProtoSchema, {
          name,
          f: value as number,
          type: AttributeProto_AttributeType.FLOAT,
        }),
      ];
    }
    if (typeof value === "number") return [intAttribute(name, value)];
    if (typeof value === "string") {
      const s = new TextEncoder().encode(value);
      return [create(AttributeProtoSchema, { name, s, type: AttributeProto_AttributeType.STRING })];
    }
    const ints = value.map((item) => BigInt(item));
    return [create(AttributeProtoSchema, { name, ints, type: AttributeProto_AttributeType.INTS })];
  });
}

/** Whether an operator takes the sizes of what it yields from the feeds of a run. */
function isSizeFed({ inputs }: Node): boolean {
  return inputs.some(({ node }) =>
    node.op === "Dims" && !isStatic(node.attributes["dims"] as Shape)
  );
}

/** Names tensors and gathers the parts of the graph message. */
class Encoder {
  readonly names = new Map<Tensor, string>();
  readonly nodes: ReturnType<typeof create<typeof NodeProtoSchema>>[] = [];
  readonly initializers = new Map<string, ReturnType<typeof tensorProto>>();
  readonly inputs: ReturnType<typeof valueInfo>[] = [];
  /** The shapes of inner tensors that a runtime cannot infer. */
  readonly inner: ReturnType<typeof valueInfo>[] = [];
  readonly boundLeaves = new Map<string, Node>();
  readonly #outputNames = new Map<Tensor, string>();
  #counter = 0;

  /** Outputs are named where they are computed: an Identity after them would be a copy in every run. */
  constructor(outputs: ReadonlyMap<string, Tensor>) {
    for (const [name, tensor] of outputs) {
      if (!this.#outputNames.has(tensor)) this.#outputNames.set(tensor, name);
    }
  }

  fresh(base: string): string {
    return `${base}#${this.#counter++}`;
  }

  initializer(name: string, host: HostTensor): string {
    if (!this.initializers.has(name)) this.initializers.set(name, tensorProto(name, host));
    return name;
  }

  integers(values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.initializer(`ints[${values}]`, { type: "i64", shape: [values.length], data });
  }

  leaf(node: Node): boolean {
    const tensor = node.outputs[0]!;
    if (node.op === "Input") {
      const name = String(node.attributes["name"]);
      this.names.set(tensor, name);
      this.inputs.push(valueInfo(name, tensor.shape, tensor.type));
    } else if (node.op === "Constant") {
      const host = node.constant!;
      const given = String(node.attributes["name"]);
      const name = host.data.length === 1
        ? `${host.type}[${host.shape}]=${host.data[0]}`
        : this.fresh(given === "" ? "constant" : given);
      this.names.set(tensor, this.initializer(name, host));
    } else if (node.op === "Dims" || node.op === "Size") {
      const dims = node.attributes["dims"] as Shape;
      const name = `${node.op}[${dims}]`;
      this.names.set(tensor, name);
      if (isStatic(dims)) {
        this.initializer(name, boundLeaf(node, {}));
      } else if (!this.boundLeaves.has(name)) {
        this.boundLeaves.set(name, node);
        this.inputs.push(valueInfo(name, tensor.shape, tensor.type));
      }
    } else {
      return false;
    }
    return true;
  }

  operator(node: Node): void {
    const base = this.fresh(node.label === "" ? node.op : `${node.label}/${node.op}`);
    const input = node.inputs.map((tensor) => this.names.get(tensor)!);
    for (const name of ["axes", "sizes"]) {
      const values = node.attributes[name];
      if (values !== undefined) input.push(this.integers(values as readonly number[]));
    }
    const output = node.outputs.map((tensor, i) => {
      const name = this.#outputNames.get(tensor) ?? (i === 0 ? base : `${base}.${i}`);
      this.names.set(tensor, name);
      if (isSizeFed(node) && !this.#outputNames.has(tensor)) {
        this.inner.push(valueInfo(name, tensor.shape, tensor.type));
      }
      return name;
    });
    this.nodes.push(
      create(NodeProtoSchema, {
        name: base,
        opType: node.op,
        input,
        output,
        attribute: attributesOf(node),
      }),
    );
  }
}

/**
 * Encodes a program as an ONNX model of opset {@linkcode opsetVersion}, floats in single precision.
 *
 * Shapes that depend on a run's bindings become small inputs, so that no shape arithmetic runs in the graph. What they give
 * their shape to is described besides: runtimes plan which tensors share memory by shape, and compare each tensor that
 * has none with every buffer that is free.
 */
export function encodeProgram(program: Program): EncodedProgram {
  const encoder = new Encoder(program.outputs);
  for (const node of program.nodes) {
    if (!encoder.leaf(node)) encoder.operator(node);
  }
  const output = [...program.outputs].map(([name, tensor]) => {
    const named = encoder.names.get(tensor)!;
    // A leaf that is an output, or a tensor that is one twice; only these are copied.
    if (named !== name) {
      encoder.nodes.push(
        create(NodeProtoSchema, {
          name: `output/${name}`,
          opType: "Identity",
          input: [named],
          output: [name],
        }),
      );
    }
    return valueInfo(name, tensor.shape, tensor.type);
  });
  const model = create(ModelProtoSchema, {
    irVersion: 9n,
    producerName: "ranklab",
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(opsetVersion) })],
    graph: create(GraphProtoSchema, {
      name: "ranklab",
      node: encoder.nodes,
      initializer: [...encoder.initializers.values()],
      input: encoder.inputs,
      valueInfo: encoder.inner,
      output,
    }),
  });
  return { bytes: toBinary(ModelProtoSchema, model), boundLeaves: encoder.boundLeaves };
}
