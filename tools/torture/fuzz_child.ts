/**
 * The process that reads mutants, a line of JSON each; its arguments are the seed, the first number and the one after the last.
 *
 * @module
 */
import process from "node:process";
import { countAllocations, takeReserved } from "./allocations.ts";

// Before the readers are loaded, which keep the constructors.
countAllocations();
const { fuzzedReaders } = await import("./readers.ts");
const { mutantAt, tryMutant } = await import("./trial.ts");

const [seed = 1, from = 0, to = 0] = Deno.args.map(Number);
const readers = fuzzedReaders();

/** Milliseconds of the processor, which other programs do not lengthen. */
function cpuMillis(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const encoder = new TextEncoder();

function say(line: unknown): void {
  const bytes = encoder.encode(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

for (let index = from; index < to; index++) {
  const mutant = mutantAt(readers, seed, index);
  const residentBefore = Deno.memoryUsage().rss;
  const trial = await tryMutant(mutant, index, { millis: cpuMillis, takeBytes: takeReserved });
  const grown = Deno.memoryUsage().rss - residentBefore;
  say({ ...trial, bytes: Math.max(trial.bytes, grown) });
}
