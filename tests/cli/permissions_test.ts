/** What commands and the studies that they run may do: the sets of `deno.json`, and studies that try more in processes of their own. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { planApart } from "../../src/cli/plan.ts";
import { commandSets, permissionFlags, withPlaces } from "../../src/cli/permissions.ts";
import { add, encodeProgram, input, makeProgram } from "../../src/graph/mod.ts";
import { readStudyData, readStudyFile } from "../../src/runs/plan/study_file.ts";
import { ownFiles, studyText, withOwnStudy } from "../runs/own_study.ts";
import { tinyModel } from "../runs/tiny_study.ts";

const root = new URL("../../", import.meta.url);
const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
const page = await Deno.readTextFile(new URL("docs/trust.md", root));

const runtimeFolder = `node_modules/.deno/onnxruntime-node@${
  /@([^@]+)$/.exec(config.imports["onnxruntime-node"])![1]
}`;

Deno.test("no command reads beyond its folder, loads another library than the runtime, or has the network and the token where it does not fetch", () => {
  for (const [name, set] of Object.entries(commandSets)) {
    assertEquals(set.read, ["."], name);
    if (set.ffi !== undefined) assertEquals(set.ffi, [runtimeFolder], name);
    const isFetching = name === "models" || name === "data";
    assertEquals(set.net !== undefined, isFetching, name);
    assertEquals((set.env ?? []).includes("HF_TOKEN"), name === "models", name);
    assert(!Object.hasOwn(set, "run"), name);
    assertEquals(set.import, false, name);
    // Leases name their host.
    const isLeasing = ["sweep", "tune", "ablate", "verify"].includes(name);
    assertEquals(set.sys, isLeasing ? ["hostname"] : undefined, name);
  }
  assertEquals(Object.keys(commandSets["plan"]!).sort(), ["env", "import", "read"]);
  assertEquals(config.test.permissions.ffi, [runtimeFolder]);
  assertEquals(config.permissions.bench.ffi, [runtimeFolder]);
});

/** A row of the page's table of permissions. */
function rowOf(name: string, set: (typeof commandSets)[string]): readonly string[] {
  const listed = (list: readonly string[] | undefined) =>
    list === undefined ? "-" : list.map((one) => `\`${one}\``).join(", ");
  return [
    `\`${name}\``,
    listed(set.write),
    set.ffi === undefined ? "-" : "yes",
    listed(set.env),
    listed(set.net),
    listed(set.sys),
  ];
}

Deno.test("the page about trust has the permissions of every command", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| `")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
  for (const [name, set] of Object.entries(commandSets)) {
    const row = rowOf(name, set);
    const found = rows.find(([first, ...others]) =>
      first === row[0] && others.length === row.length - 1
    );
    assertEquals(found, row);
  }
});

Deno.test("permissionFlags gives the runtime's folder where it is on this machine, and no flag for what a command has not", () => {
  const runtime = {
    native: "node_modules/onnxruntime-node",
    wasm: "/elsewhere/onnxruntime-web",
  };
  const set = {
    read: ["."],
    write: ["results"],
    ffi: ["x"],
    env: ["A", "B"],
    net: ["h"],
    sys: ["s"],
  };
  assertEquals(permissionFlags(set, { home: ".", runtime }), [
    "--allow-read=.,/elsewhere/onnxruntime-web",
    "--allow-write=results",
    "--allow-ffi=node_modules/onnxruntime-node",
    "--allow-env=A,B",
    "--allow-net=h",
    "--allow-sys=s",
  ]);
  const unknown = { home: null, runtime: { native: null, wasm: null } };
  assertEquals(permissionFlags({ read: ["."], ffi: ["x"] }, unknown), [
    "--allow-read=.",
    "--allow-ffi",
  ]);
  assertEquals(permissionFlags({ read: ["."] }, { home: null, runtime }), ["--allow-read=."]);
  // Where ranklab is from a registry, its own files are fetched from there and kept.
  const installed = { home: null, host: "registry.example", runtime };
  assertEquals(permissionFlags({ read: ["."], write: ["results"] }, installed), [
    "--allow-read=.",
    "--allow-write=results,.cache/ranklab",
    "--allow-net=registry.example",
  ]);
});

/** A study module that tries to write a file, and otherwise is a study. */
const writing = `${studyText}
try {
  Deno.writeTextFileSync(new URL("written.txt", import.meta.url), "");
} catch {
  // Refused.
}
`;

Deno.test("a study that is only read can read, and do nothing else", async () => {
  const files = { ...ownFiles, "study.ts": `${writing}` };
  await withOwnStudy(async (home) => {
    const path = `${home}/study.ts`;
    const options = { data: null, model: tinyModel, results: `${home}/results` };
    const written = () => Deno.stat(`${home}/written.txt`);
    assertMatch(await planApart(path, options), /Moves +own +rank 2/);
    await assertRejects(written, Deno.errors.NotFound);
    assertEquals((await readStudyData(path)).study.name, "with-own");
    await assertRejects(written, Deno.errors.NotFound);
    // Where it is loaded to be run, it has what the process has.
    await readStudyFile(path);
    assert((await written()).isFile);
  }, files);
});

Deno.test("errors of a study that is only read arrive as they were thrown", async () => {
  const options = { data: null, model: null, results: "results" };
  const error = await assertRejects(() => planApart("quickstrat", options), Error);
  assertEquals(error.name, "UsageError");
  assertStringIncludes(error.message, 'Did you mean "quickstart"?');
  const hub = "hub:someone/something@main";
  await withOwnStudy(async (home) => {
    const asked = { ...options, model: hub };
    const error = await assertRejects(() => planApart(`${home}/study.ts`, asked), Error);
    assertEquals(error.name, "StudyError");
    assertStringIncludes(error.message, `run deno task models fetch ${hub} first`);
    assertStringIncludes(error.stack ?? "", "plan_thread.ts");
  });
});

Deno.test("a study that ends the thread that reads it is an error, not a wait", async () => {
  const options = { data: null, model: null, results: "results" };
  const cases = [
    ["Deno.exit(0)", "reads", readStudyData],
    ["self.close()", "plans", (path: string) => planApart(path, options)],
  ] as const;
  for (const [end, does, read] of cases) {
    const files = { "study.ts": `${end};\nawait new Promise(() => {});\n${studyText}` };
    await withOwnStudy(async (home) => {
      const path = `${home}/study.ts`;
      const said = `The thread that ${does} "${path}" gives no answer: it ended by itself`;
      await assertRejects(() => read(path), Error, said);
    }, files);
  }
});

/** Whether tests may start the \`deno\` of the path; \`deno.json\` allows no other program. */
const canSpawn = Deno.permissions.querySync({ name: "run", command: "deno" }).state === "granted";

const program = ["run", "-q", "-P=ranklab", "src/cli/main.ts"];

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    // Packages are there; to look whether they are takes long in every thread.
    args: [args[0]!, "--node-modules-dir=manual", ...args.slice(1)],
    cwd: root,
    stdin: "null",
    env: { HF_TOKEN: "hf_secret", NO_COLOR: "1", ...env },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Runs Deno itself: what stands for it on the path may be a program that reads the registry's variables too. */
async function runReal(args: readonly string[], env: Readonly<Record<string, string>>) {
  const options = { args, env, stdin: "null", stdout: "inherit", stderr: "inherit" };
  const code = `
    const command = new Deno.Command(Deno.execPath(), ${JSON.stringify(options)});
    Deno.exit((await command.output()).code);
  `;
  return await run(["eval", code]);
}

/** Tries what a hostile study would, on loading and again when its method is asked for; what it could do is in `did.json`. */
const hostile = `
const did = [];
const attempt = (name, work) => {
  try {
    work();
    did.push(name);
  } catch {
    // Refused.
  }
};
const getpid = { getpid: { parameters: [], result: "i32" } };
const library = (url) => Deno.dlopen(new URL(url), getpid).symbols.getpid();
const { platform, arch } = { platform: Deno.build.os, arch: Deno.build.arch };
const runtime = import.meta.resolve("onnxruntime-node").replace(/dist\\/index\\.js$/, "bin/napi-v6/") +
  (platform === "linux" ? "linux/" + (arch === "x86_64" ? "x64" : "arm64") + "/libonnxruntime.so.1" : "none");
const tryAll = (when) => {
  attempt(when + " libc", () => Deno.dlopen("libc.so.6", getpid).symbols.getpid());
  attempt(when + " libc through the runtime", () => library(runtime));
  attempt(when + " token", () => Deno.env.get("HF_TOKEN"));
  attempt(when + " read", () => Deno.readTextFileSync("/etc/passwd"));
  attempt(when + " write", () => Deno.writeTextFileSync(new URL("x.txt", import.meta.url), ""));
  attempt(when + " program", () => new Deno.Command("true").outputSync());
  attempt(when + " network", () => Deno.listen({ port: 0, hostname: "127.0.0.1" }).close());
  attempt(when + " thread", () => {
    // A thread has what the process has, and no more.
    const thread = new Worker("data:application/javascript,postMessage(0)", {
      type: "module",
      deno: { permissions: { ffi: [runtime.replace("file://", "")] } },
    });
    thread.terminate();
  });
};
tryAll("loaded");
// The runtimes' own functions, which ask nobody: a file is written as a model that was made fast, and read as one's numbers.
const made = new URL("made.onnx", import.meta.url);
const there = (url) => {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
};
const model = Uint8Array.fromBase64("MODEL");
for (const name of ["onnxruntime-node", "onnxruntime-web"]) {
  try {
    const { InferenceSession } = await import(name);
    const options = { optimizedModelFilePath: made.pathname, enableProfiling: true, profileFilePrefix: made.pathname };
    await (await InferenceSession.create(model, options)).release();
    if (name === "onnxruntime-node") did.push(name);
  } catch {
    // Refused.
  }
  if (there(made)) did.push(name + " wrote");
}
console.log("did " + JSON.stringify(did));
`;

/** A small model. */
const x = input("x", [2]);
const doubled = makeProgram({ y: add(x, x) });

Deno.test({
  name: canSpawn
    ? "a hostile study that is swept reaches no library, program, network, token or file of others, and its own method computes in two threads"
    : "a hostile study that is swept (left out: deno cannot be started)",
  ignore: !canSpawn,
  fn: async () => {
    const oneSeed = studyText.replace('"seeds":[1,2]', '"seeds":[1]');
    const code = hostile.replace("MODEL", encodeProgram(doubled).bytes.toBase64());
    const files = { ...ownFiles, "study.ts": `// @ts-nocheck\n${code}\n${oneSeed}` };
    await withOwnStudy(async (home) => {
      const given = [`${home}/study.ts`, "--results", `${home}/results`, "--model", tinyModel];
      const args = [...given, "--device", "cpu", "--jobs", "2", "--no-report"];
      const swept = await run([...program, "sweep", ...args]);
      assertEquals(swept.code, 0, swept.stderr);
      assertStringIncludes(swept.stdout, "2 finished, 0 failed");
      assertStringIncludes(swept.stdout, "2 at a time");
      // Once in the process, once in each of its two threads.
      const said = swept.stdout.split("\n").filter((line) => line.startsWith("did "));
      assertEquals(said, ["did []", "did []", "did []"]);

      const results = `${home}/results/with-own`;
      // What the results name is not what the person named.
      const unread = await run([...program, "verify", results]);
      assertEquals(unread.code, 2, unread.stderr);
      assertStringIncludes(
        unread.stderr,
        "may not read. If you know that file, give it as --trust=FILE",
      );
      const refused = await run([...program, "verify", results, "--data", home]);
      assertEquals(refused.code, 2, refused.stderr);
      assertStringIncludes(refused.stderr, 'study.ts" (SHA-256 ');
      assertEquals(refused.stdout, "");
      const trusted = `--trust=${home}/study.ts`;
      const sample = ["--sample", "1", "--no-report"];
      const verified = await run([...program, "verify", results, trusted, ...sample]);
      assertEquals(verified.code, 0, verified.stderr);
      assertStringIncludes(verified.stderr, 'Runs "');
    }, files);
  },
});

Deno.test("withPlaces adds what is named to a set and nothing else, and a comma stays one of a name", () => {
  const set = { read: ["."], write: ["results"], env: ["A"] };
  const read = { path: "/data/a,b", option: "--data" };
  const written = { path: "/runs", option: "--results", isWritten: true };
  assertEquals(withPlaces({ read: ["."] }, [read]), { read: [".", "/data/a,b"] });
  const wider = withPlaces(set, [read, written]);
  assertEquals(wider, {
    read: [".", "/data/a,b", "/runs"],
    write: ["results", "/runs"],
    env: ["A"],
  });
  const runtime = { native: null, wasm: null };
  assertEquals(permissionFlags(wider, { home: ".", runtime }), [
    "--allow-read=.,/data/a,,b,/runs",
    "--allow-write=results,/runs",
    "--allow-env=A",
  ]);
});

Deno.test({
  name: canSpawn
    ? "a study that imports by http, jsr or npm sends no request under plan and sweep"
    : "a study that imports (left out: deno cannot be started)",
  ignore: !canSpawn,
  fn: async () => {
    const asked: string[] = [];
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url }) => {
      asked.push(new URL(url).pathname);
      return new Response(null, { status: 404 });
    });
    const host = `http://127.0.0.1:${server.addr.port}`;
    const importing = (...names: readonly string[]) => `
for (const name of ${JSON.stringify(names)}) {
  try {
    await import(name);
  } catch {
    // Refused.
  }
}
`;
    const names = [`${host}/x.ts?leak=1`, "jsr:@leaked/name@1", "npm:leakedname@1"];
    const files = {
      ...ownFiles,
      "study.ts": `// @ts-nocheck\n${importing(...names)}\n${studyText}`,
      "plain.ts": importing(...names),
    };
    const env = { JSR_URL: `${host}/jsr/`, NPM_CONFIG_REGISTRY: `${host}/npm/` };
    const leaked = () => asked.splice(0).filter((path) => /leak|x\.ts/.test(path));
    try {
      await withOwnStudy(async (home) => {
        // The server sees what a module asks for where nothing is denied.
        await runReal(
          ["run", "--allow-import", "--no-config", "--no-lock", `${home}/plain.ts`],
          env,
        );
        assertEquals(leaked().map((path) => path.split("/")[1]), ["x.ts", "jsr", "npm"]);
        const given = [`${home}/study.ts`, "--model", tinyModel, "--results", `${home}/results`];
        const planned = await runReal([...program, "plan", ...given], env);
        assertMatch(planned.stdout, /Moves +own/, planned.stderr);
        assertEquals(leaked(), []);
        const swept = await runReal([...program, "sweep", ...given, "--no-report"], env);
        assertStringIncludes(swept.stdout, "finished, 0 failed", swept.stderr);
        assertEquals(leaked(), []);
      }, files);
    } finally {
      await server.shutdown();
    }
  },
});

Deno.test({
  name: canSpawn
    ? "a JSON study elsewhere reads the files that its tasks name"
    : "files of tasks (left out: deno cannot be started)",
  ignore: !canSpawn,
  fn: async () => {
    const [home, data] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
    try {
      const rows = Array.from({ length: 8 }, (_, i) => `text ${i}\t${i % 2}`);
      const text = ["text\tlabel", ...rows, ""].join("\n");
      await Deno.writeTextFile(`${data}/train.tsv`, text);
      await Deno.writeTextFile(`${home}/dev.tsv`, text);
      const study = {
        name: "absolute",
        userTasks: [{
          name: "Own",
          files: { train: `${data}/train.tsv`, dev: "dev.tsv" },
          columns: { text: "text", label: "label" },
          labels: ["0", "1"],
        }],
        axes: { tasks: ["Own"], methods: ["lora"], budgets: [1], seeds: [1] },
      };
      await Deno.writeTextFile(`${home}/absolute.json`, JSON.stringify(study));
      const planned = await run([...program, "plan", `${home}/absolute.json`]);
      assertMatch(planned.stdout, /Own +lora/, planned.stderr);
    } finally {
      await Deno.remove(home, { recursive: true });
      await Deno.remove(data, { recursive: true });
    }
  },
});
