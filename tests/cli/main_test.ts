/** The one program: its commands, their names, and completions that shells take. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../src/base/input_error.ts";
import { completionScript, programCommands } from "../../src/cli/commands.ts";
import { mayNamePlaces, ranklab } from "../../src/cli/main.ts";

const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));

Deno.test("the program has a command for each task that a user of the package has", async () => {
  const tasks = Object.entries(config.tasks as Readonly<Record<string, string>>)
    .filter(([, line]) => line.includes(" src/cli/main.ts ")).map(([name]) => name);
  const names = (await programCommands()).map(({ command }) => command.name);
  assertEquals([...names].sort(), tasks.sort());
});

Deno.test("an unknown command or shell is refused with the closest known one", async () => {
  await assertRejects(() => ranklab(["sweeep"]), UsageError, 'Did you mean "sweep"?');
  await assertRejects(() => ranklab(["completions", "fish"]), UsageError, '"bash"');
  await assertRejects(() => ranklab(["completions"]), UsageError, "bash or zsh");
});

Deno.test("completions name every command with its options", async () => {
  const commands = (await programCommands()).map(({ command }) => command);
  for (const shell of ["bash", "zsh"] as const) {
    const script = completionScript(shell, "ranklab", commands);
    for (const { name, options } of commands) {
      const line = script.split("\n").find((line) => line.trim().startsWith(`${name})`));
      assert(line !== undefined, name);
      for (const option of options) assertStringIncludes(line, `--${option.name}`);
    }
    // Words in single quotes would end at one.
    assertEquals((script.match(/'/g) ?? []).length % 2, 0, shell);
  }
});

Deno.test("whatever option names a file or a folder makes the program read the arguments", async () => {
  const commands = (await programCommands()).map(({ command }) => command);
  for (const { name, options, places } of commands) {
    const named: string[] = [];
    places?.({
      positional: ["x"],
      text: (option) => (named.push(option), null),
      list: () => [],
      optional: () => [],
      flag: () => false,
    });
    for (const option of named.filter((option) => options.some(({ name }) => name === option))) {
      assert(mayNamePlaces.test(`--${option}`), `${name} --${option}`);
    }
  }
});

/** Whether tests may start the `deno` of the path; `deno.json` allows no other program. */
const canSpawn = Deno.permissions.querySync({ name: "run", command: "deno" }).state === "granted";

/** Lets the program start some code in place of a command, with an input. */
async function startedWith(code: string, input: string) {
  const main = new URL("../../src/cli/main.ts", import.meta.url).href;
  const launcher = `
    const { started } = await import("${main}");
    Deno.exit(await started(["eval", ${JSON.stringify(code)}]));
  `;
  const child = new Deno.Command("deno", {
    args: ["eval", "--node-modules-dir=manual", launcher],
    cwd: new URL("../../", import.meta.url),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code: exitCode, stdout } = await child.output();
  return { exitCode, output: new TextDecoder().decode(stdout) };
}

Deno.test({
  name: canSpawn
    ? "a command has the program's input, and the program its output and exit code, 128 and a signal's number included"
    : "exit codes of the program (left out: deno cannot be started)",
  ignore: !canSpawn || Deno.build.os === "windows",
  fn: async () => {
    const echo =
      `console.log(await new Response(Deno.stdin.readable).text(), "read"); Deno.exit(3);`;
    assertEquals(await startedWith(echo, "typed"), { exitCode: 3, output: "typed read\n" });
    const killed =
      `console.log("killed"); Deno.kill(Deno.pid, "SIGKILL"); await new Promise(() => {});`;
    assertEquals(await startedWith(killed, ""), { exitCode: 137, output: "killed\n" });
  },
});
