/** How messages quote what they found. */
import { assertEquals } from "@std/assert";
import * as z from "zod";
import { problemsOf, show } from "../../../src/study/check/problems.ts";
import { closed } from "../../../src/study/schema/shapes.ts";

Deno.test("show() quotes a value as JSON, and cuts what is longer than 60 characters", () => {
  assertEquals([show(5), show("a"), show([1, "b"]), show({ c: null })], [
    "5",
    '"a"',
    '[1,"b"]',
    '{"c":null}',
  ]);
  assertEquals([show(NaN), show(undefined), show(-0)], ["NaN", "undefined", "0"]);
  // With its quotes, the first is 60 characters long and the second 61.
  assertEquals(show("x".repeat(58)), `"${"x".repeat(58)}"`);
  assertEquals(show("x".repeat(59)), `"${"x".repeat(56)}...`);
});

Deno.test("a kind that no branch of a union has is told with the kinds that there are, an unknown key of a branch with its keys", () => {
  const schema = z.discriminatedUnion("type", [
    closed({ type: z.literal("fixed") }),
    closed({ type: z.literal("moves"), every: z.number() }),
  ]);
  const messagesOf = (input: unknown) =>
    problemsOf(schema.safeParse(input).error!.issues, input, ["policy"])
      .map(({ where, message }) => `${where}: ${message}`);
  assertEquals(messagesOf({ type: "fixd" }), [
    'policy.type: Unknown type "fixd": known are "fixed", "moves". Did you mean "fixed"?',
  ]);
  assertEquals(messagesOf({ type: 1 }), ['policy.type: found 1, wanted "fixed" or "moves"']);
  assertEquals(messagesOf({}), ['policy.type: missing, wanted "fixed" or "moves"']);
  assertEquals(messagesOf(3), ["policy: found 3, wanted an object"]);
  assertEquals(messagesOf({ type: "moves", every: 2, evry: 1 }), [
    'policy.evry: Unknown key "evry": known are "type", "every". Did you mean "every"?',
  ]);
});
