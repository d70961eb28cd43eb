/**
 * What rank policies are given of a training state: the scores of slots and their rows.
 *
 * @module
 */
import type { SlotScores } from "../methods/rank_actions.ts";
import type { RowView } from "../methods/rank_policy.ts";
import { removalScores } from "./removal_scores.ts";
import type { Assembly } from "./assemble.ts";
import { placeOf, rowBounds, slotPlacesOf } from "./places.ts";
import type { LoadedPrograms } from "./programs.ts";
import type { TrainingRequest } from "./run_types.ts";
import { rowsOn, type SlotOrder } from "./slots.ts";
import type { RunStage } from "./stages.ts";
import type { StateVectors } from "./vectors.ts";

/** Each slot's score, module by module in logical order: the mean of Ī·Ū, or of Ī, over a part's row, summed over the parts. */
export function slotScoresOf(
  assembly: Assembly,
  order: SlotOrder,
  vectors: Pick<StateVectors, "sensitivity" | "uncertainty">,
): SlotScores {
  const source = assembly.adapter?.policy?.scores;
  const isSensitivity = source?.type === "importance" && source.of === "sensitivity";
  const { sensitivity, uncertainty } = vectors;
  if (sensitivity === undefined || uncertainty === undefined) {
    throw new RangeError("Cannot score slots: the state holds no importance averages");
  }
  return assembly.modules.map(({ module }) => {
    const places = slotPlacesOf(assembly, module.name);
    const scores = order[module.name]!.map((row) =>
      places.reduce((score, place) => {
        const [start, end] = rowBounds(place, row);
        let sum = 0;
        for (let i = start; i < end; i++) {
          sum += isSensitivity ? sensitivity[i]! : sensitivity[i]! * uncertainty[i]!;
        }
        return score + sum / (end - start);
      }, 0)
    );
    return { module: module.name, scores };
  });
}

/** A training state at an event. */
export interface ScoredState {
  readonly programs: LoadedPrograms;
  readonly vectors: StateVectors;
  readonly order: SlotOrder;
  /** The stage of the step that the event follows. */
  readonly stage: RunStage;
}

/** The scores that a policy is given, from where the method says; none where they come from nowhere. */
export async function scoresOf(
  { executor, task, assembly: { method } }: TrainingRequest,
  { programs, vectors, order, stage: { scoring, classes } }: ScoredState,
): Promise<SlotScores> {
  const type = method.adapter?.policy?.scores?.type;
  if (type === "importance") return slotScoresOf(programs.assembly, order, vectors);
  if (type !== "removal") return [];
  const theta = vectors.theta!;
  return await removalScores({
    ...{ executor, programs, theta, order, task, classes },
    examples: scoring!,
  });
}

/** What a rule is given that asks for no scores: reading it fails at once, at the line that reads, not later in what is missing. */
export const noScores: SlotScores = new Proxy([], {
  get: () => {
    const lines = new Error().stack?.split("\n").slice(1) ?? [];
    const reader = lines.find((line) => !line.includes(import.meta.url))?.trim() ?? "its rule";
    throw new TypeError(
      `Cannot decide about ranks: found that the rule reads scores (${reader}), which its policy does not ask for; put ` +
        '"scores" beside "rule", such as { type: "importance", beta1: 0.85, beta2: 0.85 }, or make scores of the rows that ' +
        "the fourth argument shows",
    );
  },
});

/** What a policy may see of an event besides scores. */
export interface SeenState extends Pick<RowView, "stream" | "isEvaluated"> {
  readonly assembly: Assembly;
  readonly order: SlotOrder;
  readonly vectors: Pick<StateVectors, "theta" | "v" | "c2" | "inputNorms">;
}

/** The rows of a state as policies see them. */
export function rowView({ assembly, order, vectors, stream, isEvaluated }: SeenState): RowView {
  const boundsOf = (module: string, part: string) => {
    const place = placeOf(assembly, module, part);
    return rowsOn(place.group, order, module).map((row) => rowBounds(place, row));
  };
  return {
    stream,
    isEvaluated,
    rows: (module, part) => boundsOf(module, part).map((bounds) => vectors.theta!.slice(...bounds)),
    squaredGradients: (module, part) =>
      boundsOf(module, part).map(([start, end]) => {
        const { v, c2 } = vectors;
        const correction = (i: number) => c2![c2!.length === 1 ? 0 : i]!;
        return Float32Array.from({ length: end - start }, (_, i) => {
          const count = correction(start + i);
          return count === 0 ? 0 : v![start + i]! / count;
        });
      }),
    inputNorms: (module) => inputNormsOf(assembly, vectors.inputNorms, module),
  };
}

function inputNormsOf(
  { modules }: Assembly,
  norms: Float32Array | undefined,
  name: string,
): Float32Array {
  const at = modules.findIndex(({ module }) => module.name === name);
  if (norms === undefined || at < 0) {
    throw new RangeError(
      `Cannot give the input norms of "${name}": ` +
        (at < 0
          ? "it is not an adapted module"
          : 'the method keeps none, state "inputNormDecay" in its policy'),
    );
  }
  const start = modules.slice(0, at).reduce((sum, { module }) => sum + module.inSize, 0);
  return norms.slice(start, start + modules[at]!.module.inSize);
}
