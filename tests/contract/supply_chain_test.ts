/** What of others gets onto a machine: packages that the lock file has, by their hashes, and no script of theirs. */
import { assert, assertEquals } from "@std/assert";

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
const config = JSON.parse(await read("deno.json"));

/** A package of the lock file. */
interface Locked {
  readonly integrity?: string;
  /** Whether it has scripts that run when it is installed. */
  readonly scripts?: boolean;
}

const locked: Readonly<Record<string, Locked>> = JSON.parse(await read("deno.lock")).npm;

/** The name in `name@version` or `name@version_peers`. */
const nameOf = (key: string): string => key.slice(0, key.indexOf("@", 1));

Deno.test("each package is of one version, and the lock file, which is frozen, has its hash", () => {
  assertEquals(config.lock, { path: "deno.lock", frozen: true });
  const specifiers = Object.values(config.imports as Readonly<Record<string, string>>);
  const loose = specifiers.filter((specifier) =>
    !/^npm:(?:@[^/@]+\/)?[^/@]+@\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(specifier)
  );
  // These are links to folders of the repository.
  assertEquals(loose, ["jsr:@std/assert@^1", "jsr:@std/cli@^1"]);
  assertEquals(config.links.length, loose.length);
  assert(Object.keys(locked).length > 100);
  const unhashed = Object.entries(locked).filter(([, { integrity }]) =>
    !/^sha512-[\w+/]+=*$/.test(integrity ?? "")
  );
  assertEquals(unhashed.map(([key]) => key), []);
});

Deno.test("install scripts of packages run nowhere, and each package that has one is named", async () => {
  const withScripts = Object.entries(locked).filter(([, { scripts }]) => scripts === true)
    .map(([key]) => `npm:${nameOf(key)}`);
  assertEquals([...config.allowScripts.deny].sort(), [...new Set(withScripts)].sort());
  assertEquals(Object.keys(config.allowScripts), ["deny"]);
  const lines = [await read(".ci/run"), ...Object.values(config.tasks as Record<string, string>)];
  for (const line of lines) {
    assert(!line.includes("allow-scripts"), line);
    assert(!line.includes("frozen=false"), line);
  }
});

Deno.test("CI installs with the lock file frozen, before anything else of Deno's", async () => {
  const stages = [...(await read(".ci/run")).matchAll(/^stage "\w+" (.*)$/gm)].map(([, line]) =>
    line
  );
  assertEquals(stages[0], "deno install --frozen");
});
