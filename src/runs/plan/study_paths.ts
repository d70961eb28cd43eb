/**
 * Paths in a study that start from its folder, for a study in another one that extends it.
 *
 * @module
 */
import { isAbsolute, relative, resolve } from "node:path";
import type { Json } from "../../base/canonical_json.ts";
import { isObject } from "../../study/schema/setting_paths.ts";
import { parseModelName } from "../../study/schema/model_name.ts";
import type { StudyPart } from "../../study/schema/study.ts";

type Moved = (path: string) => string;

/** A value with one of its keys changed, where it is an object that has the key. */
function at(value: Json, key: string, change: (inner: Json) => Json): Json {
  return isObject(value) && Object.hasOwn(value, key)
    ? { ...value, [key]: change(value[key]!) }
    : value;
}

function each(change: (item: Json) => Json): (list: Json) => Json {
  return (list) => Array.isArray(list) ? list.map(change) : list;
}

/** Files of a split of the user's own task. */
function filesAt(moved: Moved): (files: Json) => Json {
  return (files) =>
    Array.isArray(files)
      ? files.map(filesAt(moved))
      : typeof files === "string"
      ? moved(files)
      : at(files, "path", (path) => typeof path === "string" ? moved(path) : path);
}

function modelAt(moved: Moved): (model: Json) => Json {
  return (model) => {
    const named = typeof model === "string" ? parseModelName(model) : null;
    if (named?.kind !== "wheel") return model;
    return `wheel:${moved(named.path)}${named.folder === null ? "" : `#${named.folder}`}`;
  };
}

/**
 * A part of a study with its paths as they are written in another folder: files of tasks and of ranks, and wheels.
 *
 * @param from The folder of its file.
 * @param to The folder of the study that extends it.
 */
export function movedPaths(part: StudyPart, from: string, to: string): StudyPart {
  const [source, target] = [resolve(from), resolve(to)];
  if (source === target) return part;
  const moved: Moved = (path) =>
    isAbsolute(path) ? path : relative(target, resolve(source, path)).replaceAll("\\", "/");
  const model = modelAt(moved);
  const changes: readonly (readonly [string, (value: Json) => Json])[] = [
    [
      "userTasks",
      each((task) =>
        at(task, "files", (files) =>
          isObject(files)
            ? Object.fromEntries(
              Object.entries(files).map(([split, own]) => [split, filesAt(moved)(own)]),
            )
            : files)
      ),
    ],
    ["base", (base) => at(base, "model", model)],
    ["deltas", each((delta) => at(delta, "set", (set) => at(set, "model", model)))],
    [
      "axes",
      (axes) =>
        at(
          at(axes, "settings", (settings) => at(settings, "model", each(model))),
          "methods",
          each((method) =>
            at(method, "ranks", (ranks) =>
              at(ranks, "file", (file) =>
                typeof file === "string" ? moved(file) : file))
          ),
        ),
    ],
  ];
  const whole = part as unknown as Json;
  return changes.reduce((value, [key, change]) => at(value, key, change), whole) as StudyPart;
}
