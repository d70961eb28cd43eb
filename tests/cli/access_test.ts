/** What is said where a command may not write. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { permittedLine } from "../../src/cli/access.ts";
import { StorageError } from "../../src/record/run_folder.ts";

Deno.test("permittedLine quotes what a shell would take apart", () => {
  const started = {
    task: "verify",
    main: "/opt/rank lab/src/cli/verify.ts",
    home: "/opt/rank lab",
  };
  const places = [
    { path: "/data/$runs", option: "--results", isWritten: true },
    { path: "/data/glue", option: "--data" },
  ];
  assertEquals(
    permittedLine({ ...started, args: ["it's", "--results", "/data/$runs", ""] }, places),
    "deno run -q -P=verify '--allow-read=/opt/rank lab,/data/$runs,/data/glue' '--allow-write=/data/$runs' '/opt/rank lab/src/cli/verify.ts' " +
      "'it'\\''s' --results '/data/$runs' ''",
  );
});

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
