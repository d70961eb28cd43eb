/**
 * Marks that tell series apart without colour: shapes and dashes.
 *
 * @module
 */
type Point = readonly [x: number, y: number];

const polygon = (points: readonly Point[]): string =>
  `M${points.map((point) => point.join(",")).join("L")}Z`;

/** A polygon with a hole of its own form: the hole runs the other way round, so that filling leaves it out. */
function ring(points: readonly Point[]): string {
  const hole = points.map(([x, y]): Point => [Number((x * 0.52).toFixed(3)), y * 0.52 + 0.05 * y]);
  return polygon(points) + polygon(hole.toReversed());
}

function circle(radius: number, sweep: 0 | 1): string {
  const arc = `A${radius},${radius} 0 1,${sweep} `;
  return `M${-radius},0${arc}${radius},0${arc}${-radius},0Z`;
}

const turned = (points: readonly Point[]): readonly Point[] => points.map(([x, y]) => [-y, x]);
const upsideDown = (points: readonly Point[]): readonly Point[] => points.map(([x, y]) => [x, -y]);

const square: readonly Point[] = [[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]];
const diamond: readonly Point[] = [[0, -1.2], [1.05, 0], [0, 1.2], [-1.05, 0]];
const triangle: readonly Point[] = [[0, -1.1], [1.1, 0.85], [-1.1, 0.85]];
const hourglass: readonly Point[] = [[-0.95, -1], [0.95, -1], [-0.95, 1], [0.95, 1]];
const arm = 0.34;
const plus: readonly Point[] = [
  [-arm, -1.1],
  [arm, -1.1],
  [arm, -arm],
  [1.1, -arm],
  [1.1, arm],
  [arm, arm],
  [arm, 1.1],
  [-arm, 1.1],
  [-arm, arm],
  [-1.1, arm],
  [-1.1, -arm],
  [-arm, -arm],
];
const saltire: readonly Point[] = plus.map(([x, y]) => [
  Number(((x - y) * Math.SQRT1_2).toFixed(3)),
  Number(((x + y) * Math.SQRT1_2).toFixed(3)),
]);
const pentagon: readonly Point[] = Array.from({ length: 5 }, (_, i) => {
  const angle = 2 * Math.PI * i / 5;
  return [Number((1.1 * Math.sin(angle)).toFixed(3)), Number((-1.1 * Math.cos(angle)).toFixed(3))];
});
const star: readonly Point[] = Array.from({ length: 10 }, (_, i) => {
  const radius = i % 2 === 0 ? 1.25 : 0.52;
  const angle = Math.PI * i / 5;
  return [
    Number((radius * Math.sin(angle)).toFixed(3)),
    Number((-radius * Math.cos(angle)).toFixed(3)),
  ];
});

/** Every shape, in the order in which series without a shape of their own take them. */
export const shapeNames = [
  "circle",
  "square",
  "diamond",
  "triangle up",
  "triangle down",
  "triangle right",
  "triangle left",
  "plus",
  "cross",
  "star",
  "hollow circle",
  "hollow square",
  "hollow diamond",
  "hollow triangle up",
  "hollow triangle down",
  "hourglass",
  "bow tie",
  "bar",
  "upright bar",
  "pentagon",
  "hollow pentagon",
  "hollow star",
  "hollow plus",
  "hollow cross",
  "upside-down pentagon",
] as const;

/** The name of a shape. */
export type Shape = typeof shapeNames[number];

/** Shapes by name, as SVG paths in a box from −1 to 1: distinct from each other when filled with one colour. */
export const shapePaths: Readonly<Record<Shape, string>> = {
  circle: circle(0.95, 1),
  square: polygon(square),
  diamond: polygon(diamond),
  "triangle up": polygon(triangle),
  "triangle down": polygon(upsideDown(triangle)),
  "triangle right": polygon(turned(triangle)),
  "triangle left": polygon(turned(upsideDown(triangle))),
  plus: polygon(plus),
  cross: polygon(saltire),
  star: polygon(star),
  "hollow circle": circle(0.95, 1) + circle(0.5, 0),
  "hollow square": ring(square),
  "hollow diamond": ring(diamond),
  "hollow triangle up": ring(triangle),
  "hollow triangle down": ring(upsideDown(triangle)),
  hourglass: polygon(hourglass),
  "bow tie": polygon(turned(hourglass)),
  bar: polygon([[-1.2, -0.42], [1.2, -0.42], [1.2, 0.42], [-1.2, 0.42]]),
  "upright bar": polygon([[-0.42, -1.2], [0.42, -1.2], [0.42, 1.2], [-0.42, 1.2]]),
  pentagon: polygon(pentagon),
  "hollow pentagon": ring(pentagon),
  "hollow star": ring(star),
  "hollow plus": ring(plus),
  "hollow cross": ring(saltire),
  "upside-down pentagon": polygon(upsideDown(pentagon)),
};

/** Lengths of strokes and gaps in pixels; a full line is one stroke without gap. */
export type Dash = readonly number[];

/** A line without gaps. */
export const fullLine: Dash = [1, 0];

/** Dashes, in the order in which series without a dash of their own take them. */
export const dashes: readonly Dash[] = [
  fullLine,
  [6, 3],
  [2, 2],
  [8, 3, 2, 3],
  [4, 2],
  [10, 4],
  [3, 2, 3, 5],
  [1.5, 3],
];
