import type { Schemas } from "../../api/client";
import { isObject } from "../../contracts/isObject";

export interface Change {
  kind: "added" | "removed" | "changed";
  /** Of what changed, as people read it: `verify-citizen · request.hoVaTen.maxLength`. */
  path: string;
}

const MOST = 200;

/** Return what differs between two versions of a contract, apart from texts and the version itself. */
export function changesBetween(before: Schemas["Contract"], after: Schemas["Contract"]): Change[] {
  return [
    ...compare(before.operations ?? {}, after.operations ?? {}, ""),
    ...compare(before.events ?? {}, after.events ?? {}, ""),
  ].slice(0, MOST);
}

const TEXTS = new Set(["title", "description", "x-lgsp-title", "x-lgsp-titles", "example", "examples"]);

function* compare(before: unknown, after: unknown, path: string): Generator<Change> {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  if (!isObject(before) || !isObject(after)) {
    yield { kind: "changed", path };
    return;
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (TEXTS.has(name) && path) continue;
    const below = path ? joined(path, name) : name;
    if (!(name in before)) yield { kind: "added", path: below };
    else if (!(name in after)) yield { kind: "removed", path: below };
    else yield* compare(before[name], after[name], below);
  }
}

function joined(path: string, name: string): string {
  if (name === "properties") return path;
  return path.includes(" · ") ? `${path}.${name}` : `${path} · ${name}`;
}
