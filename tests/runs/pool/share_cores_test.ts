import { assertEquals } from "@std/assert";
import { defaultJobs, shareCores, type ShareRequest } from "../../../src/runs/pool/share_cores.ts";

Deno.test("shareCores gives whole shares, and what was asked for as it was asked", () => {
  const base: ShareRequest = { cores: 8, executor: "cpu", runs: 60, jobs: null, threads: null };
  const cases: readonly [Partial<ShareRequest>, jobs: number, threads: number][] = [
    [{}, defaultJobs(8, "cpu"), Math.floor(8 / defaultJobs(8, "cpu"))],
    [{ jobs: 1 }, 1, 8],
    [{ jobs: 3 }, 3, 2],
    // More jobs than cores: one thread each.
    [{ jobs: 12 }, 12, 1],
    [{ jobs: 2, threads: 5 }, 2, 5],
    // As many as fit beside one another.
    [{ threads: 3 }, 2, 3],
    [{ threads: 16 }, 1, 16],
    // A study of one run has all cores, of three runs a third each.
    [{ runs: 1 }, 1, 8],
    [{ runs: 3 }, 3, 2],
    [{ runs: 1, jobs: 2 }, 2, 4],
    // One device, one run.
    [{ executor: "webgpu" }, 1, 8],
    [{ executor: "wasm" }, 1, 8],
    [{ executor: "webgpu", jobs: 2 }, 2, 4],
    [{ cores: 1 }, 1, 1],
    // Each job has a copy of the weights: a large machine gives its cores to a few.
    [{ cores: 64 }, 8, 8],
  ];
  for (const [given, jobs, threads] of cases) {
    assertEquals(shareCores({ ...base, ...given }), { jobs, threads }, JSON.stringify(given));
  }
});

Deno.test("a default is at least one job and no more than the cores", () => {
  for (const executor of ["cpu", "wasm", "webgpu", "reference"] as const) {
    for (const cores of [1, 2, 3, 16, 64]) {
      const jobs = defaultJobs(cores, executor);
      assertEquals(Number.isInteger(jobs) && jobs >= 1 && jobs <= cores, true, `${executor}`);
    }
  }
});
