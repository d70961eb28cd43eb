/**
 * From the name of a device to an executor that works here.
 *
 * @module
 */
import { type Choice, chooseAmong, type ExecutorMakers, webMakers } from "./choice.ts";
import { nativeExecutor } from "./native.ts";

/** How an executor is chosen. */
export interface ChooseOptions {
  /** Threads of the CPU executors. Default: as many as `navigator.hardwareConcurrency` says. */
  readonly threads?: number;
  /** What makes the executors. Default: the ones of this folder. */
  readonly makers?: ExecutorMakers;
}

/** What makes executors where native code can be loaded. */
export const ownMakers: ExecutorMakers = {
  ...webMakers(),
  cpu: ({ threads }) => nativeExecutor(threads),
};

/**
 * The executor of a device.
 *
 * `auto` takes a real GPU, else the native CPU, else WASM; never a software GPU, which computes on the CPU at a
 * fraction of its speed. `webgpu` takes a software GPU too where there is no other, as it was asked for by name.
 *
 * @param device One of {@linkcode devices}.
 *
 * @throws {TypeError} If the device is no text.
 * @throws {RangeError} If there is no such device, or the number of threads is not a positive whole number.
 * @throws {ExecutorError} If the device does not work here; the message names one that does.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { chooseExecutor } from "./choose.ts";
 * const { executor } = await chooseExecutor("reference");
 * assertEquals(executor.kind, "reference");
 * ```
 */
export function chooseExecutor(
  device: string,
  { threads, makers = ownMakers }: ChooseOptions = {},
): Promise<Choice> {
  return chooseAmong(makers, device, threads);
}
