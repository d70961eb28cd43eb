/**
 * The JSON Schema of study files, for completion and checking in editors.
 *
 * @module
 */
import { z } from "zod";
import type { Json } from "../../base/canonical_json.ts";
import { settingKeys } from "./settings.ts";
import { studyPartSchema } from "./study.ts";
import type { MethodEntry } from "../types.ts";

/** What other rooms know of tasks and methods. */
export interface SchemaTables {
  /** Names of the built-in tasks; editors offer them, but a study may name its own. */
  readonly tasks: readonly string[];
  /** Names that editors offer, each with its options. */
  readonly methods: readonly Pick<MethodEntry, "name" | "optionsSchema">[];
  /** JSON Schema of one of the user's own tasks. Default: any JSON value. */
  readonly userTaskSchema?: Json;
}

type JsonObject = Readonly<Record<string, Json>>;

/**
 * The JSON Schema (draft 2020-12) of study files: the validator's own, with the names and the options of the
 * methods filled in. Options of a method are offered and checked where its name is given. A study that extends none has to have
 * the axes that every study needs.
 */
export function studyJsonSchema(tables: SchemaTables): Json {
  const schema = z.toJSONSchema(studyPartSchema, { io: "input" }) as unknown as JsonObject;
  const definitions = schema["$defs"] as JsonObject;
  const methods = tables.methods.map(({ name, optionsSchema }) => ({
    name,
    options: partialOptions(optionsSchema),
  }));
  const names = methods.map(({ name }) => name);
  const optionsOf = Object.fromEntries(
    methods.map(({ name, options }) => [optionsId(name), options]),
  );
  return {
    ...schema,
    title: "ranklab study",
    required: ["name"],
    anyOf: [
      withKeys({ axes: withKeys({ tasks: {}, methods: {}, seeds: {} }) }),
      withKeys({ extends: {} }),
    ],
    $defs: {
      ...definitions,
      ...optionsOf,
      taskName: { ...definitions["taskName"] as JsonObject, examples: tables.tasks },
      methodName: { ...definitions["methodName"] as JsonObject, examples: names },
      method: {
        anyOf: [
          { type: "string", enum: names },
          ...names.map((name) => ({
            type: "object",
            properties: {
              method: { const: name },
              options: optionsRef(name),
              ranks: { $ref: "#/$defs/ranks" },
              label: { type: "string", minLength: 1 },
            },
            required: ["method"],
            additionalProperties: false,
          })),
        ],
      },
      delta: {
        ...definitions["delta"] as JsonObject,
        anyOf: [{ required: ["set"] }, { required: ["options"] }],
        allOf: names.map(optionsWhenNamed),
      },
      settingsAxis: {
        type: "object",
        description: (definitions["settingsAxis"] as JsonObject)["description"]!,
        properties: Object.fromEntries([
          ...settingKeys.map((key) => [key, valuesOf([settingRef(key)])]),
          ...optionAxes(methods),
        ]),
        additionalProperties: false,
      },
      ...(tables.userTaskSchema === undefined ? {} : { userTask: tables.userTaskSchema }),
    },
  };
}

function withKeys(properties: JsonObject): JsonObject {
  return { type: "object", properties, required: Object.keys(properties) };
}

/** A method's options of which any may be left out, without the keys that only a whole document has. */
function partialOptions(optionsSchema: Json): Json {
  const { $schema: _dialect, required: _required, ...options } = optionsSchema as JsonObject;
  return options;
}

function valuesOf(schemas: readonly Json[]): Json {
  return {
    type: "array",
    minItems: 1,
    items: schemas.length === 1 ? schemas[0]! : { anyOf: schemas },
  };
}

function settingRef(key: string): Json {
  // It has a definition of its own, since `train.until` may also be a word.
  const [, ofPlateau] = key.split("until.plateau.");
  if (ofPlateau !== undefined) return { $ref: `#/$defs/plateau/properties/${ofPlateau}` };
  return { $ref: `#/$defs/settings/properties/${key.replaceAll(".", "/properties/")}` };
}

function optionAxes(
  methods: readonly { readonly name: string; readonly options: Json }[],
): readonly (readonly [string, Json])[] {
  const refs = methods.flatMap(({ name, options }) =>
    Object.keys((options as JsonObject)["properties"] ?? {}).map((option) => ({
      option,
      ref: { $ref: `#/$defs/${optionsId(name)}/properties/${option}` },
    }))
  );
  return [...Map.groupBy(refs, ({ option }) => option)].map(([option, own]) =>
    [`options.${option}`, valuesOf(own.map(({ ref }) => ref))] as const
  );
}

function optionsId(method: string): string {
  return `options.${method}`;
}

function optionsRef(method: string): Json {
  return { $ref: `#/$defs/${optionsId(method)}` };
}

/** If a delta is meant for the method, alone or among others, its options are options of that method. */
function optionsWhenNamed(method: string): Json {
  return {
    if: {
      type: "object",
      properties: {
        when: {
          type: "object",
          properties: {
            method: { anyOf: [{ const: method }, { type: "array", contains: { const: method } }] },
          },
          required: ["method"],
        },
      },
      required: ["when"],
    },
    then: { type: "object", properties: { options: optionsRef(method) } },
  };
}
