/**
 * Where the packages that ranklab imports lie on this machine.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };

/**
 * The folder of a package, or null where Deno does not say: in an installed ranklab without a `node_modules`.
 *
 * @param name As `deno.json` imports it.
 */
export function packageFolder(name: keyof typeof config.imports): string | null {
  const url = import.meta.resolve(config.imports[name]);
  if (!url.startsWith("file:")) return null;
  const path = fileURLToPath(url);
  const tail = `/${name}/`;
  return path.slice(0, path.lastIndexOf(tail) + tail.length - 1);
}
