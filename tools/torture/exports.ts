/**
 * Exports to full and to read-only disks: each fails with a message and leaves nothing, and is made when there is room.
 *
 * @module
 */
import { namesIn } from "../../src/record/durable.ts";
import { filesBelow } from "../../src/record/results_reader.ts";
import { exportRun } from "../../src/runs/share/export.ts";
import { type Figures, type Ground, Tally } from "./campaign.ts";
import { run, start } from "./processes.ts";
import { torturedModel } from "./tortured_study.ts";

const formats = ["peft", "merged", "onnx"] as const;

/** Exports the first run of a study in each format, into folders of `out` that have their names. */
export async function exportAll(study: string, out: string): Promise<void> {
  const names = [...Deno.readDirSync(study)].map(({ name }) => name).sort();
  const first = names.find((name) => name.includes("-lora-"))!;
  const common = { model: torturedModel, baseName: "bert" };
  for (const format of formats) {
    await exportRun(`${study}/${first}`, { ...common, format, out: `${out}/${format}` });
  }
}

/** The formats of which something is in a folder; of each, what differs from an undisturbed export. */
async function compareExports(
  found: string,
  wanted: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const seen = new Map<string, readonly string[]>();
  for (const format of formats) {
    const [own, others] = [`${found}/${format}`, `${wanted}/${format}`];
    // A folder that an export has made and not filled counts as one that is not whole.
    if (!(await namesIn(found)).has(format)) continue;
    const files = await filesBelow(own, "");
    const paths = await filesBelow(others, "");
    const differing = [...new Set([...files, ...paths])].filter((path) =>
      !files.includes(path) || !paths.includes(path) ||
      Deno.readTextFileSync(`${own}/${path}`) !== Deno.readTextFileSync(`${others}/${path}`)
    );
    seen.set(format, differing);
  }
  return seen;
}

/** Exports to so many small disks, of random sizes, and to the same disks when nobody may write there. */
export async function fillExports(ground: Ground, disks: number): Promise<Figures> {
  const tally = new Tally();
  const at = `${ground.home}/small`;
  const wanted = `${ground.home}/exported`;
  await Deno.mkdir(at, { recursive: true });
  const exporting = (out: string) =>
    start(ground.command({ kind: "export", results: ground.wanted, out })).ended;
  ground.checkEnd(tally, "undisturbed exports", await exporting(wanted));
  const check = async (where: string, out: string, count: number | null) => {
    const found = await compareExports(out, wanted);
    for (const [format, paths] of found) {
      for (const path of paths) tally.fault(where, `${format}/${path}: not as it is undisturbed`);
    }
    if (count !== null && found.size !== count) tally.fault(where, `${found.size} exports`);
    tally.count("exports compared", found.size);
  };
  for (let disk = 0; disk < disks; disk++) {
    const where = `exports, disk ${disk}`;
    const wantMessage = async (what: string, out: string) => {
      const { code, complaints } = await exporting(out);
      if (code === 0) return tally.count("disks that were large enough");
      if (/Cannot write/.test(complaints) && /nothing is kept of this export/.test(complaints)) {
        tally.count(what);
      } else tally.fault(`${where}, ${what}`, `exit ${code}: ${complaints}`);
    };
    await run("mount", "-t", "tmpfs", "-o", `size=${8 + 4 * ground.random.int(40)}k`, "tmpfs", at);
    try {
      await wantMessage("exports to a full disk", `${at}/a`);
      await check(`${where}, full`, `${at}/a`, null);
      // What was made before the disk was full is whole, and stays.
      await Deno.remove(`${at}/a`, { recursive: true });
      await run("mount", "-o", "remount,size=64m", at);
      ground.checkEnd(tally, `${where}, with room`, await exporting(`${at}/a`));
      await check(`${where}, with room`, `${at}/a`, formats.length);
      await run("mount", "-o", "remount,ro", at);
      await wantMessage("exports to a read-only disk", `${at}/b`);
      await check(`${where}, read-only`, `${at}/b`, 0);
      await run("mount", "-o", "remount,rw", at);
      ground.checkEnd(tally, `${where}, writable again`, await exporting(`${at}/b`));
      await check(`${where}, writable again`, `${at}/b`, formats.length);
    } finally {
      await run("umount", at);
    }
  }
  return tally;
}
