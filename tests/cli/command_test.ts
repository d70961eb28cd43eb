/** What every command has in common: its help, its examples, its arguments. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { bench } from "../../bench/mod.ts";
import { columnsOf } from "../../src/base/text_width.ts";
import { ablate } from "../../src/cli/ablate.ts";
import { buildTasks } from "../../tools/pretrain/build_tasks_main.ts";
import { type Command, helpText, readCommand } from "../../src/cli/command.ts";
import { runOptions } from "../../src/cli/command_parts.ts";
import { decide } from "../../src/cli/decide.ts";
import { data } from "../../src/cli/data.ts";
import { exportCommand } from "../../src/cli/export.ts";
import { importCommand } from "../../src/cli/import.ts";
import { models } from "../../src/cli/models.ts";
import { pack } from "../../src/cli/pack.ts";
import { plan } from "../../src/cli/plan.ts";
import { pretrainCommand } from "../../tools/pretrain/main.ts";
import { traces } from "../../tools/traces/main.ts";
import { torture } from "../../tools/torture/main.ts";
import { register } from "../../src/cli/register.ts";
import { report } from "../../src/cli/report.ts";
import { schema } from "../../src/cli/schema.ts";
import { spectra } from "../../src/cli/spectra.ts";
import { sweep } from "../../src/cli/sweep.ts";
import { tune } from "../../src/cli/tune.ts";
import { unpack } from "../../src/cli/unpack.ts";
import { UsageError } from "../../src/base/input_error.ts";
import { verify } from "../../src/cli/verify.ts";
import { mutate } from "../../tools/mutate.ts";
import { fuzz } from "../../tools/torture/fuzz.ts";

const commands: readonly Command[] = [
  ablate,
  bench,
  buildTasks,
  data,
  decide,
  exportCommand,
  importCommand,
  models,
  mutate,
  fuzz,
  pack,
  plan,
  pretrainCommand,
  torture,
  traces,
  register,
  report,
  schema,
  spectra,
  sweep,
  tune,
  unpack,
  verify,
].map(({ command }) => command);

const config = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));

Deno.test("every task that runs a program is a command with a permission set of its name, and prints no warning of Deno's", () => {
  const tasks = Object.entries(config.tasks as Readonly<Record<string, string>>)
    .filter(([, line]) => line.startsWith("deno run "));
  assertEquals(commands.map(({ name }) => name).sort(), tasks.map(([name]) => name).sort());
  for (const [name, line] of tasks) {
    const own = `deno run -q -P=${name} `;
    assert(line.startsWith(own) || line === `deno run -q -P=ranklab src/cli/main.ts ${name}`, line);
    assert(Object.hasOwn(config.permissions, name), name);
  }
});

Deno.test("the task of tests runs threads side by side, with the examples of documents; types are deno task check's", () => {
  const { test, check } = config.tasks as Readonly<Record<"test" | "check", string>>;
  const [install, run, ...more] = test.split(" && ");
  // Where the packages lie is settled once: each worker and process that a test starts would do it again.
  assertEquals([install, more], ["deno install -q --frozen", []]);
  const words = run!.split(" ");
  for (const flag of ["--doc", "--parallel", "--no-check", "--node-modules-dir=manual"]) {
    assert(words.includes(flag), `${flag}: ${run}`);
  }
  assert(check.includes("deno check -q --doc . README.md docs/study.md docs/library.md"), check);
});

Deno.test("every help has the usage, all options, --help, --trace and examples, and fits the terminal", () => {
  for (const command of commands) {
    for (const columns of [40, 80, 110]) {
      const text = helpText(command, columns);
      assert(text.startsWith(`Usage: deno task ${command.name}`), text);
      for (const { name } of [...command.options, { name: "help" }, { name: "trace" }]) {
        assert(new RegExp(`^  --${name}( |\\[|$)`, "m").test(text), `${command.name} --${name}`);
      }
      assertStringIncludes(text, "\nExamples:\n  deno ");
      // A word such as a path, and the example lines that are copied, are not broken.
      const broken = text.slice(0, text.indexOf("\nExamples:")).split("\n")
        .filter((line) => columnsOf(line) > columns && line.trim().includes(" "));
      assertEquals(broken, [], `${command.name} in ${columns}`);
    }
  }
});

Deno.test("every example is a command line that its command takes", () => {
  for (const command of commands) {
    assert(command.examples.length > 0, command.name);
    for (const { line } of command.examples) {
      const [, args] =
        /^deno (?:task [a-z-]+|run -q -P=[a-z]+ (?:--allow-\S+ )+src\/cli\/[a-z]+\.ts)(.*)$/
          .exec(line) ?? [];
      assert(args !== undefined && line.includes(command.name), line);
      const { positional } = readCommand(args.split(" ").filter((arg) => arg !== ""), command);
      assertEquals(positional.filter((arg) => arg.startsWith("-")), [], line);
    }
  }
});

const tiny: Command = {
  name: "tiny",
  summary: "Does nothing",
  takes: "NAME",
  least: 1,
  explained: [{ name: "NAME", text: "anything" }],
  options: [
    { name: "to", value: "DIR", text: "where nothing goes, in a text that is longer than a line" },
    { name: "a-rather-long-option", value: "VALUE", text: "stands on a line of its own" },
  ],
  examples: [{ line: "deno task tiny x", text: "nothing" }],
  notes: ["Nothing more."],
};

Deno.test("helpText hangs explanations beside names, and below those that are long", () => {
  assertEquals(
    helpText(tiny, 60),
    `Usage: deno task tiny NAME [options]
Does nothing.

  NAME               anything
  --to DIR           where nothing goes, in a text that is
                     longer than a line
  --a-rather-long-option VALUE
                     stands on a line of its own
  --help             print this text
  --trace            after an error, print where in the code
                     it came from

Nothing more.

Examples:
  deno task tiny x
      nothing`,
  );
  assertStringIncludes(helpText(tiny, 40), "  --help\n      print this text\n");
});

Deno.test("readCommand names arguments that are too many or missing, and options that are not known", () => {
  assertEquals(readCommand(["x", "--to", "y"], tiny).text("to"), "y");
  assertThrows(() => readCommand(["x", "y"], tiny), UsageError, 'Found "y", want no more');
  assertThrows(() => readCommand([], tiny), UsageError, "Usage: deno task tiny NAME");
  assertThrows(() => readCommand(["--too", "y"], tiny), UsageError, 'Did you mean "--to"?');
  assert(readCommand(["--help"], tiny).flag("help"));
});

Deno.test("a setting as an argument is told to be given by --set, and a negative number is no option", () => {
  for (const args of [["quickstart", "train.steps=10"], ["options.alpha=8"], ["model=folder"]]) {
    assertThrows(
      () => readCommand(args, sweep.command),
      UsageError,
      `Found "${args.at(-1)}", which is a setting; give it by --set ${args.at(-1)}`,
    );
  }
  assertThrows(() => readCommand(["a", "b=1"], sweep.command), UsageError, 'Found "b=1", want no');
  const parsed = readCommand(["a", "--threads", "-1", "--jobs", "-.5"], sweep.command);
  assertEquals([parsed.positional, parsed.text("threads"), parsed.text("jobs")], [
    ["a"],
    "-1",
    "-.5",
  ]);
  assertThrows(
    () => runOptions(parsed),
    UsageError,
    'Option "--jobs" is "-.5", want a whole number of at least 1',
  );
  assertThrows(() => readCommand(["--dry-run", "-1"], sweep.command), UsageError, 'option "-1"');
});
