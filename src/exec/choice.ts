/**
 * From the name of a device to one of the executors that can be made here.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { type Executor, ExecutorError, type ExecutorKind } from "./executor.ts";
import { ReferenceExecutor } from "./reference.ts";
import { wasmExecutor } from "./wasm.ts";
import { webgpuExecutor } from "./webgpu.ts";

/** The devices that can be asked for. */
export const devices = ["auto", "webgpu", "cpu", "wasm", "reference"] as const;

/** A device that can be asked for. */
export type Device = (typeof devices)[number];

/** A device that was not taken, and why. */
export interface Tried {
  /** Kind of executor that could not be made. */
  readonly device: ExecutorKind;
  /** What its runtime said, or why its device does not suit (a software GPU, for instance). */
  readonly reason: string;
}

/** An executor and how it was come by. */
export interface Choice {
  /** Ready to load programs; whoever chose it disposes of its tensors. */
  readonly executor: Executor;
  /** What was preferred but did not work, in the order of trying. */
  readonly tried: readonly Tried[];
  /** One line for people: the executor, and every device passed over with its reason. */
  readonly description: string;
}

/** What a maker receives. */
export interface MakerOptions {
  /** Threads that the executor may compute with; WebGPU ignores them. */
  readonly threads: number;
  /** Whether a software GPU will do. */
  readonly allowSoftware: boolean;
}

/** Makes an executor of each kind, or throws an {@linkcode ExecutorError}. */
export type ExecutorMakers = Readonly<
  Record<ExecutorKind, (options: MakerOptions) => Promise<Executor>>
>;

/**
 * What makes executors in a browser tab, which cannot load the native runtime.
 *
 * @param runtime The address of the folder with the files of `npm:onnxruntime-web`. Default: where the runtime looks by itself.
 */
export function webMakers(runtime?: string): ExecutorMakers {
  const place = runtime === undefined ? {} : { runtime };
  return {
    webgpu: ({ allowSoftware }) => webgpuExecutor({ allowSoftware, ...place }),
    cpu: () =>
      Promise.reject(new ExecutorError("Cannot make a native executor", "a browser tab has none")),
    wasm: ({ threads }) => wasmExecutor(threads, runtime),
    reference: () => Promise.resolve(new ReferenceExecutor()),
  };
}

/** What `auto` tries, in this order. */
const autoOrder: readonly ExecutorKind[] = ["webgpu", "cpu", "wasm"];

function isDevice(name: string): name is Device {
  return (devices as readonly string[]).includes(name);
}

/** Whether a name is one of {@linkcode devices}; otherwise an error that lists them and names the closest. */
export function checkDevice(name: string): Device {
  if (typeof name !== "string") {
    throw new TypeError(
      `Cannot choose a device: found ${JSON.stringify(name)}, want one of ${devices.join(", ")}; ` +
        'options are the second argument, as in chooseExecutor("auto", { threads: 1 })',
    );
  }
  if (!isDevice(name)) throw new RangeError(unknownName("device", name, devices));
  return name;
}

/** The first executor of `order` that can be made, with the failures before it. */
async function firstThatWorks(
  order: readonly ExecutorKind[],
  make: (kind: ExecutorKind) => Promise<Executor>,
): Promise<{ readonly executor: Executor | null; readonly tried: readonly Tried[] }> {
  const tried: Tried[] = [];
  for (const device of order) {
    try {
      return { executor: await make(device), tried };
    } catch (error) {
      if (!(error instanceof ExecutorError)) throw error;
      tried.push({ device, reason: error.message });
    }
  }
  return { executor: null, tried };
}

function listed(tried: readonly Tried[]): string {
  return tried.map(({ device, reason }) => `${device} not taken (${reason})`).join("; ");
}

function describe(executor: Executor, tried: readonly Tried[]): string {
  const threads = executor.threads === 1 ? "" : `, ${executor.threads} threads`;
  return `${executor.name}${threads}${tried.length === 0 ? "" : `; ${listed(tried)}`}`;
}

/**
 * The executor of a device, as `chooseExecutor` has it, by the makers of a platform.
 *
 * @param threads Threads of the CPU executors. Default: as many as `navigator.hardwareConcurrency` says.
 */
export async function chooseAmong(
  makers: ExecutorMakers,
  device: string,
  threads: number = navigator.hardwareConcurrency,
): Promise<Choice> {
  const asked = checkDevice(device);
  if (!Number.isInteger(threads) || threads < 1) {
    throw new RangeError(
      `Cannot compute with ${threads} threads, want a whole number of at least 1`,
    );
  }
  const order = asked === "auto" ? autoOrder : [asked];
  const { executor, tried } = await firstThatWorks(
    order,
    (kind) => makers[kind]({ threads, allowSoftware: asked === "webgpu" }),
  );
  if (executor !== null) return { executor, tried, description: describe(executor, tried) };
  const others = await firstThatWorks(
    [...autoOrder, "reference" as const].filter((kind) => !order.includes(kind)),
    (kind) => makers[kind]({ threads, allowSoftware: false }),
  );
  const advice = others.executor === null
    ? `nothing else works either: ${listed(others.tried)}`
    : `"${others.executor.kind}" works here`;
  const reasons = asked === "auto" ? listed(tried) : tried[0]!.reason;
  throw new ExecutorError(`Cannot use device "${asked}"`, `${reasons}; ${advice}`);
}
