import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../../src/base/random.ts";
import { nativeExecutor } from "../../../src/exec/native.ts";
import { interpret, makeProgram } from "../../../src/graph/mod.ts";
import { bert } from "../../../src/models/bert.ts";
import { frozenContext } from "../../../src/models/forward_context.ts";
import { encoderInputs } from "../../../src/models/token_rows.ts";
import { pretrainingDocuments } from "../../../tools/pretrain/corpora/corpora.ts";
import { batchCouples, makeCouple } from "../../../tools/pretrain/couples.ts";
import {
  type Distillation,
  distilRate,
  startDistillation,
} from "../../../tools/pretrain/distil.ts";
import {
  keptLayers,
  projectStates,
  startFromTeacher,
  studentConfig,
  targetNorms,
} from "../../../tools/pretrain/start.ts";
import { Student, studentLayout } from "../../../tools/pretrain/student_program.ts";
import { cutTeacher } from "../../../tools/pretrain/teacher.ts";
import {
  batchRequest,
  fitNorms,
  loadTargets,
  measureTeacher,
  outputNorm,
  similarityName,
  targetName,
} from "../../../tools/pretrain/teacher_program.ts";
import { prepareTexts } from "../../../tools/pretrain/texts.ts";
import { specialIds } from "../../../tools/pretrain/vocabulary.ts";
import { config, makeCorpora, settings, tensors, tokenizer } from "./fixture.ts";

const executor = await nativeExecutor(1);
const { texts, kept } = prepareTexts({
  documents: pretrainingDocuments(makeCorpora(8)),
  synonyms: [],
  tokenizer,
  size: settings.vocabulary,
  seed: 1,
});
const teacher = cutTeacher({ config, tensors }, kept);
const batch = batchCouples(
  [0, 1, 2, 3].map((at) => makeCouple(texts.index, at, texts.lexicon, RandomStream.fromSeed(at))),
  specialIds,
);

/** The states after each layer of the teacher by the interpreter, in double precision: `[tokens, hidden]`. */
function teacherStates() {
  const inputs = encoderInputs(config.heads);
  const after = new Map<string, ReturnType<typeof bert.encode>>();
  const last = bert.encode(
    teacher.config,
    inputs,
    frozenContext(teacher.tensors, {
      entering: (layer, states) => {
        if (layer > 0) after.set(String(layer - 1), states);
        return states;
      },
    }),
    new Map(),
    "all",
  );
  const program = makeProgram({ ...Object.fromEntries(after), last });
  const { dims, feeds } = batchRequest(batch, config.heads, program.inputs.keys());
  return { states: interpret(program, feeds, dims), dims };
}

Deno.test("distilRate() rises, stays and falls, and ends alone depend on the number of steps", () => {
  const rates = (steps: number) =>
    Array.from(
      { length: steps },
      (_, step) => distilRate(step, { steps, learningRate: 1, warmup: 4, decay: 2 }),
    );
  assertEquals(rates(8), [0.25, 0.5, 0.75, 1, 1, 1, 1, 0.5]);
  assertEquals(rates(10).slice(0, 7), rates(8).slice(0, 7));
});

Deno.test("kept layers are the first, the last and those evenly between; targets are what the next one takes", () => {
  assertEquals(keptLayers(6, 4), [0, 2, 3, 5]);
  assertEquals(keptLayers(6, 3), [0, 3, 5]);
  assertEquals(keptLayers(6, 6), [0, 1, 2, 3, 4, 5]);
  assertEquals(keptLayers(6, 1), [5]);
  assertEquals(targetNorms(6, 4), [1, 2, 4, 5].map(outputNorm));
});

Deno.test("studentConfig() refuses sizes above the teacher's and widths that cut a head", () => {
  const shape = settings.shape;
  assertThrows(
    () => studentConfig(config, { ...shape, layers: 5 }),
    RangeError,
    "Cannot distil into 5 layers: want at most the teacher's 4",
  );
  assertThrows(
    () => studentConfig(config, { ...shape, hidden: 24 }),
    RangeError,
    "want a multiple of 16, the width of the teacher's heads",
  );
  assertEquals(studentConfig(config, shape).heads, 1);
});

Deno.test("projectStates() spans the principal directions, with orthonormal columns", () => {
  // Σ h hᵀ with eigenvalues 9, 4 and 1 along (1, 1, 0)/√2, (1, −1, 0)/√2 and the third axis.
  const moments = Float64Array.of(6.5, 2.5, 0, 2.5, 6.5, 0, 0, 0, 1);
  const { matrix, share } = projectStates(moments, 2, RandomStream.fromSeed(1));
  assertAlmostEquals(share, 13 / 14, 1e-9);
  const data = matrix.data as Float32Array;
  const column = (j: number) => [0, 1, 2].map((i) => data[2 * i + j]!);
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  assertAlmostEquals(dot(column(0), column(0)), 1, 1e-6);
  assertAlmostEquals(dot(column(0), column(1)), 0, 1e-6);
  assertAlmostEquals(column(0)[2]!, 0, 1e-6);
  assertAlmostEquals(column(1)[2]!, 0, 1e-6);
});

Deno.test("targets are the teacher's states times the projection, and the cosines of its mean states", async () => {
  const statistics = await measureTeacher(executor, teacher, [batch]);
  const { states, dims } = teacherStates();
  const projection = projectStates(statistics.moments, 16, RandomStream.fromSeed(2)).matrix;
  const { session, inputs } = await loadTargets(executor, teacher, projection, [
    outputNorm(1),
    outputNorm(3),
  ]);
  const read = [targetName(0), targetName(1), similarityName];
  const found = await session.run({ ...batchRequest(batch, config.heads, inputs), read });
  const matrix = projection.data as Float32Array;
  ["1", "last"].forEach((name, k) => {
    const own = states[name]!.data as Float64Array;
    const target = found.read[targetName(k)]!.data;
    for (const row of [0, 7]) {
      for (const j of [0, 9]) {
        let sum = 0;
        for (let i = 0; i < 32; i++) sum += own[row * 32 + i]! * matrix[i * 16 + j]!;
        assertAlmostEquals(Number(target[row * 16 + j]), sum, 1e-4);
      }
    }
  });
  // The first couple's cosine by hand: rows of its texts follow each other.
  const last = states["last"]!.data as Float64Array;
  const lengths = Array.from(
    { length: batch.size },
    (_, text) =>
      batch.mask.slice(text * batch.length, (text + 1) * batch.length).reduce((a, b) => a + b, 0),
  );
  const meanOf = (text: number) => {
    const from = lengths.slice(0, text).reduce((a, b) => a + b, 0);
    return Array.from({ length: 32 }, (_, i) => {
      let sum = 0;
      for (let row = from; row < from + lengths[text]!; row++) sum += last[row * 32 + i]!;
      return sum / lengths[text]!;
    });
  };
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const [a, b] = [meanOf(0), meanOf(4)];
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  assertAlmostEquals(Number(found.read[similarityName]!.data[0]), cosine, 1e-4);
  assertEquals(dims["couples"], 4);
  await session.release();
});

Deno.test("a student as large as its teacher has its layers up to a turn, and starts near its states", async () => {
  const whole = studentConfig(teacher.config, { ...config });
  const statistics = await measureTeacher(executor, teacher, [batch]);
  const { matrix: projection, share } = projectStates(
    statistics.moments,
    32,
    RandomStream.fromSeed(2),
  );
  assertAlmostEquals(share, 1, 1e-9);
  const norms = await fitNorms(executor, teacher, projection, [batch]);
  const values = startFromTeacher({ teacher, statistics, projection, norms }, whole);
  // Rows of the query are turned alike, so that their products are the teacher's.
  const name = "encoder.layer.2.attention.self.query.weight";
  const [own, given] = [values.get(name)!, teacher.tensors.get(name)!.data];
  const product = (data: ArrayLike<number | bigint>) => {
    let sum = 0;
    for (let i = 0; i < 32; i++) sum += Number(data[i]) * Number(data[32 + i]);
    return sum;
  };
  assertAlmostEquals(product(own), product(given), 1e-5);
  const layout = studentLayout(whole);
  const losses = async (fill: (name: string) => ArrayLike<number> | null) => {
    const theta = new Float32Array(layout.size);
    for (const slice of layout.slices) theta.set(fill(slice.name) ?? [], slice.offset);
    const zeros = () => new Float32Array(layout.size);
    const targets = [0, 1, 2, 3].map(outputNorm);
    const student = await Student.create(executor, {
      config: whole,
      weights: settings.weights,
      optimiser: settings,
      variances: targets.map((norm) => norms.get(norm)!.variance),
    }, { theta, m: zeros(), v: zeros(), c1: new Float32Array(1), c2: new Float32Array(1) });
    const { session, inputs } = await loadTargets(executor, teacher, projection, targets);
    const { kept } = await session.run({
      ...batchRequest(batch, config.heads, inputs),
      keep: [...targets.map((_, i) => targetName(i)), similarityName],
    });
    return (await student.losses(batch, kept)).states;
  };
  const started = await losses((parameter) => values.get(parameter) ?? null);
  const random = RandomStream.fromSeed(9);
  const drawn = await losses((parameter) =>
    parameter.includes("LayerNorm")
      ? values.get(parameter)!
      : values.has(parameter)
      ? Array.from(random.fork(parameter).normals(values.get(parameter)!.length, 0.2))
      : null
  );
  started.forEach((loss, i) => {
    assert(loss < drawn[i]! / 3, `layer ${i}: ${loss} from the teacher, ${drawn[i]} at random`);
  });
});

async function advance(run: Distillation, steps: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push((await run.next()).total);
  return losses;
}

Deno.test("a run that goes on from its vectors ends bit-equal, and lowers each loss on texts that it has not seen", async () => {
  const request = { teacher, settings, texts };
  const whole = await startDistillation(executor, request, null);
  const before = await whole.heldOutLosses();
  const losses = await advance(whole, 12);
  const first = await startDistillation(executor, request, null);
  assertEquals(await advance(first, 7), losses.slice(0, 7));
  const rest = await startDistillation(executor, request, {
    step: first.step,
    vectors: await first.vectors(),
  });
  assertEquals(await advance(rest, 5), losses.slice(7));
  assertEquals((await rest.vectors()).theta, (await whole.vectors()).theta);
  const after = await whole.heldOutLosses();
  assert(after.similarity < before.similarity, `${after.similarity} after ${before.similarity}`);
  assert(after.edits < before.edits, `${after.edits} after ${before.edits}`);
  after.states.forEach((loss, i) => {
    assert(loss < before.states[i]!, `layer ${i}: ${loss} after ${before.states[i]}`);
  });
});
