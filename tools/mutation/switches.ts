/**
 * All changes of a file in one text, of which a number in the running program chooses one: so a process that has loaded
 * the file and its tests once can try them all.
 *
 * @module
 */
import { parse } from "@babel/parser";
import type { Node } from "@babel/types";
import { applied, type Change, childrenOf } from "./changes.ts";

/** The global variable that names the change in force, by its place in the list; -1 for none. */
export const switchName = "changeInForce";

/** A text with switches. */
export interface SwitchedText {
  readonly text: string;
  /** Whether each change lies in a function, so that it can be switched on. */
  readonly isSwitched: readonly boolean[];
}

/** The bodies of functions that lie in no other function. */
function outerBodies(node: Node): readonly Node[] {
  const isFunction = node.type === "FunctionDeclaration" || node.type === "FunctionExpression" ||
    node.type === "ArrowFunctionExpression" || node.type === "ClassMethod" ||
    node.type === "ClassPrivateMethod" || node.type === "ObjectMethod";
  return isFunction ? [node.body] : childrenOf(node).flatMap(outerBodies);
}

/** Puts, in front of each outermost function's body, a copy of it with each change that lies in it. */
export function switchedText(text: string, changes: readonly Change[]): SwitchedText {
  const program = parse(text, { sourceType: "module", plugins: ["typescript"] }).program;
  const bodies = outerBodies(program).toSorted((a, b) => b.start! - a.start!);
  const isSwitched = changes.map(() => false);
  let found = text;
  for (const body of bodies) {
    const [start, end] = [body.start!, body.end!];
    const own = text.slice(start, end);
    const copies = changes.flatMap((change, i) => {
      if (change.start < start || change.end > end) return [];
      isSwitched[i] = true;
      const moved = { ...change, start: change.start - start, end: change.end - start };
      return [{ i, copy: applied(own, moved) }];
    });
    if (copies.length === 0) continue;
    const switched = body.type === "BlockStatement"
      ? `{switch (globalThis.${switchName}) {${
        copies.map(({ i, copy }) => `case ${i}: {${copy} return;}`).join("\n")
      }}\n${own.slice(1)}`
      : copies.reduce(
        (rest, { i, copy }) => `(globalThis.${switchName} === ${i} ? (${copy}) : ${rest})`,
        `(${own})`,
      );
    found = found.slice(0, start) + switched + found.slice(end);
  }
  return { text: found, isSwitched };
}
