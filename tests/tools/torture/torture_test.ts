/** The campaigns in short: two kills and two sweeps at once, and what the comparison with an undisturbed sweep sees. */
import { assert, assertEquals } from "@std/assert";
import { Ground } from "../../../tools/torture/campaign.ts";
import { studyDifferences } from "../../../tools/torture/compare_studies.ts";
import { killCommands } from "../../../tools/torture/kills.ts";
import { workTogether } from "../../../tools/torture/pairs.ts";
import { torturedStudy } from "../../../tools/torture/tortured_study.ts";

/** Whether tests may start the `deno` of the path; `deno.json` allows no other program. */
const canSpawn = Deno.permissions.querySync({ name: "run", command: "deno" }).state === "granted";

Deno.test({
  name: "killed sweeps and sweeps at once end with the bytes of an undisturbed one",
  ignore: !canSpawn || Deno.build.os === "windows",
  fn: async () => {
    const home = await Deno.makeTempDir();
    const quiet = () => Promise.resolve();
    try {
      const ground = await Ground.prepare(home, 3, "sweep");
      const killed = await killCommands(ground, 2, quiet);
      assertEquals(killed.problems, []);
      assertEquals([killed.counts["kills of sweep"], killed.counts["studies compared"]], [2, 1]);
      const together = await workTogether(ground, 1, quiet);
      assertEquals(together.problems, []);
      assertEquals(together.counts["studies compared"], 1);
      const wanted = `${ground.wanted}/${torturedStudy.name}`;
      const [run] = [...Deno.readDirSync(wanted)].filter(({ isDirectory }) => isDirectory);
      const damaged = `${home}/damaged`;
      await copyFolder(wanted, damaged);
      assertEquals(await studyDifferences(damaged, wanted), []);
      await Deno.writeTextFile(`${damaged}/${run!.name}/ranks.jsonl`, "x", { append: true });
      await Deno.remove(`${damaged}/${run!.name}/adapter.safetensors`);
      await Deno.writeTextFile(`${damaged}/study.json.part`, "x");
      const differences = await studyDifferences(damaged, wanted);
      assertEquals(differences.length, 3);
      assert(differences.includes("study.json.part: too much"), `${differences}`);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
});

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
