/** The tool that makes small wrong changes: which it makes, where, and whom it asks about them. */
import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../src/base/random.ts";
import { affectedTests, importGraph, inParts } from "../../tools/mutation/affected.ts";
import { applied, changesOf, isProgram } from "../../tools/mutation/changes.ts";
import { figuresOf, figuresText, shareCaught } from "../../tools/mutation/figures.ts";
import { mutantOf, mutated, sampleOf, sampleRooms } from "../../tools/mutation/sample.ts";
import { answerMark, type Asked } from "../../tools/mutation/switched_tests.ts";
import { switchedText, switchName } from "../../tools/mutation/switches.ts";
import { firstFailure, type Outcome } from "../../tools/mutation/trial.ts";
import { withFolder } from "../with_folder.ts";

/** What becomes of a line of code, by kind of change. */
function changed(code: string): readonly string[] {
  return changesOf(code).map((change) => `${change.kind}: ${applied(code, change).trim()}`);
}

Deno.test("changesOf() makes each kind of change where it makes sense", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["a < b;", ["boundary: a <= b;"]],
    ["a === b;", ["equality: a !== b;"]],
    ["(a) + (b);", ["arithmetic: (a) - (b);"]],
    ["a + ` b`;", []],
    ["a += b * c;", [
      "statement dropped: ;",
      "assignment: a -= b * c;",
      "arithmetic: a += b / c;",
    ]],
    ["a && b;", ["logic: a || b;"]],
    ["!a;", ["negation dropped: (a);"]],
    ["x = a ? b : c;", ["statement dropped: ;", "branches swapped: x = a ? c : b;"]],
    ["x(true);", ["statement dropped: ;", "true and false: x(false);"]],
    ["[n, 5];", [
      "element dropped: [5];",
      "element dropped: [n];",
      "constant by one: [n, 6];",
      "constant by one: [n, 4];",
    ]],
    ["a ?? b;", ["default dropped: (b);", "default dropped: (a)!;"]],
    ["a ?? null;", ["default dropped: (null);"]],
    ["y(Math.min(a, b));", ["statement dropped: ;", "name swapped: y(Math.max(a, b));"]],
    ["y(a.slice(-n));", [
      "statement dropped: ;",
      "other part: y(a.slice(0, n));",
      "negation dropped: y(a.slice((n)));",
    ]],
    ["y(a.sort((p, q) => q));", [
      "statement dropped: ;",
      "order reversed: y(a.sort((q, p) => q));",
    ]],
    ["y(a.filter(f).sort());", [
      "statement dropped: ;",
      "filter dropped: y(a.sort());",
      "order reversed: y(a.filter(f));",
    ]],
    ["({ ...a, b });", ["element dropped: ({ b });"]],
    ["function f() { if (a) return; g(); }", [
      "exit dropped: function f() {  g(); }",
      "condition negated: function f() { if (!(a)) return; g(); }",
      "statement dropped: function f() { if (a) return;  }",
    ]],
  ];
  for (const [code, wanted] of cases) assertEquals(changed(code), wanted, code);
});

Deno.test("changesOf() leaves types, imports and the texts of errors alone", () => {
  const code = `import { a } from "./a.ts";
type Three = 1 | 2 | 3;
interface Whether { readonly is: true }
const b: 5 = c as 6;
throw new RangeError(\`found \${d + 1}\`);
const e = new TypeError(String(d - 1));
`;
  assertEquals(changed(code), []);
  assert(isProgram(code) && !isProgram("const = 5;"));
});

const source = {
  path: "src/graph/a.ts",
  text: "export const a = (x: number) => x < 3;\nexport const b = (x: number) => x > 7 && !x;\n",
};

Deno.test("a sample is drawn by its seed, room by room, without two changes of one place", () => {
  const other = { path: "src/train/b.ts", text: source.text };
  const sample = (seed: number, rooms = ["graph", "train"], count = 3) =>
    sampleRooms([source, other], rooms, count, seed);
  assertEquals(sample(1), sample(1));
  assert(JSON.stringify(sample(1)) !== JSON.stringify(sample(2)));
  assertEquals(sample(1).map(({ path }) => path), [
    ...Array(3).fill(source.path),
    ...Array(3).fill(other.path),
  ]);
  // What is drawn in a room does not depend on the others.
  assertEquals(sample(1, ["train"]), sample(1).slice(3));
  const all = sampleOf([source], 100, RandomStream.fromSeed(1));
  // <, 3, >, 7 (one of two changes each), && and !.
  assertEquals(all.length, 6);
});

Deno.test("a mutant finds its line after the file has changed, and says so where it is gone", () => {
  const change = changesOf(source.text).find(({ kind }) => kind === "logic")!;
  const mutant = mutantOf(source, change);
  assertEquals([mutant.line, mutant.before], [2, "&&"]);
  assertEquals(mutated(source.text, mutant), source.text.replace("&&", "||"));
  const moved = `// A new line.\n${source.text}`;
  assertEquals(mutated(moved, mutant), moved.replace("&&", "||"));
  assertEquals(mutated(source.text.replace("7", "8"), mutant), null);
});

Deno.test("tests are asked in the order in which it pays: of the own room, near and quick ones first", () => {
  const graph = importGraph([
    { path: "src/graph/a.ts", text: "" },
    { path: "src/graph/b.ts", text: 'import { a } from "./a.ts";' },
    { path: "src/cli/c.ts", text: 'new Worker(new URL("../graph/b.ts", import.meta.url));' },
    { path: "tests/graph/far_test.ts", text: 'export * from "../../src/graph/b.ts";' },
    { path: "tests/graph/near_test.ts", text: 'import "../../src/graph/a.ts";' },
    { path: "tests/cli/quick_test.ts", text: 'await import("../../src/graph/a.ts");' },
    { path: "tests/cli/slow_test.ts", text: 'import { a } from "../../src/graph/a.ts";' },
    { path: "tests/cli/worker_test.ts", text: 'import { c } from "../../src/cli/c.ts";' },
    { path: "tests/cli/other_test.ts", text: 'import { d } from "../../src/cli/d.ts";' },
  ]);
  const seconds = {
    "tests/graph/far_test.ts": 1,
    "tests/graph/near_test.ts": 1,
    "tests/cli/quick_test.ts": 1,
    "tests/cli/slow_test.ts": 50,
    "tests/cli/worker_test.ts": 2,
  };
  const found = affectedTests(graph, "src/graph/a.ts", seconds).map(({ path }) => path);
  assertEquals(found, [
    "tests/graph/near_test.ts",
    "tests/graph/far_test.ts",
    "tests/cli/quick_test.ts",
    "tests/cli/worker_test.ts",
    "tests/cli/slow_test.ts",
  ]);
  const tests = [1, 2, 3, 9, 1].map((each, i) => ({ path: `${i}`, seconds: each }));
  assertEquals(inParts(tests, 4).map((part) => part.map(({ path }) => path).join("")), [
    "01",
    "2",
    "3",
    "4",
  ]);
});

Deno.test("firstFailure() names the test that failed, or what kept tests from running", () => {
  const output = ` FAILURES

adds up ... twice => ./tests/graph/sum_test.ts:12:6
takes away => ./tests/graph/sum_test.ts:20:6

error: Test failed`;
  assertEquals(firstFailure(output), "tests/graph/sum_test.ts: adds up ... twice");
  assertEquals(firstFailure("error: Module not found"), "Module not found");
});

Deno.test("figures count what was noticed among the mutants that change something", () => {
  const mutants = sampleOf([source], 6, RandomStream.fromSeed(1));
  const outcomes: readonly Outcome[] = [
    { kind: "caught", by: "a test" },
    { kind: "hung", by: "a test" },
    { kind: "types", by: "TS2322" },
    { kind: "survived", after: 9, left: 0 },
    { kind: "survived", after: 9, left: 0 },
    { kind: "moved" },
  ];
  const tried = mutants.map((mutant, i) => ({ mutant, outcome: outcomes[i]!, seconds: 1 }));
  const { path, lineText, column, change } = mutants[4]!;
  const equivalents = [{
    ...{ path, lineText, column, replacement: change.replacement },
    reason: "the same number",
  }];
  const figures = figuresOf(tried, equivalents);
  assertEquals(figures, { made: 5, byTests: 2, byTypes: 1, equivalent: 1, survived: 1 });
  assertEquals(shareCaught(figures), 75);
  assertEquals(shareCaught({ ...figures, made: 1, equivalent: 1 }), null);
  const [head, , graph] = figuresText(tried, equivalents).split("\n");
  assertEquals(
    head,
    "| room | made | caught by tests | caught by types | equivalent | survived | caught |",
  );
  assertEquals(graph, "| graph | 5 | 2 | 1 | 1 | 1 | 75 % |");
});

Deno.test("switchedText() holds each change in a function, and one is in force at a time", async () => {
  const code = `
    const three = 3;
    export function isBelow(a) {
      const inner = (b) => b < 2;
      return inner(a);
    }
    export const plus = (a) => a + three;
    export class Store {
      last(all) { return all.at(-1); }
    }
  `;
  const changes = changesOf(code);
  const { text, isSwitched } = switchedText(code, changes);
  // The constant of the module is worked out once, when it is loaded.
  assertEquals(
    changes.flatMap(({ kind }, i) => isSwitched[i] ? [] : [kind]),
    ["constant by one", "constant by one"],
  );
  const { isBelow, plus, Store } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  const found = (kind: string, nth = 0) => {
    const all = changes.flatMap((change, i) => change.kind === kind && isSwitched[i] ? [i] : []);
    Object.assign(globalThis, { [switchName]: kind === "" ? -1 : all[nth]! });
    return [isBelow(2), plus(1), new Store().last([7, 8])];
  };
  assertEquals(found(""), [false, 4, 8]);
  assertEquals(found("boundary"), [true, 4, 8]);
  assertEquals(found("constant by one"), [true, 4, 8]);
  assertEquals(found("arithmetic"), [false, -2, 8]);
  assertEquals(found("other part"), [false, 4, 7]);
  assertEquals(found(""), [false, 4, 8]);
});

/** What a process says that tries the changes 1 and 2 of `src/sum.ts`, as {@linkcode switchedText} would leave it. */
async function answersOf(files: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
  return await withFolder(async (folder) => {
    const asked: Asked = { tests: ["sum_test.ts"], changes: [1, 2], limit: 60 };
    const tool = new URL("../../tools/mutation/switched_tests.ts", import.meta.url);
    const { stdout } = await new Deno.Command("deno", {
      args: ["run", "--no-check", "-R", tool.href, JSON.stringify(asked)],
      cwd: folder,
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout).split("\n")
      .filter((line) => line.startsWith(answerMark))
      .map((line) => JSON.parse(line.slice(answerMark.length)))
      .map(({ seconds: _seconds, ...said }) => said);
  }, files);
}

Deno.test("a test is named for a change only if it passes again without one", async () => {
  const source = `export const sum = (a) => globalThis.${switchName} === 2 ? a : a + 1;`;
  const start = `import { sum } from "./sum.js"; const wrong = () => { throw new Error("no"); };`;
  const notices = `Deno.test("notices", () => { if (sum(1) !== 2) wrong(); });`;
  const caught = [
    { kind: "ready", failed: [] },
    { kind: "tried", change: 1, by: null },
    { kind: "tried", change: 2, by: "notices" },
  ];
  // A package is given its backend once, by the test that is first to need it.
  const withPackage =
    `import { backends } from "./node_modules/runtime/mod.js"; let isGiven = false;
    Deno.test("needs it", () => { if (!isGiven) backends.set("cpu", 1); isGiven = true; backends.get("cpu") ?? wrong(); });`;
  assertEquals(
    await answersOf({
      "node_modules/runtime/mod.js": "export const backends = new Map();",
      "sum.js": source,
      "sum_test.ts": start + withPackage + notices,
    }),
    caught,
  );
  // A value of the checkout's own that a change left is forgotten.
  const own = `const known = new Map();
    Deno.test("keeps", () => { if (!known.has(1)) known.set(1, sum(1)); if (known.get(1) !== 2) wrong(); });`;
  const kept = await answersOf({ "sum.js": source, "sum_test.ts": start + own });
  assertEquals(kept.at(-1), { kind: "tried", change: 2, by: "keeps" });
  const once = `let times = 0; Deno.test("once", () => { if (times++ > 0) wrong(); });`;
  assertEquals(await answersOf({ "sum.js": source, "sum_test.ts": start + once + notices }), [
    { kind: "ready", failed: ["once"] },
    ...caught.slice(1),
  ]);
  // What spoils a test for good ends the process, so that later changes are not laid at its door.
  const spoils = `let isSpoiled = false;
    Deno.test("spoilt", () => { isSpoiled ||= globalThis.${switchName} === 1; if (isSpoiled) wrong(); });`;
  assertEquals(await answersOf({ "sum.js": source, "sum_test.ts": start + spoils }), [
    { kind: "ready", failed: [] },
    { kind: "tried", change: 1, by: "spoilt" },
    { kind: "spoiled" },
  ]);
});
