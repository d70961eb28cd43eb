/**
 * The encoders that are known and cached, as text.
 *
 * @module
 */
import { textTable } from "../base/text_table.ts";
import type { CachedModel } from "../fetch/hub.ts";
import { modelTypes } from "../models/architectures.ts";
import { type KnownEncoder, knownEncoders } from "../models/known_encoders.ts";
import { modelSource } from "../models/sources.ts";

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
