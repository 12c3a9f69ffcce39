import { api, dataOf } from "../../api/client";
import type { Json } from "../../contracts/schema";

/** The kinds of registry documents that are edited in forms, as paths name them. */
export const EDITED = {
  agencies: "Agency",
  purposes: "Purpose",
  persons: "Person",
  systems: "System",
} as const;
export type EditedKind = keyof typeof EDITED;

export type Spec = { [name: string]: Json };

/** A document of the registry, whatever its kind. */
export interface RegistryDocument {
  kind: string;
  metadata: { name: string; revision?: number; updatedAt?: number; updatedBy?: string };
  spec: Spec;
  status?: object;
}

/** The paths have the same parameters and answers for all kinds, so that one stands for all of them. */
const PATHS = {
  agencies: "/registry/agencies/{name}",
  purposes: "/registry/purposes/{name}",
  persons: "/registry/persons/{name}",
  systems: "/registry/systems/{name}",
} as const;
type OnePath = "/registry/purposes/{name}";

/** Read a document. */
export async function readDocument(kind: EditedKind, name: string): Promise<RegistryDocument> {
  return (await dataOf(api.GET(PATHS[kind] as OnePath, { params: { path: { name } } }))) as RegistryDocument;
}

/**
 * Create or replace a document.
 *
 * @param revision that was read; undefined to create the document, which fails where there is one.
 */
export async function writeDocument(
  kind: EditedKind,
  name: string,
  spec: Spec,
  revision: number | undefined,
  reason: string,
): Promise<RegistryDocument> {
  const body = { apiVersion: "lgsp/v1", kind: EDITED[kind], metadata: { name }, spec } as never;
  const query = reason ? { reason } : {};
  if (revision === undefined) {
    const list = `/registry/${kind}` as "/registry/purposes";
    return (await dataOf(api.POST(list, { params: { query }, body }))) as unknown as RegistryDocument;
  }
  const params = { path: { name }, header: { "If-Match": `"${revision}"` }, query };
  return (await dataOf(api.PUT(PATHS[kind] as OnePath, { params, body }))) as unknown as RegistryDocument;
}

/** Put changes onto a newer version: what the user changed stays, everything else is as it is there now. */
export function mergeChanges(before: Spec, changed: Spec, after: Spec): Spec {
  const names = new Set([...Object.keys(changed), ...Object.keys(after)]);
  const isKept = (name: string) => JSON.stringify(before[name]) === JSON.stringify(changed[name]);
  const merged = [...names].map((name) => [name, (isKept(name) ? after : changed)[name]] as const);
  return Object.fromEntries(merged.filter((pair): pair is readonly [string, Json] => pair[1] !== undefined));
}

/** Return a new id of a person: 130 random bits, derived from nothing about them. */
export function newPersonId(): string {
  const digits = "abcdefghijklmnopqrstuvwxyz234567";
  const bytes = crypto.getRandomValues(new Uint8Array(26));
  return `p-${[...bytes].map((byte) => digits[byte % digits.length]).join("")}`;
}
