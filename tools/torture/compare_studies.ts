/**
 * Whether a study's results are, to the byte, those of an undisturbed sweep; only times may differ.
 *
 * @module
 */

/** Files whose contents depend on when they were made: reports say when, verifications say when and are made anew. */
const untimed = /^(report|verify)\//;

async function filesBelow(folder: string, start = ""): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${start}`)) {
    if (isDirectory) found.push(...await filesBelow(folder, `${start}${name}/`));
    else found.push(start + name);
  }
  return found.filter((path) => !untimed.test(path)).sort();
}

/** A step without the time that it took. */
function timelessStep(line: string): string {
  return line.replace(/"stepMillis":[^,}]+/, '"stepMillis":0');
}

/** A record without its times, the prints of files that hold times, and how many runs were side by side. */
function timelessRecord(text: string): string {
  const record = JSON.parse(text);
  delete record.happened.time;
  delete record.files["steps.jsonl"].sha256;
  delete record.files["steps.jsonl"].bytes;
  return JSON.stringify(record);
}

async function timeless(path: string): Promise<string> {
  if (path.endsWith("/steps.jsonl")) {
    return (await Deno.readTextFile(path)).split("\n").map(timelessStep).join("\n");
  }
  if (path.endsWith("/record.json")) return timelessRecord(await Deno.readTextFile(path));
  return new TextDecoder("latin1").decode(await Deno.readFile(path));
}

/**
 * The files in which two folders of one study differ, with what is wrong; none where the runs are the same to the byte.
 *
 * @param wanted Those of an undisturbed sweep.
 */
export async function studyDifferences(found: string, wanted: string): Promise<readonly string[]> {
  const [own, others] = [await filesBelow(found), await filesBelow(wanted)];
  const differences = own.filter((path) => !others.includes(path)).map((path) =>
    `${path}: too much`
  );
  for (const path of others) {
    if (!own.includes(path)) differences.push(`${path}: missing`);
    else if (await timeless(`${found}/${path}`) !== await timeless(`${wanted}/${path}`)) {
      differences.push(`${path}: other content`);
    }
  }
  return differences;
}
