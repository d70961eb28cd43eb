/**
 * A student that starts from its teacher: fewer layers, narrower states, fewer heads and feed-forward units, chosen by what they do.
 *
 * The states of the teacher are projected onto their first principal directions, turned at random among themselves so that all
 * numbers of a state vary alike, as norms expect. Layers that are kept have the projection at both ends.
 *
 * @module
 */
import { EigenvalueDecomposition, Matrix, QrDecomposition } from "ml-matrix";
import type { RandomStream } from "../../src/base/random.ts";
import type { HostTensor } from "../../src/graph/mod.ts";
import { bert, type BertConfig } from "../../src/models/bert.ts";
import {
  attentionNorm,
  type CutTeacher,
  embeddingsNorm,
  type FittedNorm,
  type NormName,
  outputNorm,
  type TeacherStatistics,
} from "./teacher_program.ts";

/** The sizes of a student. */
export interface StudentShape {
  readonly layers: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly maxPositions: number;
}

/**
 * The student's configuration: its heads are as wide as the teacher's, and its texts' vectors are means.
 *
 * @throws {RangeError} If a size is larger than the teacher's, or the width is no multiple of that of its heads.
 */
export function studentConfig(teacher: BertConfig, shape: StudentShape): BertConfig {
  const headWidth = teacher.hidden / teacher.heads;
  const refuse = (what: string, found: number, wanted: string): never => {
    throw new RangeError(`Cannot distil into ${found} ${what}: want ${wanted}`);
  };
  const sizes = ["layers", "hidden", "intermediate", "maxPositions"] as const;
  for (const size of sizes) {
    const most = teacher[size];
    if (shape[size] > most) refuse(size, shape[size], `at most the teacher's ${most}`);
  }
  if (shape.hidden % headWidth !== 0) {
    refuse("hidden", shape.hidden, `a multiple of ${headWidth}, the width of the teacher's heads`);
  }
  return {
    ...teacher,
    ...shape,
    heads: shape.hidden / headWidth,
    paddingId: 0,
    tokenizerClass: "BertTokenizer",
    pooling: "mean",
    pooler: false,
  };
}

/** The layers of the teacher that are kept: the first, the last, and those evenly between. */
export function keptLayers(teacher: number, student: number): readonly number[] {
  if (student === 1) return [teacher - 1];
  return Array.from(
    { length: student },
    (_, i) => Math.round(i * (teacher - 1) / (student - 1)),
  );
}

/** The norms of the teacher that each layer of the student ends with: what the next kept layer takes, or the last. */
export function targetNorms(teacher: number, student: number): readonly NormName[] {
  const kept = keptLayers(teacher, student);
  return kept.map((_, i) => outputNorm((kept[i + 1] ?? teacher) - 1));
}

/** A projection of the teacher's states. */
export interface Projection {
  /** Orthonormal columns, `[hidden, width]`. */
  readonly matrix: HostTensor;
  /** The part of the squared states that it keeps. */
  readonly share: number;
}

/**
 * Projects onto the first principal directions.
 *
 * @param moments Σ h hᵀ, `[hidden, hidden]`.
 * @param stream Turns the directions.
 */
export function projectStates(
  moments: Float64Array,
  width: number,
  stream: RandomStream,
): Projection {
  const hidden = Math.sqrt(moments.length);
  const rows = Array.from(
    { length: hidden },
    (_, i) => Array.from(moments.subarray(i * hidden, (i + 1) * hidden)),
  );
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(new Matrix(rows), {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, i) => i)
    .sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!)
    .slice(0, width);
  const normals = stream.normals(width * width, 1);
  const drawn = Array.from(
    { length: width },
    (_, i) => Array.from(normals.slice(i * width, (i + 1) * width)),
  );
  const turn = new QrDecomposition(new Matrix(drawn)).orthogonalMatrix;
  const directions = eigenvectorMatrix.subMatrixColumn(order).mmul(turn);
  const total = realEigenvalues.reduce((sum, value) => sum + value, 0);
  return {
    matrix: {
      type: "f32",
      shape: [hidden, width],
      data: Float32Array.from(directions.to1DArray()),
    },
    share: order.reduce((sum, i) => sum + realEigenvalues[i]!, 0) / total,
  };
}

/** A matrix by rows. */
interface Rows {
  readonly rows: number;
  readonly columns: number;
  readonly data: ArrayLike<number>;
}

function rowsOf({ shape, data }: HostTensor): Rows {
  const [rows = 1, columns = 1] = shape.length === 1 ? [1, shape[0]] : shape;
  return { rows, columns, data: data as Float32Array };
}

function product(a: Rows, b: Rows): Rows {
  const data = new Float64Array(a.rows * b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[i * a.columns + k]!;
      for (let j = 0; j < b.columns; j++) {
        data[i * b.columns + j] = data[i * b.columns + j]! + factor * b.data[k * b.columns + j]!;
      }
    }
  }
  return { rows: a.rows, columns: b.columns, data };
}

function transposed({ rows, columns, data }: Rows): Rows {
  const turned = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j]!;
  }
  return { rows: columns, columns: rows, data: turned };
}

function selectRows({ columns, data }: Rows, chosen: readonly number[]): Rows {
  const own = new Float64Array(chosen.length * columns);
  chosen.forEach((row, i) => {
    for (let j = 0; j < columns; j++) own[i * columns + j] = data[row * columns + j]!;
  });
  return { rows: chosen.length, columns, data: own };
}

/** The `count` indices with the largest values, in their order. */
function strongest(values: readonly number[], count: number): readonly number[] {
  return values.map((_, i) => i)
    .sort((a, b) => values[b]! - values[a]! || a - b)
    .slice(0, count)
    .sort((a, b) => a - b);
}

/** How much each number that a linear layer takes adds to the states: its squares times those of its column. */
function strengths(weight: Rows, squares: ArrayLike<number>): readonly number[] {
  return Array.from({ length: weight.columns }, (_, j) => {
    let sum = 0;
    for (let i = 0; i < weight.rows; i++) sum += weight.data[i * weight.columns + j]! ** 2;
    return sum * squares[j]!;
  });
}

/** What a student starts from. */
export interface Start {
  readonly teacher: CutTeacher;
  readonly statistics: TeacherStatistics;
  readonly projection: HostTensor;
  readonly norms: ReadonlyMap<NormName, FittedNorm>;
}

/** The first values of all parameters of a student's encoder, by their names. */
export function startFromTeacher(
  { teacher, statistics, projection, norms }: Start,
  config: BertConfig,
): ReadonlyMap<string, ArrayLike<number>> {
  const onto = rowsOf(projection);
  const back = transposed(onto);
  const of = (name: string) => rowsOf(teacher.tensors.get(name)!);
  const values = new Map<string, ArrayLike<number>>();
  for (const table of ["word", "position", "token_type"]) {
    const name = `embeddings.${table}_embeddings.weight`;
    values.set(name, product(of(name), onto).data);
  }
  const setNorm = (name: NormName, from: NormName) => {
    const { gain, offset } = norms.get(from)!;
    values.set(`${name}.weight`, gain);
    values.set(`${name}.bias`, offset);
  };
  setNorm(embeddingsNorm, embeddingsNorm);
  const kept = keptLayers(teacher.config.layers, config.layers);
  const targets = targetNorms(teacher.config.layers, config.layers);
  const headWidth = config.hidden / config.heads;
  kept.forEach((from, layer) => {
    const path = (index: number, part: string) => `encoder.layer.${index}.${part}`;
    /** A layer that takes states and gives numbers of which some are kept. */
    const inward = (part: string, chosen: readonly number[]) => {
      const weight = selectRows(of(path(from, `${part}.weight`)), chosen);
      const bias = of(path(from, `${part}.bias`)).data;
      values.set(path(layer, `${part}.weight`), product(weight, onto).data);
      values.set(path(layer, `${part}.bias`), chosen.map((i) => bias[i]!));
    };
    /** A layer that takes those numbers and adds to the states. */
    const outward = (part: string, chosen: readonly number[]) => {
      const columns = selectRows(transposed(of(path(from, `${part}.weight`))), chosen);
      values.set(path(layer, `${part}.weight`), product(back, transposed(columns)).data);
      const bias = of(path(from, `${part}.bias`));
      values.set(path(layer, `${part}.bias`), product(bias, onto).data);
    };
    const strengthsOf = (part: string) =>
      strengths(of(path(from, `${part}.weight`)), statistics.squares.get(path(from, part))!);
    const numbers = strengthsOf("attention.output.dense");
    const heads = Array.from(
      { length: teacher.config.heads },
      (_, head) =>
        numbers.slice(head * headWidth, (head + 1) * headWidth).reduce((sum, x) => sum + x, 0),
    );
    const keptHeads = strongest(heads, config.heads).flatMap((head) =>
      Array.from({ length: headWidth }, (_, i) => head * headWidth + i)
    );
    for (const part of ["query", "key", "value"]) inward(`attention.self.${part}`, keptHeads);
    outward("attention.output.dense", keptHeads);
    const units = strongest(strengthsOf("output.dense"), config.intermediate);
    inward("intermediate.dense", units);
    outward("output.dense", units);
    setNorm(attentionNorm(layer), attentionNorm(from));
    setNorm(outputNorm(layer), targets[layer]!);
  });
  return new Map(
    bert.encoderParameters(config).map(({ name, shape }) => {
      const found = values.get(name)!;
      const size = shape.reduce((all, dim) => all * dim, 1);
      // The teacher's first positions alone.
      return [name, Float32Array.from(found).subarray(0, size)];
    }),
  );
}
