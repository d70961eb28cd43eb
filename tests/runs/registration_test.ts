/** A study that is registered, committed, swept, changed and edited, and what its reports say. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError, UsageError } from "../../src/base/input_error.ts";
import { claimsJson } from "../../src/analysis/claims/claims_report.ts";
import type { Registration } from "../../src/analysis/claims/statement.ts";
import { methods } from "../../src/methods/table.ts";
import { planStudy } from "../../src/runs/plan/planned_study.ts";
import { registrationPath } from "../../src/runs/plan/study_parts.ts";
import { registrationOfPlan, writeRegistration } from "../../src/runs/registration.ts";
import { readStudyResults } from "../../src/runs/study_results.ts";
import { parseStudy } from "../../src/study/schema/parse.ts";
import type { Study } from "../../src/study/schema/study.ts";
import { commitFile } from "../record/commit_file.ts";
import { inHome, sweepIn, sweepOptions, tinyStudy } from "./tiny_study.ts";

const study = parseStudy({
  ...tinyStudy,
  axes: { ...tinyStudy.axes, methods: ["lora", "head"] },
  claims: [{ name: "rank", says: "better", a: { method: "lora" }, b: { method: "head" } }],
});

async function registered(home: string, own: Study = study): Promise<Registration> {
  const source = { study: own, folder: home, methods };
  return await registrationOfPlan(
    await planStudy(source, { ...sweepOptions, results: `${home}/results` }),
  );
}

async function reported(home: string) {
  const { claimsReport } = await readStudyResults(`${home}/results/${study.name}`);
  return claimsReport!;
}

Deno.test("a report says since when git has a registration, and what differs from it", async () => {
  await inHome(async (home) => {
    const path = registrationPath(home, study.name);
    const registration = await registered(home);
    const hash = await writeRegistration(path, registration);
    assertEquals(await writeRegistration(path, await registered(home)), hash);
    const commit = await commitFile(home, path.split("/").at(-1)!, "2026-01-02T03:04:05.000Z");
    const { folder } = await sweepIn(home, study);
    const first = await reported(home);
    assertEquals(
      first.heading,
      `Claims, registered in ${path} (sha256 ${
        hash.slice(0, 12)
      }…), committed on 2026-01-02 03:04 UTC (git ${
        commit.slice(0, 12)
      }) before the first run; the commit is not at hand here, so its time is that of study.json`,
    );
    assert(first.isBeforehand);
    const [json] = claimsJson(first) as readonly {
      readonly registered: { readonly sha256: string };
    }[];
    assertEquals(json!.registered.sha256, hash);

    // Claims, and the settings of an arm, are changed afterwards.
    const changed = parseStudy({
      ...study,
      margin: 0.02,
      deltas: [{ when: { method: "lora" }, set: { train: { learningRate: 2e-3 } } }],
    });
    await sweepIn(home, changed);
    const second = await reported(home);
    assert(!second.isBeforehand);
    const count = registration.plan.filter(({ title }) => title.includes("lora")).length;
    assertStringIncludes(
      second.heading,
      `not as registered: the claims, their margins or the rule that decides, the settings of their arms and ${count} of ${registration.plan.length} runs (`,
    );
    const other = await registered(home, changed);
    const error = await assertRejects(() => writeRegistration(path, other), UsageError);
    assertStringIncludes(error.message, `found another registration in "${path}"`);

    // What study.json keeps of it was edited.
    const stored = await Deno.readTextFile(`${folder}/study.json`);
    const { registered: { registration: kept } } = JSON.parse(stored);
    kept.claims.margin = 0.02;
    await Deno.writeTextFile(
      `${folder}/study.json`,
      JSON.stringify({
        ...JSON.parse(stored),
        registered: { ...JSON.parse(stored).registered, registration: kept },
      }),
    );
    const refused = await assertRejects(() => readStudyResults(folder), InputError);
    assertStringIncludes(refused.message, 'key "registered.registration.claims"');
  });
});

Deno.test("a registration that git did not have proves nothing, and an edited one stops the sweep", async () => {
  await inHome(async (home) => {
    const path = registrationPath(home, study.name);
    await writeRegistration(path, await registered(home));
    await sweepIn(home, study);
    const first = await reported(home);
    assert(!first.isBeforehand);
    assertStringIncludes(first.heading, "Claims, stated before the first run");
    assertStringIncludes(first.heading, ", which git did not have when runs began");

    // It is committed once results are there.
    await commitFile(home, path.split("/").at(-1)!, "2999-01-02T03:04:05.000Z");
    await sweepIn(home, study);
    const second = await reported(home);
    assert(!second.isBeforehand);
    const { length } = (await readStudyResults(`${home}/results/${study.name}`)).runs;
    assertStringIncludes(second.heading, `after ${length} of ${length} runs had begun`);

    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace('"says": "better"', '"says": "equivalent"'));
    const error = await assertRejects(() => sweepIn(home, study), InputError);
    assertEquals([error.file, error.place], [path, 'key "claims"']);
    assertEquals(error.message.split("\n").length, 1);
  });
});

Deno.test("a study that claims nothing cannot be registered", async () => {
  await inHome(async (home) => {
    const { claims: _claims, ...plain } = study;
    const error = await assertRejects(() => registered(home, plain), UsageError);
    assertStringIncludes(error.message, "it claims nothing");
  });
});
