/**
 * `deno task register STUDY`: writes what a study's claims rest on into one file, to be committed before the first run.
 *
 * @module
 */
import { dirname } from "node:path";
import { counted } from "../base/format.ts";
import { findStudyFile, registrationPath } from "../runs/plan/study_parts.ts";
import { writeRegistration } from "../runs/registration.ts";
import { defaultResults } from "../runs/stored_study.ts";
import { askToWrite, sweepPlaces } from "./access.ts";
import { commandOf } from "./command.ts";
import { mostRunsOf, option, studyArgument } from "./command_parts.ts";
import { registrationApart } from "./plan.ts";
import { runCommand, say, sayWrapped } from "./terminal.ts";

/** The command. */
export const register = commandOf({
  name: "register",
  summary:
    "Writes a study's claims, runs, tuning and the hash of ranklab's code into one file, to be committed before the first run",
  takes: "STUDY",
  least: 1,
  explained: [{
    ...studyArgument,
    text: "a .json or .ts file, or the name of a study in experiments/",
  }],
  places: (parsed) => {
    const [name] = parsed.positional;
    const written = name !== undefined && name.includes("/")
      ? [{ path: dirname(name), option: "STUDY", isWritten: true }]
      : [];
    return [...sweepPlaces(parsed, false), ...written];
  },
  options: [...option.inputs, option.set, option.mostRuns, option.results],
  examples: [
    {
      line: "deno task register verdict-embedded",
      text: "writes experiments/verdict-embedded.registration.json and prints its SHA-256",
    },
  ],
  notes: [
    "Commit the file, then sweep. Reports say since when git has it, and what differs from it. The same study and code give the " +
    "same file; one that registers something else is left as it is, and the command says so.",
  ],
}, async (parsed) => {
  const name = parsed.positional[0]!;
  const registration = await registrationApart(name, {
    data: parsed.text("data"),
    model: parsed.text("model"),
    results: parsed.text("results") ?? defaultResults,
    set: parsed.list("set"),
    mostRuns: mostRunsOf(parsed),
  });
  const folder = dirname(await findStudyFile(name));
  const path = registrationPath(folder, registration.study);
  await askToWrite("register", folder, "STUDY");
  const hash = await writeRegistration(path, registration);
  const { claims: { claims = [] }, plan } = registration;
  await say(
    `Registered ${counted(claims.length, "claim")} and ${counted(plan.length, "run")} in ${path}`,
  );
  await say(`SHA-256: ${hash}`);
  await sayWrapped(
    `Commit it before the first run (git add ${path} && git commit); reports then say since when git has it.`,
  );
  return 0;
});

if (import.meta.main) await runCommand(register);
