/**
 * What a GPU device is told to do, counted, and how long its compute passes take.
 *
 * The device's own methods are wrapped, so that any runtime is measured in the same way.
 *
 * @module
 */

/** What happened on a device while it was watched. */
export interface GpuCounts {
  readonly dispatches: number;
  readonly passes: number;
  readonly submits: number;
  /** Copies between buffers. */
  readonly copies: number;
  /** Time between the begin and the end of each compute pass, in sum; null where the device has no timestamps. */
  readonly passMillis: number | null;
}

/** Passes that can be timed before they are summed up; a query set holds two timestamps of each. */
const mostPasses = 2048;

interface Timer {
  readonly queries: GPUQuerySet;
  readonly resolved: GPUBuffer;
  readonly staging: GPUBuffer;
}

function makeTimer(device: GPUDevice): Timer | null {
  if (!device.features.has("timestamp-query")) return null;
  const size = 2 * mostPasses * BigUint64Array.BYTES_PER_ELEMENT;
  return {
    queries: device.createQuerySet({ type: "timestamp", count: 2 * mostPasses }),
    resolved: device.createBuffer({
      size,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    }),
    staging: device.createBuffer({
      size,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    }),
  };
}

/** Sums up the first `passes` intervals. */
async function sumOf(
  { queries, resolved, staging }: Timer,
  passes: number,
  device: GPUDevice,
  encoder: GPUCommandEncoder,
): Promise<number> {
  encoder.resolveQuerySet(queries, 0, 2 * passes, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, staging, 0, resolved.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const times = new BigUint64Array(staging.getMappedRange().slice(0));
  staging.unmap();
  let nanos = 0n;
  for (let pass = 0; pass < passes; pass++) nanos += times[2 * pass + 1]! - times[2 * pass]!;
  return Number(nanos) / 1e6;
}

/**
 * Watches a device while a task runs.
 *
 * @param task Must have waited for the device when it ends, and not begin more than 2,048 compute passes.
 *
 * @throws {RangeError} If there were more passes than can be timed.
 */
export async function watchGpu(device: GPUDevice, task: () => Promise<void>): Promise<GpuCounts> {
  const timer = makeTimer(device);
  let [dispatches, passes, submits, copies] = [0, 0, 0, 0];
  const createEncoder = device.createCommandEncoder.bind(device);
  const { queue } = device;
  const submit = queue.submit.bind(queue);

  const watchPass = (pass: GPUComputePassEncoder): GPUComputePassEncoder => {
    const direct = pass.dispatchWorkgroups.bind(pass);
    pass.dispatchWorkgroups = (x, y, z) => {
      dispatches++;
      direct(x, y, z);
    };
    const indirect = pass.dispatchWorkgroupsIndirect.bind(pass);
    pass.dispatchWorkgroupsIndirect = (buffer, offset) => {
      dispatches++;
      indirect(buffer, offset);
    };
    return pass;
  };
  device.createCommandEncoder = (descriptor) => {
    const encoder = createEncoder(descriptor);
    const begin = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (own) => {
      const at = 2 * passes++;
      if (timer === null || passes > mostPasses) return watchPass(begin(own));
      return watchPass(begin({
        ...own,
        timestampWrites: {
          querySet: timer.queries,
          beginningOfPassWriteIndex: at,
          endOfPassWriteIndex: at + 1,
        },
      }));
    };
    const copy = encoder.copyBufferToBuffer.bind(encoder) as (...all: unknown[]) => void;
    encoder.copyBufferToBuffer = (...all: unknown[]) => {
      copies++;
      copy(...all);
    };
    return encoder;
  };
  queue.submit = (buffers) => {
    submits++;
    submit(buffers);
  };
  try {
    await task();
  } finally {
    device.createCommandEncoder = createEncoder;
    queue.submit = submit;
  }
  if (timer === null) return { dispatches, passes, submits, copies, passMillis: null };
  try {
    if (passes > mostPasses) {
      throw new RangeError(`Cannot time ${passes} compute passes, want at most ${mostPasses}`);
    }
    const passMillis = await sumOf(timer, passes, device, createEncoder());
    return { dispatches, passes, submits, copies, passMillis };
  } finally {
    timer.queries.destroy();
    timer.resolved.destroy();
    timer.staging.destroy();
  }
}
