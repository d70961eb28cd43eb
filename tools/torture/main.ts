/**
 * `deno task torture`: kills, pairs, clocks that jump, power cuts and full disks against a small study, each compared with an undisturbed sweep.
 *
 * @module
 */
import { commandOf } from "../../src/cli/command.ts";
import { clearStatus, runCommand, say, showStatus, wholeNumber } from "../../src/cli/terminal.ts";
import { type Figures, Ground } from "./campaign.ts";
import { clockLibrary, jumpClocks } from "./clocks.ts";
import { cutPower, mountProblem } from "./cuts.ts";
import { fillCaches } from "./caches.ts";
import { fillDisks } from "./disks.ts";
import { fillExports } from "./exports.ts";
import { killCommands } from "./kills.ts";
import { workTogether } from "./pairs.ts";

const defaults = { kills: 20, pairs: 4, clocks: 3, cuts: 8, disks: 2, seed: 1 } as const;

/** Where the campaigns work. */
const folder = ".cache/torture";

async function report(title: string, { counts, problems }: Figures): Promise<void> {
  await clearStatus();
  const text = Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(", ");
  await say(`${title}: ${text}; ${problems.length === 0 ? "no problem" : "PROBLEMS:"}`);
  for (const problem of problems) await say(`  ${problem}`);
}

/** The command. */
export const torture = commandOf({
  name: "torture",
  summary:
    "Kills commands, starts several at once, sets clocks, cuts the power and fills disks, and compares every result with an undisturbed one",
  takes: "",
  most: 0,
  options: [
    { name: "kills", value: "N", text: `random kills (default ${defaults.kills})` },
    {
      name: "pairs",
      value: "N",
      text: `groups of two or three processes (default ${defaults.pairs})`,
    },
    {
      name: "clocks",
      value: "N",
      text:
        `groups of sweeps under clocks that jump, where libfaketime is installed (default ${defaults.clocks})`,
    },
    {
      name: "cuts",
      value: "N",
      text: `power cuts, where images may be mounted (default ${defaults.cuts})`,
    },
    {
      name: "disks",
      value: "N",
      text:
        `full and read-only disks for results, exports and caches, where they may be mounted (default ${defaults.disks})`,
    },
    { name: "seed", value: "S", text: `seed of everything random (default ${defaults.seed})` },
    { name: "folder", value: "DIR", text: `where to work (default ${folder})` },
  ],
  examples: [
    { line: "deno task torture", text: "a few minutes" },
    {
      line: "deno task torture --kills 1000 --pairs 100 --clocks 20 --cuts 200 --disks 20",
      text: "the whole campaign: hours",
    },
  ],
}, async (parsed) => {
  const count = (name: keyof typeof defaults) =>
    wholeNumber(parsed.text(name), name, 0) ?? defaults[name];
  const seed = count("seed");
  const home = await Deno.realPath(".").then((here) => {
    const own = parsed.text("folder") ?? folder;
    return own.startsWith("/") ? own : `${here}/${own}`;
  });
  const ground = await Ground.prepare(home, seed);
  let problems = 0;
  const campaign = async (
    title: string,
    wanted: number,
    make: (onProgress: (done: number) => Promise<void>) => Promise<Figures>,
  ) => {
    if (wanted === 0) return;
    const figures = await make((done) => showStatus(() => `${title}: ${done} of ${wanted}`));
    problems += figures.problems.length;
    await report(title, figures);
  };
  await say(`Seed ${seed}`);
  await campaign("Kills", count("kills"), (tell) => killCommands(ground, count("kills"), tell));
  await campaign("Together", count("pairs"), (tell) => workTogether(ground, count("pairs"), tell));
  const library = await clockLibrary();
  if (library === null) await say("No clocks that jump: libfaketime (package faketime) is missing");
  else {
    await campaign(
      "Clocks",
      count("clocks"),
      (tell) => jumpClocks(ground, count("clocks"), library, tell),
    );
  }
  const problem = await mountProblem(home);
  if (problem !== null) await say(`No power cuts and no full disks: ${problem}`);
  else {
    await campaign("Power cuts", count("cuts"), (tell) => cutPower(ground, count("cuts"), tell));
    await campaign("Disks", count("disks"), () => fillDisks(ground, count("disks")));
    await campaign("Exports", count("disks"), () => fillExports(ground, count("disks")));
    await campaign("Caches", count("disks"), () => fillCaches(ground, count("disks")));
  }
  return problems === 0 ? 0 : 1;
});

if (import.meta.main) await runCommand(torture);
