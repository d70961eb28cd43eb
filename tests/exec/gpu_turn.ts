/** One test file at a time uses WebGPU, while others run beside it. */
import { findAdapter } from "../../src/exec/webgpu.ts";

/**
 * Waits until no other test file of this process uses WebGPU, and finds the adapter. The turn ends with the file.
 *
 * Several devices in one process, each of them software that takes all cores, slow each other down many times over.
 *
 * @returns The adapter, or null where this machine offers none.
 */
export async function adapterInTurn(): Promise<GPUAdapter | null> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  navigator.locks.request("webgpu", () => {
    resolve();
    return new Promise<never>(() => {});
  }).catch(reject);
  await promise;
  return await findAdapter();
}
