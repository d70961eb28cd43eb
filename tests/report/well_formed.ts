/**
 * A strict check of HTML: the tests' own, since no browser runs in them.
 *
 * @module
 */

const voidElements = new Set(["meta", "br", "hr", "img", "link", "input"]);
const entity = /&(?!(?:amp|lt|gt|quot|nbsp|#\d+|#x[0-9a-f]+);)/i;

/** Throws at the first tag that does not nest, attribute that is not quoted, or character that is not escaped. */
export function assertWellFormed(text: string): void {
  const open: string[] = [];
  const ids = new Set<string>();
  const tag = /<(\/?)([a-zA-Z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/y;
  let at = text.startsWith("<!doctype html>") ? "<!doctype html>".length : 0;
  while (at < text.length) {
    const next = text.indexOf("<", at);
    const words = text.slice(at, next < 0 ? undefined : next);
    const isStyle = open.at(-1) === "style";
    if (!isStyle && (entity.test(words) || words.includes(">"))) {
      throw new Error(`Unescaped text ${JSON.stringify(words.slice(0, 80))}`);
    }
    if (next < 0) break;
    tag.lastIndex = next;
    const match = tag.exec(text);
    if (match === null) throw new Error(`No tag at ${JSON.stringify(text.slice(next, next + 80))}`);
    const [whole, isClosing, name = "", attributes = "", isEmpty] = match;
    if (entity.test(attributes)) throw new Error(`Unescaped attribute in ${whole}`);
    const id = /\sid="([^"]*)"/.exec(attributes)?.[1];
    if (id !== undefined) {
      if (ids.has(id)) throw new Error(`Two elements have the id "${id}"`);
      ids.add(id);
    }
    if (isClosing === "/") {
      const last = open.pop();
      if (last !== name) throw new Error(`</${name}> closes <${last}>`);
    } else if (isEmpty !== "/" && !voidElements.has(name)) open.push(name);
    at = next + whole.length;
  }
  if (open.length > 0) throw new Error(`Never closed: ${open.join(", ")}`);
}
