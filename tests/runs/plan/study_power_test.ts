/** Where the power of a study takes its spreads from, and what is told before a sweep. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../../src/base/input_error.ts";
import { methods } from "../../../src/methods/table.ts";
import { expand } from "../../../src/runs/plan/planning.ts";
import { readStudyFile } from "../../../src/runs/plan/study_file.ts";
import { studyPower, undecidableClaims } from "../../../src/runs/plan/study_power.ts";
import { parseStudy } from "../../../src/study/schema/parse.ts";
import {
  copyFolder,
  inHome,
  listening,
  planTextIn,
  sweepIn,
  tinyStudy,
  withSwept,
} from "../tiny_study.ts";

/** The quickstart with a claim. */
async function claimedQuickstart() {
  const { study } = await readStudyFile("quickstart");
  return parseStudy({
    ...study,
    claims: [{
      name: "wins",
      says: "better",
      a: { method: "elalora", budget: 4 },
      b: { method: "lora", budget: 4 },
    }],
  });
}

const inputs = { examplesOf: () => 1000 };
const nowhere = { folder: "results/none" };

Deno.test("without records of its own a study takes published ones of the same arms, or those that are named", async () => {
  const study = await claimedQuickstart();
  const grid = expand(study, methods);
  const published = "results/published/quickstart.ranklab.zip";
  const setting = { study, grid, inputs, ...nowhere };
  const { powers: [power], areClaimed } = await studyPower(setting);
  assert(areClaimed);
  const { path, spread, apart, missing, seedMillis } = power!.pilot!;
  assertEquals([path, spread.seeds, apart, missing], [published, 3, [], []]);
  // In points, not in shares of one.
  assert(spread.sd > 0.1 && seedMillis! > 0);
  assertEquals(spread.tasks.map(({ task }) => task), study.axes.tasks);
  const [told] = await undecidableClaims(setting, true);
  assertEquals(told!.claims, ["wins"]);
  assertStringIncludes(told!.text, `by the spread of ${published} (3 seeds) about`);
  // Both are told where no seeds are added.
  assertEquals((await undecidableClaims(setting, false)).length, 2);
  // Other studies have other tasks.
  const other = await studyPower(setting, "results/published/glue-minilm.ranklab.zip");
  assertEquals(other.powers[0]!.pilot, null);
});

Deno.test("a study's own records come first; its plan has them as text and as lines of JSON", async () => {
  const claims = [
    { name: "apart", says: "better", a: { method: "lora" }, b: { method: "head" } },
  ] as const;
  const study = parseStudy({
    ...tinyStudy,
    axes: { ...tinyStudy.axes, methods: ["lora", "head"], seeds: [1, 2] },
    claims,
  });
  await withSwept(async ({ home, folder }) => {
    const planned = (options: Parameters<typeof planTextIn>[2]) => planTextIn(home, study, options);
    const text = await planned({ power: { pilot: null } });
    assertStringIncludes(text, `Pilot: ${folder}, 2 seeds. The difference varies over seeds`);
    const json = (await planned({ json: true, power: { pilot: null } }))
      .split("\n").map((line) => JSON.parse(line));
    const [power] = json.filter(({ kind }) => kind === "power");
    assertEquals([power.claim, power.pilot.seeds, power.pilot.path], ["apart", 2, folder]);
    assertEquals(power.needed.map(({ difference }: { difference: number }) => difference), [2, 0]);
    await assertRejects(
      () => planned({ power: { pilot: "none-there" } }),
      UsageError,
      '"none-there"',
    );
    // Without the option it says nothing of power but what is a warning.
    assert(!(await planned({})).includes("Power"));

    // A damaged record is none, and results that cannot be read are none.
    await copyFolder(folder, `${home}/results/broken`);
    await Deno.writeTextFile(`${home}/results/broken/study.json`, "{");
    const own = { study, grid: expand(study, methods), inputs };
    const of = async (name: string) =>
      (await studyPower({ ...own, folder: `${home}/results/${name}` })).powers[0]!.pilot;
    assertEquals((await of("tiny"))!.path, folder);
    assertEquals(await of("broken"), null);
    const [run] = [...Deno.readDirSync(folder)].filter(({ name }) => name.includes("-head-"));
    await Deno.writeTextFile(`${folder}/${run!.name}/record.json`, "{");
    assertEquals(await of("tiny"), null);
  }, study);
});

Deno.test("a sweep tells before its first run that it has too few seeds for its claims", async () => {
  const study = parseStudy({
    ...tinyStudy,
    axes: { ...tinyStudy.axes, methods: ["lora", "head"] },
    claims: [{ name: "apart", says: "better", a: { method: "lora" }, b: { method: "head" } }],
  });
  await inHome(async (home) => {
    const { events, onEvent } = listening();
    await sweepIn(home, study, {}, { onEvent, signal: AbortSignal.abort() });
    const told = events.flatMap((event) => event.kind === "hardly decidable" ? [event] : []);
    assertEquals(told.map(({ undecidable: { text } }) => text), [
      '1 seed cannot decide claim "apart": the first look that can is at 6; --until-decided adds seeds',
    ]);
  });
});
