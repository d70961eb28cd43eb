/**
 * Small wrong changes of a source text, each at a place where it makes sense: what mutation testing calls mutants.
 *
 * @module
 */
import { parse } from "@babel/parser";
import type { Node } from "@babel/types";

/** One wrong change of a source text. */
export interface Change {
  /** Kind of change, for instance `boundary`. */
  readonly kind: string;
  /** First character that is replaced, and the one after the last. */
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

/** A change as an operator of the table proposes it; the kind is the table's. */
type Proposal = Omit<Change, "kind">;

/** What a kind of change makes of a node inside another: nothing where it does not apply. */
type Operator = (node: Node, text: string, parent: Node | null) => readonly Proposal[];

const swappedTokens: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  boundary: { "<": "<=", "<=": "<", ">": ">=", ">=": ">" },
  equality: { "===": "!==", "!==": "===" },
  arithmetic: { "+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "**": "*" },
  assignment: { "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=" },
  logic: { "&&": "||", "||": "&&" },
};

/** Methods and functions whose name says which of two things they do. */
const swappedNames: Readonly<Record<string, string>> = {
  min: "max",
  max: "min",
  floor: "ceil",
  ceil: "floor",
  round: "floor",
  some: "every",
  every: "some",
  find: "findLast",
  findLast: "find",
  findIndex: "findLastIndex",
  findLastIndex: "findIndex",
  startsWith: "endsWith",
  endsWith: "startsWith",
  indexOf: "lastIndexOf",
  lastIndexOf: "indexOf",
  push: "unshift",
  unshift: "push",
  shift: "pop",
  pop: "shift",
};

function textOf(node: Node, text: string): string {
  return text.slice(node.start!, node.end!);
}

function replaced(node: Node, replacement: string): readonly Proposal[] {
  return [{ start: node.start!, end: node.end!, replacement }];
}

/** A call of a method, taken apart. */
function methodCall(node: Node) {
  if (node.type !== "CallExpression") return null;
  const { callee, arguments: given } = node;
  if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return null;
  return { object: callee.object, property: callee.property, name: callee.property.name, given };
}

/** Takes a call off what it is called on. */
function withoutCall(node: Node, object: Node): readonly Proposal[] {
  return [{ start: object.end!, end: node.end!, replacement: "" }];
}

/** Whether a sum is one of texts, as far as it can be seen without types. */
function isText(node: Node): boolean {
  if (node.type === "StringLiteral" || node.type === "TemplateLiteral") return true;
  return node.type === "BinaryExpression" && (isText(node.left) || isText(node.right));
}

function swapToken(kind: string): Operator {
  const table = swappedTokens[kind]!;
  return (node, text) => {
    if (
      node.type !== "BinaryExpression" && node.type !== "LogicalExpression" &&
      node.type !== "AssignmentExpression"
    ) return [];
    const other = table[node.operator];
    if (other === undefined || isText(node)) return [];
    const start = text.indexOf(node.operator, node.left.end!);
    return [{ start, end: start + node.operator.length, replacement: other }];
  };
}

/** An element of a list with the comma and the space that belong to it. */
function withoutElement(elements: readonly (Node | null)[], index: number): Proposal {
  const own = elements[index]!;
  const next = elements[index + 1];
  const before = elements[index - 1];
  const isLast = next === undefined || next === null;
  return {
    start: isLast && before ? before.end! : own.start!,
    end: isLast ? own.end! : next.start!,
    replacement: "",
  };
}

/** Whether a statement leaves the function or the turn of the loop, and nothing else. */
function isExit(statement: Node): boolean {
  if (statement.type === "BlockStatement") {
    return statement.body.length === 1 && isExit(statement.body[0]!);
  }
  return ["ReturnStatement", "ContinueStatement", "BreakStatement", "ThrowStatement"]
    .includes(statement.type);
}

/** The kinds of changes, in the order in which tables show them. */
const operators: Readonly<Record<string, Operator>> = {
  boundary: swapToken("boundary"),
  equality: swapToken("equality"),
  arithmetic: swapToken("arithmetic"),
  assignment: swapToken("assignment"),
  logic: swapToken("logic"),
  "condition negated": (node, text) =>
    node.type === "IfStatement" || node.type === "WhileStatement"
      ? replaced(node.test, `!(${textOf(node.test, text)})`)
      : [],
  "branches swapped": (node, text) => {
    if (node.type !== "ConditionalExpression") return [];
    const { consequent, alternate } = node;
    return [{
      start: node.test.end!,
      end: node.end!,
      replacement: `${text.slice(node.test.end!, consequent.start!)}${textOf(alternate, text)} : ${
        textOf(consequent, text)
      }`,
    }];
  },
  "negation dropped": (node, text) =>
    node.type === "UnaryExpression" && (node.operator === "!" || node.operator === "-")
      ? replaced(node, `(${textOf(node.argument, text)})`)
      : [],
  "true and false": (node) =>
    node.type === "BooleanLiteral" ? replaced(node, String(!node.value)) : [],
  "constant by one": (node, text) => {
    if (node.type !== "NumericLiteral" || /[eE.xX]/.test(textOf(node, text))) return [];
    const up = replaced(node, String(node.value + 1));
    return node.value === 0 ? up : [...up, ...replaced(node, String(node.value - 1))];
  },
  "constant doubled": (node, text) =>
    node.type === "NumericLiteral" && /[eE.]/.test(textOf(node, text))
      ? replaced(node, String(node.value * 2))
      : [],
  "default dropped": (node, text) => {
    if (node.type !== "LogicalExpression" || node.operator !== "??") return [];
    const right = replaced(node, `(${textOf(node.right, text)})`);
    // Null and undefined are nearly always alike.
    return node.right.type === "NullLiteral"
      ? right
      : [...right, ...replaced(node, `(${textOf(node.left, text)})!`)];
  },
  "name swapped": (node) => {
    const call = methodCall(node);
    if (call === null || !Object.hasOwn(swappedNames, call.name)) return [];
    return replaced(call.property, swappedNames[call.name]!);
  },
  "other part": (node, text) => {
    const call = methodCall(node);
    if (call === null) return [];
    const { name, property, given } = call;
    const texts = given.map((argument) => textOf(argument, text));
    const [first] = texts;
    const called = (replacement: string): readonly Proposal[] => [{
      start: property.start!,
      end: node.end!,
      replacement,
    }];
    if (name === "at" && first === "-1") return called("at(0)");
    if (!["slice", "subarray"].includes(name) || first === undefined) return [];
    if (texts.length === 2) return first === "0" ? called(`${name}(${texts[1]})`) : [];
    return called(`${name}(0, ${first.startsWith("-") ? first.slice(1) : first})`);
  },
  "order reversed": (node, text) => {
    const call = methodCall(node);
    if (call === null) return [];
    const { name, object, given: [compare] } = call;
    if (name === "reverse" || name === "toReversed") return withoutCall(node, object);
    if (name !== "sort" && name !== "toSorted") return [];
    if (compare?.type !== "ArrowFunctionExpression" || compare.params.length !== 2) {
      return withoutCall(node, object);
    }
    const [a, b] = compare.params as [Node, Node];
    return [{
      start: a.start!,
      end: b.end!,
      replacement: `${textOf(b, text)}, ${textOf(a, text)}`,
    }];
  },
  "filter dropped": (node) => {
    const call = methodCall(node);
    return call?.name === "filter" ? withoutCall(node, call.object) : [];
  },
  "exit dropped": (node) =>
    node.type === "IfStatement" && !node.alternate && isExit(node.consequent)
      ? replaced(node, "")
      : [],
  "statement dropped": (node, _text, parent) => {
    if (node.type !== "ExpressionStatement") return [];
    const { expression } = node;
    const inner = expression.type === "AwaitExpression" ? expression.argument : expression;
    const isEffect = ["CallExpression", "AssignmentExpression", "UpdateExpression"]
      .includes(inner.type);
    return isEffect ? replaced(node, parent?.type === "BlockStatement" ? "" : ";") : [];
  },
  "element dropped": (node) => {
    if (node.type === "ArrayExpression" && node.elements.length > 1) {
      return node.elements.map((_, i) => withoutElement(node.elements, i));
    }
    if (node.type !== "ObjectExpression") return [];
    return node.properties.flatMap((property, i) =>
      property.type === "SpreadElement" ? [withoutElement(node.properties, i)] : []
    );
  },
};

/** The names of the kinds of changes. */
export const kinds: readonly string[] = Object.keys(operators);

/** Expressions with a type beside them; everything else of TypeScript's own is types. */
const typedExpressions = ["TSAsExpression", "TSNonNullExpression", "TSSatisfiesExpression"];

/** Whether nothing below a node is changed: types, imports, and the texts of errors. */
function isLeftAlone(node: Node): boolean {
  return node.type === "ImportDeclaration" || node.type === "ExportAllDeclaration" ||
    node.type === "ThrowStatement" ||
    node.type.startsWith("TS") && !typedExpressions.includes(node.type) ||
    node.type === "NewExpression" && node.callee.type === "Identifier" &&
      node.callee.name.endsWith("Error");
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

/** The nodes right below a node, in no order. */
export function childrenOf(node: Node): readonly Node[] {
  return Object.entries(node).filter(([key]) => !key.endsWith("Comments") && key !== "loc")
    .flatMap(([, value]) =>
      Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []
    );
}

function parsed(text: string): Node {
  return parse(text, { sourceType: "module", plugins: ["typescript"] }).program;
}

/** A change applied to its text. */
export function applied(text: string, { start, end, replacement }: Change): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** Whether a text can be parsed. */
export function isProgram(text: string): boolean {
  try {
    parsed(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** All changes of a text, in the order of their places; a few may leave it no program. */
export function changesOf(text: string): readonly Change[] {
  const found: Change[] = [];
  const visit = (node: Node, parent: Node | null): void => {
    if (isLeftAlone(node)) return;
    for (const [kind, propose] of Object.entries(operators)) {
      for (const proposal of propose(node, text, parent)) found.push({ kind, ...proposal });
    }
    for (const child of childrenOf(node)) visit(child, node);
  };
  visit(parsed(text), null);
  return found.sort((a, b) => a.start - b.start || a.end - b.end);
}
