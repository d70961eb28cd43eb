import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
  fail,
} from "@std/assert";

/** The message of the failure of `check`; made without the assertions under test. */
function failureOf(check: () => void): string {
  try {
    check();
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
    throw error;
  }
  throw new Error(`Expected a failed assertion from ${check}`);
}

function expectText(text: string, ...parts: string[]): void {
  for (const part of parts) {
    if (!text.includes(part)) throw new Error(`Expected "${part}" in:\n${text}`);
  }
}

Deno.test("equal tells equal values from others", () => {
  class Point {
    constructor(readonly x: number) {}
  }
  const loopA: { self?: unknown } = {}, loopB: { self?: unknown } = {};
  loopA.self = loopA;
  loopB.self = loopB;
  const same: [unknown, unknown][] = [
    [NaN, NaN],
    [0, -0],
    [[1, [2]], [1, [2]]],
    [{ a: 1, b: undefined }, { b: undefined, a: 1 }],
    [new Set([1, 2]), new Set([2, 1])],
    [new Set([{ a: 1 }, { a: 2 }]), new Set([{ a: 2 }, { a: 1 }])],
    [new Map([["k", [1]]]), new Map([["k", [1]]])],
    [new Date(5), new Date(5)],
    [/a/g, /a/g],
    [Float64Array.of(1, NaN), Float64Array.of(1, NaN)],
    [new Point(1), new Point(1)],
    [loopA, loopB],
  ];
  const different: [unknown, unknown][] = [
    [1, "1"],
    [null, undefined],
    [[1, 2], [1, 2, 3]],
    [[undefined], []],
    [{ a: undefined }, {}],
    [{ a: undefined }, { b: undefined }],
    [new Set([1]), new Set([2])],
    [new Set([{ a: 1 }, { a: 1 }]), new Set([{ a: 1 }, { a: 2 }])],
    [new Map([["k", 1]]), new Map([["k", 2]])],
    [new Date(5), new Date(6)],
    [/a/g, /a/i],
    [Float64Array.of(1), Float32Array.of(1)],
    [Float64Array.of(1), Float64Array.of(2)],
    [new Point(1), { x: 1 }],
    [[], {}],
  ];
  for (const [a, b] of same) {
    if (!equal(a, b)) throw new Error(`not equal: ${Deno.inspect([a, b])}`);
  }
  for (const [a, b] of different) {
    if (equal(a, b) || equal(b, a)) throw new Error(`equal: ${Deno.inspect([a, b])}`);
  }
});

Deno.test("passing assertions return and narrow", () => {
  assert(1);
  assertFalse("");
  assertEquals({ a: [1] }, { a: [1] });
  assertNotEquals(1, 2);
  assertStrictEquals("a", "a");
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(1, 1.05, 0.1);
  assertAlmostEquals(Infinity, Infinity);
  assertMatch("abc", /b/);
  assertStringIncludes("abc", "bc");
  assertGreater(2, 1);
  assertGreaterOrEqual(2, 2);
  assertLess(1, 2);
  assertLessOrEqual(2, 2);
  assertArrayIncludes([1, { a: 2 }], [{ a: 2 }]);
  assertObjectMatch({ a: { b: 1, c: 2 }, d: [{ e: 1, f: 2 }] }, { a: { b: 1 }, d: [{ e: 1 }] });
  const maybe: string | undefined = ["x"].at(0);
  assertExists(maybe);
  const length: number = maybe.length;
  const thing: unknown = new Date(length);
  assertInstanceOf(thing, Date);
  assertEquals(thing.getTime(), 1);
});

Deno.test("failing assertions show both values", () => {
  expectText(failureOf(() => assertEquals([1, 2, 3], [1, 5, 3], "why")), "why", "-   2", "+   5");
  expectText(failureOf(() => assertNotEquals("a", "a")), '"a"');
  expectText(
    failureOf(() => assertStrictEquals({ a: 1 }, { a: 1 })),
    "not reference-equal",
    "a: 1",
  );
  expectText(failureOf(() => assertStrictEquals(0, -0)), "- 0", "+ -0");
  expectText(failureOf(() => assertAlmostEquals(1, 2, 0.5, "near")), '"1"', '"2"', "5e-1", "near");
  expectText(failureOf(() => assertAlmostEquals(NaN, 1)), "NaN");
  expectText(failureOf(() => assertExists(null)), "null");
  expectText(failureOf(() => assertInstanceOf([], Map)), "Map", "Array");
  expectText(failureOf(() => assertMatch("abc", /z/)), "abc", "/z/");
  expectText(failureOf(() => assertStringIncludes("abc", "z")), "abc", '"z"');
  expectText(failureOf(() => assertGreater(1, 1)), "1 > 1");
  expectText(failureOf(() => assertGreaterOrEqual(0, 1)), "0 >= 1");
  expectText(failureOf(() => assertLess(1, 1)), "1 < 1");
  expectText(failureOf(() => assertLessOrEqual(2, 1)), "2 <= 1");
  expectText(failureOf(() => assertArrayIncludes([1, 2], [2, 3])), "missing: [\n  3,");
  expectText(failureOf(() => assertObjectMatch({ a: { b: 1 } }, { a: { b: 2 } })), "b: 1", "b: 2");
  expectText(failureOf(() => assertObjectMatch({ a: 1 }, { a: 1, z: 2 })), "+   z: 2");
  expectText(failureOf(() => assert(0, "zero")), "zero");
  expectText(failureOf(() => assertFalse(1, "one")), "one");
  expectText(failureOf(() => fail("stop")), "Failed assertion: stop");
});

Deno.test("assertThrows returns the error and checks class and message", () => {
  const boom = () => {
    throw new RangeError("too big");
  };
  const error: RangeError = assertThrows(boom, RangeError, "big");
  assertEquals(error.message, "too big");
  assertInstanceOf(assertThrows(boom), RangeError);
  assertThrows(boom, Error);
  expectText(
    failureOf(() => assertThrows(boom, TypeError)),
    '"TypeError"',
    '"RangeError"',
    "too big",
  );
  expectText(failureOf(() => assertThrows(boom, RangeError, "small")), "small", "too big");
  expectText(
    failureOf(() => assertThrows(() => 1, "no throw")),
    "Expected function to throw: no throw",
  );
  expectText(
    failureOf(() =>
      assertThrows(() => {
        throw "text";
      }, Error)
    ),
    "non-Error",
    "text",
  );
});

Deno.test("assertRejects resolves to the error and checks class and message", async () => {
  const boom = () => Promise.reject(new TypeError("wrong kind"));
  const error: TypeError = await assertRejects(boom, TypeError, "kind");
  assertEquals(error.message, "wrong kind");
  assertInstanceOf(await assertRejects(boom), TypeError);
  const failures: [() => Promise<unknown>, string][] = [
    [() => assertRejects(boom, RangeError), '"RangeError"'],
    [() => assertRejects(boom, TypeError, "size"), "size"],
    [() => assertRejects(() => Promise.resolve(1)), "Expected function to reject."],
    [
      () =>
        assertRejects(() => {
          throw new Error("early");
        }),
      "Function throws when expected to reject",
    ],
  ];
  for (const [check, part] of failures) {
    const failure: unknown = await check().then(() => undefined, (reason: unknown) => reason);
    assertInstanceOf(failure, AssertionError);
    expectText(failure.message, part);
  }
});
