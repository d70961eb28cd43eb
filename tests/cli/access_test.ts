/** What is said where a command may not write. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { inputPlaces, resultsPlaces, studyPlaces } from "../../src/cli/access.ts";
import { StorageError } from "../../src/record/durable.ts";

Deno.test("StorageError says what helps against its cause", () => {
  const withCode = (code: string) => Object.assign(new Error("said"), { code });
  const cases: readonly (readonly [unknown, string, boolean])[] = [
    [new Deno.errors.NotCapable("said"), "--allow-write=DIR", false],
    [new Deno.errors.PermissionDenied("said"), "let this user write there", false],
    [withCode("ENOSPC"), "free some space", true],
    [withCode("EDQUOT"), "free some space", true],
    [withCode("EROFS"), "choose another folder with --results", false],
    ["said", "choose another folder with --results", false],
  ];
  for (const [cause, remedy, isFull] of cases) {
    const { message } = new StorageError("results/x", cause);
    assertStringIncludes(message, 'Cannot write "results/x": said; finished runs are safe, ');
    assertStringIncludes(message, remedy);
    assertEquals(message.includes("space"), isFull, message);
  }
});

Deno.test("places are what is named by its path, with what lies beside it", () => {
  const written = (path: string, option: string) => ({ path, option, isWritten: true });
  const given = (texts: Readonly<Record<string, string>>) => ({
    text: (name: string) => texts[name] ?? null,
  });
  assertEquals(studyPlaces("quickstart", "STUDY"), []);
  assertEquals(studyPlaces(null, "--study"), []);
  assertEquals(studyPlaces("../mine/study.ts", "STUDY"), [{ path: "../mine", option: "STUDY" }]);
  assertEquals(resultsPlaces("quickstart", null), []);
  assertEquals(resultsPlaces("../mine/study.ts", null), [{ path: "../mine", option: "STUDY" }]);
  assertEquals(resultsPlaces("a/b", "c"), [written("a/b", "STUDY"), written("c", "--results")]);
  assertEquals(resultsPlaces("a/b.ranklab.zip", null), [
    written("a/b", "STUDY"),
    { path: "a/b.ranklab.zip", option: "STUDY" },
  ]);
  assertEquals(inputPlaces(given({})), []);
  assertEquals(inputPlaces(given({ data: "d", model: "hub:a/b@main" })), [{
    path: "d",
    option: "--data",
    isWritten: false,
  }]);
  assertEquals(inputPlaces(given({ model: "x/a.whl#inner" })), [
    { path: "x/a.whl", option: "--model", isWritten: false },
  ]);
});
