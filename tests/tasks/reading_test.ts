import { assertEquals } from "@std/assert";
import { builtInTasks } from "../../src/tasks/catalog.ts";
import { readingHashes } from "../../src/tasks/read_split.ts";

Deno.test("the encoding's version is hashed once it is not the first, for tasks of every source", () => {
  for (const task of builtInTasks) {
    assertEquals(readingHashes(task), {});
    assertEquals(readingHashes(task, 2), { "encoding of texts": "version 2" });
  }
  const [task] = builtInTasks;
  const own = readingHashes({ ...task!, source: "user" }, 2);
  assertEquals(Object.keys(own), [`${task!.name}: columns and labels`, "encoding of texts"]);
});
