/** Leases on a disk: one owner at a time, takeovers that only one wins, and nothing left behind. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../src/base/input_error.ts";
import { attemptPath, leasePath, ownerText } from "../../src/record/lease.ts";
import { type Lease, Leases } from "../../src/record/leases.ts";
import { beatIn } from "../../src/record/heartbeat.ts";

const owner = { host: "here", pid: 1, command: "sweep" };
const elsewhere = { host: "elsewhere", pid: 2, command: "sweep --jobs 2" };
const times = { timeoutMillis: 30_000, endedMillis: 3_000 };

/** Leases in a folder of the test, with a clock that it sets. */
async function withLeases(
  check: (
    results: string,
    open: (who: typeof owner) => Promise<Leases>,
    clock: { now: number },
  ) => Promise<void>,
): Promise<void> {
  const results = await Deno.makeTempDir();
  const clock = { now: 0 };
  const opened: Leases[] = [];
  try {
    await check(results, async (who) => {
      const leases = await Leases.in(results, {
        owner: who,
        times,
        now: () => clock.now,
        isBeating: false,
      });
      opened.push(leases);
      return leases;
    }, clock);
  } finally {
    for (const leases of opened) await leases.close();
    await Deno.remove(results, { recursive: true });
  }
}

function taken(taking: Awaited<ReturnType<Leases["take"]>>): Lease {
  assert(taking.kind === "taken", `held by ${taking.kind === "held" ? taking.by : ""}`);
  return taking.lease;
}

const namesIn = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

Deno.test("a run has one lease, which says whose it is, until it is released", async () => {
  await withLeases(async (results, open) => {
    const [first, second] = [await open(owner), await open(elsewhere)];
    const lease = taken(await first.take("run-a"));
    assertEquals(await second.take("run-a"), {
      kind: "held",
      by: "process 1 on here (sweep)",
    });
    taken(await second.take("run-b"));
    await first.release(lease);
    taken(await second.take("run-a"));
    // A lease that was released is not released again.
    await first.release(lease);
    assertEquals((await first.take("run-a")).kind, "held");
    await second.close();
    await first.close();
    assertEquals(namesIn(results), []);
  });
});

Deno.test("of many who ask at once one has the lease", async () => {
  await withLeases(async (_results, open) => {
    const all = await Promise.all(Array.from({ length: 12 }, () => open(owner)));
    const takings = await Promise.all(all.map((leases) => leases.take("run")));
    assertEquals(takings.filter(({ kind }) => kind === "taken").length, 1);
  });
});

Deno.test("a lease without a sign of life is taken over after the timeout, by one of those who wait", async () => {
  await withLeases(async (_results, open, clock) => {
    const dead = taken(await (await open(elsewhere)).take("run"));
    const waiting = await Promise.all([1, 2, 3].map(() => open(owner)));
    const ask = () => Promise.all(waiting.map((leases) => leases.take("run")));
    for (const now of [0, 10_000, 30_000]) {
      clock.now = now;
      assertEquals((await ask()).map(({ kind }) => kind), ["held", "held", "held"]);
    }
    clock.now = 30_001;
    const leases = (await ask()).flatMap((taking) => taking.kind === "taken" ? [taking.lease] : []);
    assertEquals(leases.length, 1);
    assert(leases[0]!.token !== dead.token);
    assertEquals(leases[0]!.from, "process 2 on elsewhere (sweep --jobs 2)");
  });
});

Deno.test("a lease that beats is never taken over, whatever the times of files are", async () => {
  await withLeases(async (results, open, clock) => {
    const { token } = taken(await (await open(elsewhere)).take("run"));
    const file = `${leasePath(results, "run")}/${token}.json`;
    const waiting = await open(owner);
    for (let beat = 1; beat < 6; beat++) {
      assert(beatIn(file, elsewhere, beat));
      await Deno.utime(file, new Date(0), new Date(0));
      assertEquals((await waiting.take("run")).kind, "held");
      clock.now += 29_000;
    }
  });
});

Deno.test("an owner notices at its next beat that it was taken over, and releases nothing", async () => {
  await withLeases(async (results, open, clock) => {
    const slow = await open(elsewhere);
    const lease = taken(await slow.take("run"));
    const file = `${leasePath(results, "run")}/${lease.token}.json`;
    const taker = await open(owner);
    await taker.take("run");
    clock.now = 31_000;
    const own = taken(await taker.take("run"));
    assertEquals(beatIn(file, elsewhere, 7), false);
    await slow.release(lease);
    assertEquals(namesIn(leasePath(results, "run")), [`${own.token}.json`]);
    const text = await Deno.readTextFile(`${leasePath(results, "run")}/${own.token}.json`);
    assertEquals(text, ownerText(owner, 0));
  });
});

Deno.test("a lease whose process has ended here is taken over sooner, one of another host is not", async () => {
  await withLeases(async (results, open, clock) => {
    // As a killed process leaves them: nobody has the files locked.
    for (const [run, who] of [["mine", owner], ["theirs", elsewhere]] as const) {
      await Deno.mkdir(leasePath(results, run), { recursive: true });
      const path = `${leasePath(results, run)}/0123456789abcdef.json`;
      await Deno.writeTextFile(path, ownerText(who, 3));
    }
    const leases = await open(owner);
    for (const run of ["mine", "theirs"]) assertEquals((await leases.take(run)).kind, "held");
    clock.now = 3_001;
    taken(await leases.take("mine"));
    assertEquals((await leases.take("theirs")).kind, "held");
    // One that lives has its file locked.
    const living = await open(owner);
    taken(await living.take("living"));
    assertEquals((await leases.take("living")).kind, "held");
    clock.now = 7_000;
    assertEquals((await leases.take("living")).kind, "held");
  });
});

Deno.test("what is left of a lease that was made or released by halves does not block the run", async () => {
  await withLeases(async (results, open, clock) => {
    await Deno.mkdir(leasePath(results, "empty"), { recursive: true });
    const halves = { lost: "", torn: '{"beat":"00', other: "null" };
    for (const [run, text] of Object.entries(halves)) {
      await Deno.mkdir(leasePath(results, run));
      await Deno.writeTextFile(`${leasePath(results, run)}/0123456789abcdef.json`, text);
    }
    await Deno.mkdir(`${results}/under-way/0123456789abcdef.new`);
    const leases = await open(owner);
    const runs = ["empty", ...Object.keys(halves)];
    const had = new Set<string>();
    for (const now of [0, 31_000]) {
      clock.now = now;
      for (const run of runs.filter((run) => !had.has(run))) {
        if ((await leases.take(run)).kind === "taken") had.add(run);
      }
    }
    assertEquals(had.size, 4);
    await leases.close();
    assertEquals(namesIn(results), []);
  });
});

Deno.test("whoever ends last removes the leases of finished runs whose owners were killed, and no others", async () => {
  await withLeases(async (results, open) => {
    // As processes leave them that are killed between the end of a run and the release of its lease: no file is locked.
    const leave = async (run: string, who: typeof owner | null, isFinished: boolean) => {
      await Deno.mkdir(leasePath(results, run), { recursive: true });
      const path = `${leasePath(results, run)}/0123456789abcdef.json`;
      if (who !== null) await Deno.writeTextFile(path, ownerText(who, 3));
      if (!isFinished) return;
      await Deno.mkdir(`${results}/${run}`);
      await Deno.writeTextFile(`${results}/${run}/record.json`, "{}");
    };
    await leave("killed", owner, true);
    await leave("halved", null, true);
    await leave("unfinished", owner, false);
    await leave("theirs", elsewhere, true);
    const living = await open(owner);
    taken(await living.take("living"));
    await Deno.mkdir(`${results}/living`);
    await Deno.writeTextFile(`${results}/living/record.json`, "{}");
    await (await open(owner)).close();
    assertEquals(namesIn(`${results}/under-way`), [
      "living.claim",
      "theirs.claim",
      "unfinished.claim",
    ]);
  });
});

/** Puts what no ranklab makes into a study's folder. */
const put = async (path: string, text = "") => {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
};

const token = "0123456789abcdef";

Deno.test("other files in the folder of a lease block nobody, and go with it", async () => {
  await withLeases(async (results, open, clock) => {
    const strays = [
      "notes.txt",
      ".DS_Store",
      ".nfs0001",
      `${token} (conflicted copy).json`,
      "folder/file",
    ];
    for (const name of strays) {
      await put(`${leasePath(results, "left")}/${name}`);
      await put(`${results}/under-way/${name}`);
    }
    const leases = await open(owner);
    const own = taken(await leases.take("own"));
    await put(`${leasePath(results, "own")}/notes.txt`);
    assertEquals((await (await open(elsewhere)).take("own")).kind, "held");
    await leases.release(own);
    assertEquals(await leases.take("left"), {
      kind: "held",
      by: `a process that "${leasePath(results, "left")}" does not name ` +
        "(if none is at work there, delete that)",
    });
    clock.now = 30_001;
    await leases.take("left");
    taken(await leases.take("left"));
    await leases.close();
    assertEquals(namesIn(results), []);
  });
});

Deno.test("what lies in under-way stays while a run is unfinished", async () => {
  await withLeases(async (results, open) => {
    await put(`${attemptPath(results, "begun", token)}/checkpoint.safetensors`);
    await put(`${results}/under-way/notes.txt`);
    await (await open(owner)).close();
    assertEquals(namesIn(`${results}/under-way`), [`begun.${token}`, "notes.txt"]);
  });
});

Deno.test("an owner that cannot be read is named with what to delete, and waited for no longer than another", async () => {
  await withLeases(async (results, open, clock) => {
    const path = `${leasePath(results, "run")}/${token}.json`;
    await put(path, '{"beat":"00');
    const leases = await open(owner);
    const by = `a process that "${path}" does not name (if none is at work there, delete that)`;
    assertEquals(await leases.take("run"), { kind: "held", by });
    clock.now = 30_001;
    assertEquals(taken(await leases.take("run")).from, by);
  });
});

Deno.test("a lease that no ranklab leaves so is named with the way out", async () => {
  const advice =
    "; stop what works on this study, delete that and start again; finished runs are safe";
  const made: readonly (readonly [string, string, (path: string) => Promise<void>])[] = [
    ["", "found a file, want a folder", put],
    [
      `/${token}.json`,
      "found a folder, want an owner's file",
      (path) => put(`${path}/${token}.json/x`),
    ],
    [`/${token}.json`, "found a link, want an owner's file", async (path) => {
      await Deno.mkdir(path, { recursive: true });
      await Deno.symlink("nowhere", `${path}/${token}.json`);
    }],
    ["", `found "${token}.json" and "f${token.slice(1)}.json", want one`, async (path) => {
      await put(`${path}/f${token.slice(1)}.json`, ownerText(elsewhere, 1));
      await put(`${path}/${token}.json`, ownerText(owner, 1));
    }],
  ];
  for (const [at, problem, make] of made) {
    await withLeases(async (results, open) => {
      const path = leasePath(results, "run");
      await make(path);
      const leases = await open(owner);
      const error = await assertRejects(() => leases.take("run"), InputError);
      assertEquals(
        error.message,
        `Cannot tell who has the lease "${path}${at}": ${problem}${advice}`,
      );
      // Of two owners one may live; the others are nobody's, and go once the run is done.
      await put(`${results}/run/record.json`, "{}");
      await leases.close();
      assertEquals(namesIn(results), problem.endsWith("want one") ? ["run", "under-way"] : ["run"]);
    });
  }
});

Deno.test("who closes leaves the lease and the checkpoint of another that trains a failed run again", async () => {
  await withLeases(async (results, open) => {
    const lease = taken(await (await open(owner)).take("failed"));
    await put(`${results}/failed/record.json`, "{}");
    const path = attemptPath(results, "failed", lease.token);
    await put(`${path}/checkpoint.safetensors`);
    await (await open(elsewhere)).close();
    assertEquals(namesIn(path), ["checkpoint.safetensors"]);
    assertEquals(namesIn(leasePath(results, "failed")), [`${lease.token}.json`]);
  });
});
