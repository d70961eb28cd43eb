/**
 * ONNX models that somebody else encoded: what a runtime may be given of them.
 *
 * @module
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
} from "onnx-buf";

interface Message {
  readonly $typeName: string;
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && "$typeName" in value;
}

/** What a message holds that makes a runtime do more than compute with the numbers of the model; null where nothing. */
function found(message: Message): string | null {
  if (message.$typeName === "onnx.TensorProto") {
    const { name, dataLocation, externalData } = message as TensorProto;
    const isExternal = externalData.length > 0 ||
      dataLocation === TensorProto_DataLocation.EXTERNAL;
    if (isExternal) return `the tensor ${JSON.stringify(name)} with external data`;
  }
  const { domain, functions } = message as Partial<{ domain: string; functions: unknown[] }>;
  if ((domain ?? "") !== "" && message.$typeName !== "onnx.ModelProto") {
    return `operators of the domain ${JSON.stringify(domain)}`;
  }
  if ((functions ?? []).length > 0) return "functions";
  for (const value of Object.values(message).flat()) {
    // A field of several kinds holds its message one level below.
    const inner = isMessage(value) ? value : (value as { value?: unknown } | null)?.value;
    const says = isMessage(inner) ? found(inner) : null;
    if (says !== null) return says;
  }
  return null;
}

/**
 * A model without what names files or memory: encoded anew, so that a runtime sees nothing that was not checked.
 *
 * @throws {TypeError} If a tensor's numbers lie elsewhere (ONNX's external data), an operator is not one of ONNX's own, or the
 * bytes are no model.
 */
export function checkedModel(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new TypeError("Cannot read a model: want ONNX's protobuf", { cause });
  }
  const says = found(model);
  if (says !== null) {
    throw new TypeError(
      `Cannot load a model: found ${says}, want ONNX's operators and numbers in the model itself`,
    );
  }
  return toBinary(ModelProtoSchema, model);
}
