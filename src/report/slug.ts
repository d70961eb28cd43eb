/**
 * File names and anchors from labels.
 *
 * @module
 */

/** Letters and digits in lower case with hyphens between, for instance `elalora-k-2`. */
export function slugOf(text: string): string {
  const slug = text.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(
    /^-+|-+$/g,
    "",
  );
  return slug === "" ? "unnamed" : slug;
}

/** One slug a label, made distinct by numbers where two would be equal. */
export function slugsOf(labels: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(labels.map((label) => {
    const base = slugOf(label);
    let slug = base;
    for (let i = 2; taken.has(slug); i++) slug = `${base}-${i}`;
    taken.add(slug);
    return [label, slug];
  }));
}
