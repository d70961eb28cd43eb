/**
 * The thread behind {@linkcode Heartbeat}.
 *
 * @module
 */
import type { Owner } from "./lease.ts";
import { beatIn, type ToHeart } from "./heartbeat.ts";

/** The part of a worker's global scope that is used; the types of this project are those of a window. */
interface HeartScope {
  onmessage: ((event: MessageEvent<ToHeart>) => void) | null;
}

const owners = new Map<string, Owner>();
let beat = 0;

function beatInAll(): void {
  beat++;
  for (const [path, owner] of owners) {
    try {
      if (!beatIn(path, owner, beat)) owners.delete(path);
    } catch {
      // A beat that fails, on a full disk for instance, is a beat that others do not see; the next one may succeed. What is
      // wrong with the disk is reported by the run itself.
    }
  }
}

(self as unknown as HeartScope).onmessage = ({ data }) => {
  if (data.kind === "start") setInterval(beatInAll, data.beatMillis);
  else if (data.kind === "add") owners.set(data.path, data.owner);
  else owners.delete(data.path);
};
