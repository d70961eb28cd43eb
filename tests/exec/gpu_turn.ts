/** One test at a time uses WebGPU, while others run beside it. */

/**
 * Does what a test does on WebGPU when no other test of this process is on it.
 *
 * Several devices at work in one process, each of them software that takes all cores, slow each other down many times over.
 */
export function inGpuTurn(work: () => Promise<void>): Promise<void> {
  return navigator.locks.request("webgpu", work);
}
