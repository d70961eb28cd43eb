/** The one program: its commands, their names, and completions that shells take. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../src/base/usage_error.ts";
import { completionScript } from "../../src/cli/completions.ts";
import { programCommands } from "../../src/cli/commands.ts";
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
