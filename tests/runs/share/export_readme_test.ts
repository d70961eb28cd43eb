/** The lines of Python in an exported folder's README.md run as they stand. */
import { assertEquals } from "@std/assert";
import { parseConfig } from "../../../src/models/architectures.ts";
import { exportFormats, openingOf } from "../../../src/runs/share/export_readme.ts";

const words = new Set(
  "and as def dict f for from import in None or return True False with".split(" "),
);

/** Names that lines of Python use before they have defined them. */
function undefinedNames(lines: readonly string[]): readonly string[] {
  const defined = new Set(words);
  const missing: string[] = [];
  let text = "";
  for (const line of lines) {
    // Strings but for what f-strings take from names, then comments.
    const bare = line
      .replace(
        /(f?)"([^"]*)"/g,
        (_, f, s) =>
          f === "" ? "" : [...s.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).join(" "),
      )
      .replace(/#.*/, "");
    const [, names] = /^(?:from [\w.]+ )?import (.*)/.exec(bare) ?? [];
    if (names !== undefined) {
      names.split(", ").forEach((name) => defined.add(name));
      continue;
    }
    const [, name, parameters] = /^def (\w+)\((.*)\):/.exec(bare) ?? [];
    if (name !== undefined) {
      [name, ...parameters!.split(", ").map((own) => own.split("=")[0]!)]
        .forEach((own) => defined.add(own));
      continue;
    }
    text = bare;
    const [whole = "", targets = ""] = /^\s*([\w, ]+) = /.exec(text) ?? [];
    const used = text.slice(whole.length).matchAll(/(?<![.\w])[A-Za-z_]\w*(?!\w*=(?!=))/g);
    missing.push(...[...used].map(([own]) => own).filter((own) => !defined.has(own)));
    targets.split(", ").forEach((own) => defined.add(own));
  }
  return missing;
}

const shape = { hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2, vocab_size: 9 };
const sizes = { intermediate_size: 16, max_position_embeddings: 16, type_vocab_size: 2 };
const bert = { model_type: "bert", hidden_act: "gelu", layer_norm_eps: 1e-12 };
const configs = [{}, { ranklab_pooling: "mean", ranklab_pooler: false }].map((own) =>
  parseConfig(JSON.stringify({ ...bert, ...shape, ...sizes, ...own }), "config.json")
);

Deno.test("each name in the Python of an exported README.md is defined before it is used", () => {
  assertEquals(undefinedNames(["model = load(base, num_labels=n)"]), ["load", "base", "n"]);
  for (const format of exportFormats.filter((format) => format !== "onnx")) {
    for (const config of configs) {
      const text = openingOf({ format, config, maxLength: 16, outputs: 3 }).join("\n");
      const [, code = ""] = /```python\n(.*?)\n```/s.exec(text) ?? [];
      const lines = code.split("\n");
      assertEquals([undefinedNames(lines), lines.length > 5], [[], true], `${format}: ${text}`);
    }
  }
});
