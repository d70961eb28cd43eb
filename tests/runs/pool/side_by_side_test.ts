/** Workers, queues and limits with made-up work that ends when the test says so. */
import { assertEquals, assertRejects } from "@std/assert";
import { WorkQueue, workSideBySide } from "../../../src/runs/pool/work_on_runs.ts";

/** Jobs such as `a1`: the letter is the kind. */
const kindOf = (job: string) => job[0]!;

/** Work whose jobs wait to be ended by hand. */
class Bench {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, (outcome: string | Error) => void>();
  #most = 0;

  readonly work = (job: string): Promise<string> => {
    this.begun.push(job);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#ends.set(
      job,
      (outcome) => outcome instanceof Error ? reject(outcome) : resolve(outcome),
    );
    this.#most = Math.max(this.#most, this.#ends.size);
    return promise;
  };

  get underWay(): readonly string[] {
    return [...this.#ends.keys()];
  }

  get most(): number {
    return this.#most;
  }

  /** Ends a job, and lets everything that follows from it happen. */
  async end(job: string, outcome: string | Error = `${job} done`): Promise<void> {
    const end = this.#ends.get(job)!;
    this.#ends.delete(job);
    end(outcome);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

Deno.test("a single worker takes jobs in their order", () => {
  const jobs = ["a1", "a2", "b1", "b2", "c1"];
  const queue = new WorkQueue(jobs, kindOf);
  const taken: string[] = [];
  for (let last: string | null = queue.take(null); last !== null; last = queue.take(last)) {
    taken.push(last);
  }
  assertEquals(taken, jobs);
});

Deno.test("workers stay with their kind, begin new ones, and at last help where most is left", () => {
  const queue = new WorkQueue(["a1", "a2", "a3", "a4", "b1", "b2", "c1"], kindOf);
  assertEquals([queue.take(null), queue.take(null)], ["a1", "b1"]);
  assertEquals(queue.take("b1"), "b2");
  assertEquals(queue.take("b2"), "c1");
  // No kind is untouched; three are left of a.
  assertEquals([queue.take("c1"), queue.take("a1"), queue.take("a2")], ["a2", "a3", "a4"]);
  assertEquals([queue.take("a3"), queue.take(null)], [null, null]);
});

Deno.test("each worker works on one job at a time, and results come in the order of completion", async () => {
  const bench = new Bench();
  const results: string[] = [];
  const all = workSideBySide(new WorkQueue(["a1", "a2", "b1", "b2"], kindOf), {
    workers: [bench.work, bench.work],
    onResult: (job, result) => {
      results.push(`${job}: ${result}`);
      return Promise.resolve(true);
    },
    onError: () => {},
  });
  assertEquals(bench.underWay, ["a1", "b1"]);
  await bench.end("b1", "failed, but that is a result");
  assertEquals(bench.underWay, ["a1", "b2"]);
  await bench.end("b2");
  assertEquals(bench.underWay, ["a1", "a2"]);
  await bench.end("a1");
  await bench.end("a2");
  await all;
  assertEquals(results, [
    "b1: failed, but that is a result",
    "b2: b2 done",
    "a1: a1 done",
    "a2: a2 done",
  ]);
  assertEquals(bench.most, 2);
});

Deno.test("an error lets the other workers come to rest, begins nothing more, and is thrown on", async () => {
  const bench = new Bench();
  const results: string[] = [];
  let toldOfErrors = 0;
  let isOver = false;
  const all = workSideBySide(new WorkQueue(["a1", "a2", "b1", "b2", "c1"], kindOf), {
    workers: [bench.work, bench.work, bench.work],
    onResult: (job) => {
      results.push(job);
      return Promise.resolve(true);
    },
    onError: () => toldOfErrors++,
  });
  const thrown = assertRejects(() => all, Error, "disk full").finally(() => isOver = true);
  await bench.end("b1", new Error("disk full"));
  assertEquals([toldOfErrors, isOver], [1, false]);
  await bench.end("c1", new Error("disk still full"));
  await bench.end("a1");
  await thrown;
  assertEquals(bench.begun, ["a1", "b1", "c1"]);
  assertEquals(results, ["a1"]);
  assertEquals(toldOfErrors, 1);
});

Deno.test("a worker whose result says so takes no more", async () => {
  const bench = new Bench();
  const all = workSideBySide(new WorkQueue(["a1", "a2", "b1", "b2"], kindOf), {
    workers: [bench.work, bench.work],
    onResult: (job) => Promise.resolve(job !== "a1"),
    onError: () => {},
  });
  await bench.end("a1");
  assertEquals(bench.underWay, ["b1"]);
  await bench.end("b1");
  await bench.end("b2");
  // The other worker does what is left.
  assertEquals(bench.underWay, ["a2"]);
  await bench.end("a2");
  await all;
});
