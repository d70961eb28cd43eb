/**
 * A process that loads test files once and runs their tests for one change after the other.
 *
 * Its argument is an {@linkcode Asked} as JSON; each answer is a line of JSON after {@linkcode answerMark}.
 *
 * @module
 */
import { switchName } from "./switches.ts";

/** What the process is asked to do. */
export interface Asked {
  readonly tests: readonly string[];
  /** Numbers of changes, each of which is put in force. */
  readonly changes: readonly number[];
  /** Most seconds of tests for one change. */
  readonly limit: number;
}

/**
 * What the process tells: the tests without a change first, then what became of each change. It ends early where a
 * change has left something behind by which a test now fails without any; the rest needs a new process.
 */
export type Answer =
  | { readonly kind: "ready"; readonly seconds: number; readonly failed: readonly string[] }
  | { readonly kind: "tried"; readonly change: number; readonly by: string | null }
  | { readonly kind: "spoiled" };

/** What a line that is an answer begins with. */
export const answerMark = "\u0001answer ";

type Body = (context: unknown) => void | Promise<void>;

interface Registered {
  readonly name: string;
  readonly body: Body;
  seconds: number;
}

/** The name and the body in what `Deno.test` and `step` take. */
function named(given: readonly unknown[]): { readonly name: string; readonly body: Body } | null {
  const options = given.find((one) => typeof one === "object" && one !== null) as
    | { readonly name?: string; readonly ignore?: boolean; readonly fn?: Body }
    | undefined;
  const body = given.find((one) => typeof one === "function") as Body | undefined ?? options?.fn;
  if (body === undefined || options?.ignore === true) return null;
  const name = given.find((one) => typeof one === "string") as string | undefined;
  return { name: name ?? options?.name ?? body.name, body };
}

const context = {
  async step(...given: readonly unknown[]): Promise<boolean> {
    await named(given)?.body(context);
    return true;
  },
};

function say(answer: Answer): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`\n${answerMark}${JSON.stringify(answer)}\n`));
}

function putInForce(change: number): void {
  Object.assign(globalThis, { [switchName]: change });
}

/**
 * Has maps that modules make when they are loaded kept, so that what one change left in them is gone before the next.
 *
 * Those of packages are left alone: onnxruntime's holds the backend that it is given once, when it is first used.
 *
 * @returns What ends the loading, and gives what brings the maps back to where they are then.
 */
function keepMaps(): () => () => void {
  const kept: Map<unknown, unknown>[] = [];
  const Plain = globalThis.Map;
  let isLoading = true;
  globalThis.Map = class<K, V> extends Plain<K, V> {
    constructor(entries?: Iterable<readonly [K, V]> | null) {
      super(entries);
      const madeIn = new Error().stack?.split("\n")[2] ?? "";
      if (isLoading && !madeIn.includes("/node_modules/")) kept.push(this as Map<unknown, unknown>);
    }
  } as MapConstructor;
  return () => {
    isLoading = false;
    const contents = kept.map((map) => [...map]);
    return () => {
      for (const [i, map] of kept.entries()) {
        map.clear();
        for (const [key, value] of contents[i]!) map.set(key, value);
      }
    };
  };
}

async function passes(test: Registered): Promise<boolean> {
  try {
    await test.body(context);
    return true;
  } catch {
    return false;
  }
}

async function main({ tests, changes, limit }: Asked): Promise<void> {
  const registered: Registered[] = [];
  const register = (...given: readonly unknown[]) => {
    const own = named(given);
    if (own !== null) registered.push({ ...own, seconds: 0 });
  };
  Object.defineProperty(Deno, "test", { value: register });
  globalThis.addEventListener("unhandledrejection", (event) => event.preventDefault());
  putInForce(-1);
  const endLoading = keepMaps();
  for (const path of tests) await import(`file://${Deno.cwd()}/${path}`);
  const emptyMaps = endLoading();
  const failed = new Set<Registered>();
  // A test that passes only once would seem to notice every change.
  for (const _time of ["first", "second"]) {
    emptyMaps();
    for (const test of registered) {
      const started = performance.now();
      if (!await passes(test)) failed.add(test);
      test.seconds = (performance.now() - started) / 1000;
    }
  }
  const asked = registered.filter((test) => !failed.has(test))
    .sort((a, b) => a.seconds - b.seconds);
  const seconds = asked.reduce((sum, test) => sum + test.seconds, 0);
  say({ kind: "ready", seconds, failed: [...failed].map(({ name }) => name) });
  for (const [i, change] of changes.entries()) {
    emptyMaps();
    putInForce(change);
    let by: Registered | null = null;
    let left = limit;
    for (const test of [...asked]) {
      left -= test.seconds;
      if (left < 0) break;
      if (await passes(test)) continue;
      by = test;
      // The next change is near this one, and so is what notices it.
      asked.splice(asked.indexOf(test), 1);
      asked.unshift(test);
      break;
    }
    putInForce(-1);
    emptyMaps();
    const isSpoiled = by !== null && !await passes(by);
    // Only the first change of a process is sure to be what made the test fail.
    if (!isSpoiled || i === 0) say({ kind: "tried", change, by: by?.name ?? null });
    if (isSpoiled) {
      say({ kind: "spoiled" });
      break;
    }
  }
  Deno.exit(0);
}

if (import.meta.main) await main(JSON.parse(Deno.args[0]!) as Asked);
