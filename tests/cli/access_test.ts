/** What is said where a command may not write. */
import { resolve } from "node:path";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { inputPlaces, resultsPlaces, studyPlaces } from "../../src/cli/access.ts";
import { withNamedFiles } from "../../src/cli/commands.ts";
import { StorageError } from "../../src/record/durable.ts";
import { withFolder } from "../with_folder.ts";

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
  const study = (path: string) => ({ path, option: "STUDY", isStudy: true });
  assertEquals(studyPlaces("quickstart", "STUDY"), [study("quickstart")]);
  assertEquals(studyPlaces(null, "--study"), []);
  assertEquals(resultsPlaces("quickstart", null), []);
  assertEquals(resultsPlaces("../mine/study.ts", null), [study("../mine/study.ts")]);
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

Deno.test("a JSON study lets its command read the files that it names, and a module its folder", async () => {
  await withFolder(async (home) => {
    const write = async (path: string, value: unknown) =>
      await Deno.writeTextFile(`${home}/${path}`, JSON.stringify(value));
    await Deno.mkdir(`${home}/shared`);
    const split = { path: "lone.jsonl", format: "jsonl" };
    await write("shared/base.json", {
      base: { model: "wheel:models.whl#small" },
      userTasks: [{ name: "Own", files: { train: ["a.tsv", "/data/b.tsv"], dev: split } }],
    });
    await write("study.json", {
      name: "mine",
      // The tuning has still to write the second.
      extends: ["shared/base", `${home}/results/mine/tuning/tuned.json`],
      axes: { methods: [{ method: "lora", ranks: { file: "ranks.json" } }] },
    });
    await Deno.writeTextFile(`${home}/module.ts`, "");
    await Deno.mkdir(`${home}/.git`);
    await write(".git/HEAD", "");
    await write(".git/config", "");
    const filesOf = async (name: string) => {
      const place = { path: `${home}/${name}`, option: "STUDY", isStudy: true };
      const places = await withNamedFiles(place, `${home}/results`);
      const paths = places.map(({ path }) => resolve(path).replace(home, "HOME"));
      return [...new Set(paths)].sort();
    };
    const looked = ["", ".json", ".ts"];
    // The repository's settings may hold a token.
    const history = ["HEAD", "commondir", "objects", "packed-refs", "refs"]
      .map((name) => `HOME/.git/${name}`);
    assertEquals(
      await filesOf("study"),
      [
        ...["/data/b.tsv", "HOME/ranks.json", "HOME/shared/a.tsv", "HOME/shared/lone.jsonl"],
        ...["HOME/mine.registration.json", "HOME/shared/models.whl", ...history],
        ...["study", "shared/base", "results/mine/tuning/tuned.json"].flatMap((name) =>
          looked.map((end) => `HOME/${name}${end}`)
        ),
      ].sort(),
    );
    assertEquals(await filesOf("module"), ["HOME", ...history]);
    const elsewhere = { path: "/runs", option: "--results", isWritten: true };
    assertEquals(await withNamedFiles(elsewhere, null), [elsewhere]);
  });
});
