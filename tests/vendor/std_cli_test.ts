import { assertEquals } from "@std/assert";
import { parseArgs } from "@std/cli";
import { parseArgs as sameParseArgs } from "@std/cli/parse-args";

Deno.test("parseArgs reads flags, values and the rest", () => {
  const cases: [string[], Record<string, unknown>][] = [
    [[], { _: [] }],
    [["a", "7", "0x10"], { _: ["a", 7, 16] }],
    [["--x", "1", "--y=two", "--z"], { _: [], x: 1, y: "two", z: true }],
    [["--x=-1", "--y", "-1"], { _: [], x: -1, y: true, 1: true }],
    [["--x=a=b"], { _: [], x: "a=b" }],
    [["-n5", "-o", "file", "-abc"], { _: [], n: 5, o: "file", a: true, b: true, c: true }],
    [["-n", "-3"], { _: [], n: true, 3: true }],
    [["-k=v"], { _: [], k: "v" }],
    [["--a.b", "1", "--a.c=2"], { _: [], a: { b: 1, c: 2 } }],
    [["--no-x"], { _: [], "no-x": true }],
    [["--x", "1", "--", "--y", "2"], { _: ["--y", "2"], x: 1 }],
    [["--x", "true", "y"], { _: ["y"], x: "true" }],
    [["-"], { _: ["-"] }],
  ];
  for (const [args, wanted] of cases) {
    assertEquals<unknown>(parseArgs(args), wanted, args.join(" "));
  }
});

Deno.test("parseArgs gives every option the published meaning and a precise type", () => {
  const args = sameParseArgs(
    ["run", "--quiet", "5", "--seed", "007", "-t", "cola", "--t", "rte", "--no-color", "--", "x"],
    {
      boolean: ["quiet", "help", "color"],
      string: ["seed", "task", "out", "model"],
      alias: { task: "t", help: ["h"] },
      collect: ["task"],
      negatable: ["color"],
      default: { color: true, out: "results" },
      "--": true,
    },
  );
  const quiet: boolean = args.quiet;
  const help: boolean = args.h;
  const color: boolean = args.color;
  const seed: string | undefined = args.seed;
  const out: string = args.out;
  const tasks: string[] = args.task;
  const short: string[] = args.t;
  const after: string[] = args["--"];
  // @ts-expect-error: a string without default may be absent
  const model: string = args.model;
  assertEquals(
    { quiet, help, color, seed, out, tasks, short, after, model: model as unknown, rest: args._ },
    {
      quiet: true,
      help: false,
      color: false,
      seed: "007",
      out: "results",
      tasks: ["cola", "rte"],
      short: ["cola", "rte"],
      after: ["x"],
      model: undefined,
      rest: ["run", 5],
    },
  );
});

Deno.test("parseArgs takes true or false after a boolean and fills empty collections", () => {
  const args = parseArgs(["--a", "false", "--b=false", "x"], {
    boolean: ["a", "b"],
    string: ["c"],
    collect: ["c"],
  });
  assertEquals<unknown>(args, { _: ["x"], a: false, b: false, c: [] });
  assertEquals<unknown>(parseArgs(["--a", "x"], { boolean: true }), { _: ["x"], a: true });
  assertEquals<unknown>(parseArgs(["--s"], { string: "s" }), { _: [], s: "" });
});

Deno.test("parseArgs stops early and reports unknown arguments", () => {
  assertEquals<unknown>(parseArgs(["-v", "--", "x"], { stopEarly: true }), { _: ["x"], v: true });
  assertEquals<unknown>(parseArgs(["--v=1", "run", "--w"], { stopEarly: true }), {
    _: ["run", "--w"],
    v: 1,
  });
  const seen: unknown[] = [];
  const args = parseArgs(["--known=1", "--other=2", "file", "--__proto__=x"], {
    string: ["known"],
    unknown: (arg, key, value) => {
      seen.push([arg, key, value]);
      return key === "__proto__";
    },
  });
  assertEquals(seen, [
    ["--other=2", "other", "2"],
    ["file", undefined, undefined],
    ["--__proto__=x", "__proto__", "x"],
  ]);
  assertEquals(Object.keys(args), ["_", "known", "__proto__"]);
  assertEquals(Object.getPrototypeOf(args), Object.prototype);
});
