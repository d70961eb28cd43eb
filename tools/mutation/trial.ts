/**
 * Trying mutants: a copy of the checkout in which one file at a time is changed and tests are run.
 *
 * @module
 */
import { inParts, type TimedTest } from "./affected.ts";
import { type Mutant, mutated } from "./sample.ts";

/** What became of a mutant. */
export type Outcome =
  /** A test failed. */
  | { readonly kind: "caught"; readonly by: string }
  /** A test did not end in time. */
  | { readonly kind: "hung"; readonly by: string }
  /** No test failed, but the compiler refuses it. */
  | { readonly kind: "types"; readonly by: string }
  /** Nothing noticed within the seconds of tests that were allowed. */
  | { readonly kind: "survived"; readonly after: number; readonly left: number }
  /** The line is not there any more. */
  | { readonly kind: "moved" };

/** A mutant with what became of it, as a line of the results. */
export interface Tried {
  readonly mutant: Mutant;
  readonly outcome: Outcome;
  readonly seconds: number;
}

/** How a run of some test files ended. */
interface TestRun {
  readonly state: "passed" | "failed" | "hung";
  readonly output: string;
  readonly seconds: number;
}

/** Seconds of tests that one process runs. */
const partSeconds = 8;

/** Most megabytes that a changed program may take for its objects. */
const heapMegabytes = 3000;

function withoutColours(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}

/** The first test that failed, as Deno tells it, else the first error. */
export function firstFailure(output: string): string {
  const failed = /^(.+?) => \.\/(tests\/\S+?\.ts)/m.exec(output);
  if (failed !== null) return `${failed[2]}: ${failed[1]}`;
  const error = /^error: (.+)$/m.exec(output);
  return error === null ? "no test could be run" : error[1]!;
}

/** A copy of the checkout. */
export class Scratch {
  readonly #root: string;
  readonly #linking: ReadonlySet<string>;

  private constructor(root: string, linking: ReadonlySet<string>) {
    this.#root = root;
    this.#linking = linking;
  }

  /**
   * Copies what tests need of a checkout into a folder inside `home`, which is made.
   *
   * @param linking Test files that make links, which only a process may that may write anywhere.
   */
  static async copyOf(
    checkout: string,
    home: string,
    parts: readonly string[],
    linking: readonly string[],
  ): Promise<Scratch> {
    await Deno.mkdir(home, { recursive: true });
    const root = await Deno.makeTempDir({ dir: await Deno.realPath(home) });
    await Deno.mkdir(`${root}/checkout`);
    await Deno.mkdir(`${root}/own`);
    for (const part of parts) await copy(`${checkout}/${part}`, `${root}/checkout/${part}`);
    return new Scratch(root, new Set(linking));
  }

  get #checkout(): string {
    return `${this.#root}/checkout`;
  }

  async remove(): Promise<void> {
    await Deno.remove(this.#root, { recursive: true });
  }

  #spawn(args: readonly string[], stderr: "piped" | "null"): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      args: [...args],
      cwd: this.#checkout,
      env: { NO_COLOR: "1", TMPDIR: `${this.#root}/own` },
      stdout: "piped",
      stderr,
    }).spawn();
  }

  /** Starts a module of the copy that runs the tests of some files. */
  spawnOver(paths: readonly string[], module: string, argument: string): Deno.ChildProcess {
    return this.#spawn(["run", ...this.#granted(paths), module, argument], "null");
  }

  /** Runs something while a file of the copy has another text. */
  async withText<Value>(
    path: string,
    text: string,
    run: () => Promise<Value>,
  ): Promise<Value> {
    const place = `${this.#checkout}/${path}`;
    const before = await Deno.readTextFile(place);
    await Deno.writeTextFile(place, text);
    try {
      return await run();
    } finally {
      await Deno.writeTextFile(place, before);
    }
  }

  async #deno(args: readonly string[], seconds: number): Promise<TestRun> {
    const started = performance.now();
    const child = this.#spawn(args, "piped");
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, seconds * 1000);
    const { success, stdout, stderr } = await child.output();
    clearTimeout(timer);
    const output = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
    return {
      state: isLate ? "hung" : success ? "passed" : "failed",
      output: withoutColours(output),
      seconds: (performance.now() - started) / 1000,
    };
  }

  /**
   * Runs test files until the first test fails.
   *
   * Changed programs may write into the copy only, but for those few tests that make links.
   */
  async test(paths: readonly string[], seconds: number): Promise<TestRun> {
    return await this.#deno(
      ["test", "--fail-fast", ...this.#granted(paths), ...paths],
      seconds,
    );
  }

  #granted(paths: readonly string[]): readonly string[] {
    return [
      "--no-check",
      "--quiet",
      "--allow-read",
      paths.some((path) => this.#linking.has(path))
        ? "--allow-write"
        : `--allow-write=${this.#root}`,
      "--allow-ffi",
      "--allow-env=XDG_RUNTIME_DIR,HF_HOME",
      "--allow-net=127.0.0.1",
      "--allow-run=deno",
      `--v8-flags=--max-old-space-size=${heapMegabytes}`,
    ];
  }

  /** Tries one mutant; the copy is as before afterwards. */
  async try(
    mutant: Mutant,
    tests: readonly TimedTest[],
    limitSeconds: number,
  ): Promise<Outcome> {
    const text = await Deno.readTextFile(`${this.#checkout}/${mutant.path}`);
    const wrong = mutated(text, mutant);
    if (wrong === null) return { kind: "moved" };
    return await this.withText(
      mutant.path,
      wrong,
      () => this.#outcomeOf(mutant.path, tests, limitSeconds),
    );
  }

  async #outcomeOf(
    path: string,
    tests: readonly TimedTest[],
    limitSeconds: number,
  ): Promise<Outcome> {
    let after = 0;
    let ran = 0;
    for (const part of inParts(tests, partSeconds)) {
      const seconds = part.reduce((sum, test) => sum + test.seconds, 0);
      // A lone first part always runs.
      if (ran > 0 && after + seconds > limitSeconds) break;
      const paths = part.map(({ path }) => path);
      const { state, output } = await this.test(paths, 60 + 15 * seconds);
      if (state === "failed") return { kind: "caught", by: firstFailure(output) };
      if (state === "hung") return { kind: "hung", by: paths.join(" ") };
      after += seconds;
      ran += part.length;
    }
    return await this.#refused(path) ??
      { kind: "survived", after: Math.round(after), left: tests.length - ran };
  }

  /** What the compiler says against a mutant; null if nothing. */
  async typed(mutant: Mutant): Promise<Outcome | null> {
    const text = await Deno.readTextFile(`${this.#checkout}/${mutant.path}`);
    const wrong = mutated(text, mutant);
    if (wrong === null) return { kind: "moved" };
    return await this.withText(mutant.path, wrong, () => this.#refused(mutant.path));
  }

  async #refused(path: string): Promise<Outcome | null> {
    const { state, output } = await this.#deno(["check", "--quiet", path], 600);
    return state === "failed" ? { kind: "types", by: /^TS\d+.*$/m.exec(output)?.[0] ?? "" } : null;
  }
}

async function copy(from: string, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}
