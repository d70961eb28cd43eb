/**
 * The reference executor: the double-precision interpreter behind the common interface.
 *
 * @module
 */
import {
  type ElementType,
  type HostTensor,
  interpret,
  type Program,
  type Values,
} from "../graph/mod.ts";
import {
  checkRequest,
  type DeviceTensor,
  type Executor,
  ExecutorError,
  isDeviceTensor,
  type LoadOptions,
  type RunRequest,
  type RunResult,
  type Session,
} from "./executor.ts";

interface ReferenceTensor extends DeviceTensor {
  readonly host: HostTensor;
}

/** The interpreter's numbers in the container that belongs to their type; floats stay in double precision. */
function fromValues(values: Values, type: ElementType): HostTensor {
  const { shape, data } = values;
  if (type === "i32") return { type, shape, data: Int32Array.from(data) };
  if (type === "i64") return { type, shape, data: BigInt64Array.from(data, BigInt) };
  return { type, shape, data };
}

/** An executor that interprets in double precision; for tests and for comparisons, not for speed. */
export class ReferenceExecutor implements Executor {
  readonly kind = "reference";
  readonly name = "double-precision interpreter";
  readonly threads = 1;
  readonly runsAhead = 1;
  readonly sharesConstants: boolean = true;
  busyMillis = 0;
  readonly #disposed = new WeakSet<DeviceTensor>();

  load(program: Program, options: LoadOptions = {}): Promise<Session> {
    let isReleased = false;
    // deno-lint-ignore require-await -- async, so that what is thrown rejects the promise
    const run = async (request: RunRequest): Promise<RunResult> => {
      if (isReleased) {
        throw new ExecutorError(`A run on the ${this.name} failed`, "the session was released");
      }
      checkRequest(this.kind, program, options.resident ?? [], request);
      const started = performance.now();
      const feeds = Object.fromEntries(
        Object.entries(request.feeds).map(([name, value]) => [
          name,
          isDeviceTensor(value) ? this.#hostOf(value) : value,
        ]),
      );
      const { keep = [], read = [] } = request;
      let values: Readonly<Record<string, Values>>;
      try {
        values = interpret(program, feeds, request.dims, [...keep, ...read]);
      } catch (cause) {
        throw new ExecutorError(`A run on the ${this.name} failed`, cause);
      }
      const host = (name: string) => fromValues(values[name]!, program.outputs.get(name)!.type);
      const result = {
        kept: Object.fromEntries(keep.map((name) => [name, this.upload(host(name))])),
        read: Object.fromEntries(read.map((name) => [name, host(name)])),
      };
      this.busyMillis += performance.now() - started;
      return result;
    };
    const release = () => {
      isReleased = true;
      return Promise.resolve();
    };
    return Promise.resolve({ run, release });
  }

  #hostOf(tensor: DeviceTensor): HostTensor {
    if (this.#disposed.has(tensor)) {
      throw new TypeError(`Cannot use a tensor of shape [${tensor.shape}]: it was disposed of`);
    }
    return (tensor as ReferenceTensor).host;
  }

  upload(host: HostTensor): DeviceTensor {
    const copy = { ...host, data: host.data.slice() };
    const tensor: ReferenceTensor = {
      executor: this.kind,
      type: host.type,
      shape: host.shape,
      host: copy,
    };
    return tensor;
  }

  // deno-lint-ignore require-await -- async, so that what is thrown rejects the promise
  async read(tensor: DeviceTensor): Promise<HostTensor> {
    const host = this.#hostOf(tensor);
    return { ...host, data: host.data.slice() };
  }

  async readAll(tensors: readonly DeviceTensor[]): Promise<readonly HostTensor[]> {
    return await Promise.all(tensors.map((tensor) => this.read(tensor)));
  }

  dispose(tensor: DeviceTensor): void {
    this.#disposed.add(tensor);
  }
}
