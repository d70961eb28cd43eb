/** The task of tests names threads, not all that there is: nothing may be left out or run twice. */
import { assertEquals } from "@std/assert";
import { sourcesIn } from "./sources.ts";

const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
const [, run] = (config.tasks as Readonly<Record<"test", string>>).test.split(" && ");
/** Files and folders that the task names. */
const named = run!.split(" ").slice(2).filter((word) => !word.startsWith("-"));

/** Whether a path is that of a file or lies in a folder. */
const isWithin = (path: string, place: string) => path === place || path.startsWith(`${place}/`);

Deno.test("the task of tests runs every test file once, in a thread or on its own", async () => {
  const threads = (await sourcesIn("tests/threads")).map(({ path, text }) => ({
    path,
    folders: [...text.matchAll(/"(\w+)"/g)].map(([, folder]) => `tests/${folder}`),
  }));
  assertEquals(
    threads.filter(({ path }) => !named.includes(path)),
    [],
    'name it in the task "test" of deno.json',
  );
  const places = [
    ...threads.flatMap(({ folders }) => folders),
    ...named.filter((place) => !place.startsWith("tests/threads/")),
  ];
  const found = (await sourcesIn("tests")).map(({ path }) => path)
    .filter((path) => path.endsWith("_test.ts"));
  const timesRun = found.map((path) => ({
    path,
    times: places.filter((place) => isWithin(path, place)).length,
  }));
  assertEquals(
    timesRun.filter(({ times }) => times !== 1),
    [],
    "name the folder in one file of tests/threads",
  );
});

Deno.test("the task of tests runs the examples of all sources", async () => {
  const all = await Promise.all(
    ["src", "tools", "bench", "experiments", "vendor"].map((folder) => sourcesIn(folder)),
  );
  const withExamples = all.flat().filter(({ text }) => text.includes("* ```ts"))
    .map(({ path }) => path);
  assertEquals(
    withExamples.filter((path) => !named.some((place) => isWithin(path, place))),
    [],
    'name the folder in the task "test" of deno.json',
  );
});
