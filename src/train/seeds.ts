/**
 * The seeds of a run's random streams: its own, or those that its settings hold.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import type { SeededStream } from "../study/schema/settings.ts";
import type { RunSpec } from "../study/types.ts";

type Seeded = Pick<RunSpec, "seed" | "settings">;

/** The seed that one of a run's streams is drawn from: that of `train.seeds`, else the run's. */
export function seedOf({ seed, settings }: Seeded, stream: SeededStream): number {
  return settings.train.seeds?.[stream] ?? seed;
}

/** The root that one of a run's streams is forked from; what no setting can hold is forked from the root of the run's own seed. */
export function rootOf(run: Seeded, stream: SeededStream): RandomStream {
  return RandomStream.fromSeed(seedOf(run, stream));
}

/** The stream by which a run draws the parameters that it starts with. */
export function startStream(run: Seeded): RandomStream {
  return rootOf(run, "init").fork("init");
}
