/** Reading many files at a time, with reads that end when the test says so. */
import { assertEquals, assertRejects } from "@std/assert";
import { readEach } from "../../src/record/read_bounded.ts";

const items = Array.from({ length: 40 }, (_, i) => i);

Deno.test("readEach keeps the order of items, and reads 32 at a time", async () => {
  let [underWay, most] = [0, 0];
  const read = async (item: number) => {
    most = Math.max(most, ++underWay);
    for (let turns = 40 - item; turns > 0; turns--) await null;
    underWay--;
    return -item;
  };
  assertEquals(await readEach(items, read), items.map((item) => -item));
  assertEquals([most, underWay], [32, 0]);
  assertEquals(await readEach([], read), []);
});

Deno.test("readEach begins nothing after an error, and throws it when what was begun has ended", async () => {
  const begun: number[] = [];
  const ends = items.map(() => Promise.withResolvers<void>());
  const reading = readEach(items, (item) => {
    begun.push(item);
    return ends[item]!.promise;
  });
  let isSettled = false;
  reading.finally(() => isSettled = true).catch(() => {});
  ends[3]!.reject(new Error("unreadable"));
  for (const { resolve } of ends.slice(0, 31)) resolve();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals([begun.length, isSettled], [32, false]);
  ends[31]!.resolve();
  await assertRejects(() => reading, Error, "unreadable");
});
