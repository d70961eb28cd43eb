/**
 * The reference executor: the double-precision interpreter behind the common interface.
 *
 * @module
 */
import { type HostTensor, interpret, type Program, type Values } from "../graph/mod.ts";
import type { DeviceTensor, Executor, LoadOptions, RunRequest, RunResult, Session } from "./executor.ts";

interface ReferenceTensor extends DeviceTensor {
  readonly host: HostTensor;
}

function isDeviceTensor(value: HostTensor | DeviceTensor): value is DeviceTensor {
  return "executor" in value;
}

function fromValues(values: Values): HostTensor {
  return { type: "f32", shape: values.shape, data: values.data };
}

/** An executor that interprets in double precision; for tests and for comparisons, not for speed. */
export class ReferenceExecutor implements Executor {
  readonly kind = "reference";
  readonly name = "double-precision interpreter";
  readonly threads = 1;
  busyMillis = 0;

  load(program: Program, _options: LoadOptions = {}): Promise<Session> {
    const run = (request: RunRequest): Promise<RunResult> => {
      const started = performance.now();
      const feeds = Object.fromEntries(
        Object.entries(request.feeds).map(([name, value]) => [
          name,
          isDeviceTensor(value) ? (value as ReferenceTensor).host : value,
        ]),
      );
      const { keep = [], read = [] } = request;
      const values = interpret(program, feeds, request.dims, [...keep, ...read]);
      const result = {
        kept: Object.fromEntries(keep.map((name) => [name, this.upload(fromValues(values[name]!))])),
        read: Object.fromEntries(read.map((name) => [name, fromValues(values[name]!)])),
      };
      this.busyMillis += performance.now() - started;
      return Promise.resolve(result);
    };
    return Promise.resolve({ run, release: () => Promise.resolve() });
  }

  upload(host: HostTensor): DeviceTensor {
    const tensor: ReferenceTensor = { executor: this.kind, shape: host.shape, host };
    return tensor;
  }

  read(tensor: DeviceTensor): Promise<HostTensor> {
    return Promise.resolve((tensor as ReferenceTensor).host);
  }

  dispose(_tensor: DeviceTensor): void {}
}
