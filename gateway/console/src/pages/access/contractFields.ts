import { isObject } from "../../contracts/isObject";
import { child, titleOf } from "../../contracts/schema";
import type { Language } from "../../texts/createTexts";

/** A field as a grant names it, and what the contract calls it, with the titles of the objects around it. */
export interface Field {
  pointer: string;
  title: string;
}

type Json = Record<string, unknown>;

const MAX_DEPTH = 6;

/** Return the fields of a schema that hold no other fields, by JSON pointers without the places in lists, as grants name them. */
export function fieldsOf(contract: unknown, schema: unknown, language: Language): Field[] {
  const definitions = isObject(contract) && isObject(contract.$defs) ? contract.$defs : {};
  const found = new Map<string, string>();
  for (const { pointer, title } of walk(schema, { definitions, language }, { pointer: "", title: "" }, 0))
    if (!found.has(pointer)) found.set(pointer, title);
  return [...found].map(([pointer, title]) => ({ pointer, title }));
}

function* walk(
  schema: unknown,
  contract: { definitions: Json; language: Language },
  at: Field,
  depth: number,
): Generator<Field> {
  if (!isObject(schema) || depth > MAX_DEPTH) {
    if (at.pointer) yield at;
    return;
  }
  const target = targetOf(schema, contract.definitions);
  if (target !== undefined) {
    yield* walk(target, contract, at, depth + 1);
    return;
  }
  if (isObject(schema.items)) {
    yield* walk(schema.items, contract, at, depth + 1);
    return;
  }
  const variants = [schema.oneOf, schema.anyOf, schema.allOf].flatMap((one) =>
    Array.isArray(one) ? one : [],
  );
  const properties = isObject(schema.properties) ? Object.entries(schema.properties) : [];
  if (properties.length === 0 && variants.length === 0) {
    if (at.pointer) yield at;
    return;
  }
  for (const [name, property] of properties)
    yield* walk(property, contract, fieldIn(at, name, property, contract), depth + 1);
  for (const variant of variants) yield* walk(variant, contract, at, depth + 1);
}

function targetOf(schema: Json, definitions: Json): unknown {
  return typeof schema.$ref === "string" ? definitions[schema.$ref.split("/").at(-1) ?? ""] : undefined;
}

function fieldIn(
  parent: Field,
  name: string,
  property: unknown,
  contract: { definitions: Json; language: Language },
): Field {
  const own = isObject(property) ? property : {};
  const target = targetOf(own, contract.definitions);
  const title = titleOf({ ...(isObject(target) ? target : {}), ...own }, name, contract.language);
  return { pointer: child(parent.pointer, name), title: parent.title ? `${parent.title}, ${title}` : title };
}
