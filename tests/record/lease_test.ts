/** What is decided about leases: by the observer's own clock and the content of the heartbeat. */
import { assertEquals } from "@std/assert";
import {
  type LeaseTimes,
  type Look,
  mayTakeOver,
  ownerName,
  ownerText,
  type Sighting,
  sightingAfter,
} from "../../src/record/lease.ts";

const times: LeaseTimes = { beatMillis: 1, timeoutMillis: 30, endedMillis: 3 };
const look: Look = { token: "0123456789abcdef", content: "1", hasEnded: false };

/** Whether a lease may be taken over at each of some looks, made every 10 milliseconds. */
function judged(looks: readonly Partial<Look>[], start = 0): readonly boolean[] {
  let sighting: Sighting | null = null;
  return looks.map((change, i) => {
    const now = start + 10 * i;
    const seen = { ...look, ...change };
    sighting = sightingAfter(sighting, seen, now);
    return mayTakeOver(sighting, seen, now, times);
  });
}

Deno.test("a lease is taken over when its heartbeat stood still for longer than the timeout", () => {
  const still = Array(6).fill({});
  const wanted = [false, false, false, false, true, true];
  assertEquals(judged(still), wanted);
  // The clock's own zero makes no difference, also below it.
  for (const start of [1e12, -1e12]) assertEquals(judged(still, start), wanted);
});

Deno.test("a beat, or another owner, begins the wait anew", () => {
  const beats = Array.from({ length: 9 }, (_, i) => ({ content: `${Math.floor(i / 3)}` }));
  assertEquals(judged(beats).includes(true), false);
  const owners = Array.from({ length: 9 }, (_, i) => ({ token: `${Math.floor(i / 3)}` }));
  assertEquals(judged(owners).includes(true), false);
  // A counter that goes back is a sign of life too.
  assertEquals(
    judged([2, 2, 2, 1, 1, 1, 1].map((n) => ({ content: `${n}` }))).includes(true),
    false,
  );
});

Deno.test("a process that has ended on this machine is waited for less, but not taken at its word", () => {
  assertEquals(judged([{ hasEnded: true }, { hasEnded: true }]), [false, true]);
  const beating = Array.from({ length: 6 }, (_, i) => ({ hasEnded: true, content: `${i}` }));
  assertEquals(judged(beating).includes(true), false);
});

Deno.test("an owner's file keeps its length from beat to beat, and names its process", () => {
  const owner = { host: "node-7", pid: 12, command: 'sweep "a b"' };
  const texts = [0, 9, 10, 123_456].map((beat) => ownerText(owner, beat));
  assertEquals(new Set(texts.map(({ length }) => length)).size, 1);
  assertEquals(new Set(texts).size, 4);
  assertEquals(ownerName(texts[3]!, "lease"), 'process 12 on node-7 (sweep "a b")');
  assertEquals(
    ownerName(ownerText({ ...owner, host: null }, 1), "lease"),
    'process 12 (sweep "a b")',
  );
  const unnamed = 'a process that "lease" does not name (if none is at work there, delete that)';
  for (const torn of ["", "{", "null", "{}", '{"pid":1}', texts[0]!.slice(0, 20)]) {
    assertEquals(ownerName(torn, "lease"), unnamed);
  }
});
