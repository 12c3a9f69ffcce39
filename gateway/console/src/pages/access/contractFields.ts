import { isObject } from "../../contracts/isObject";

type Json = Record<string, unknown>;

const MAX_DEPTH = 6;

/** Return the fields of a schema that hold no other fields, as JSON pointers without the places in lists, as grants name them. */
export function fieldsOf(contract: unknown, schema: unknown): string[] {
  const definitions = isObject(contract) && isObject(contract.$defs) ? contract.$defs : {};
  return [...new Set(walk(schema, definitions, "", 0))];
}

function* walk(schema: unknown, definitions: Json, at: string, depth: number): Generator<string> {
  if (!isObject(schema) || depth > MAX_DEPTH) {
    if (at) yield at;
    return;
  }
  const target =
    typeof schema.$ref === "string" ? definitions[schema.$ref.split("/").at(-1) ?? ""] : undefined;
  if (target !== undefined) {
    yield* walk(target, definitions, at, depth + 1);
    return;
  }
  if (isObject(schema.items)) {
    yield* walk(schema.items, definitions, at, depth + 1);
    return;
  }
  const variants = [schema.oneOf, schema.anyOf, schema.allOf].flatMap((one) =>
    Array.isArray(one) ? one : [],
  );
  const properties = isObject(schema.properties) ? Object.entries(schema.properties) : [];
  if (properties.length === 0 && variants.length === 0) {
    if (at) yield at;
    return;
  }
  for (const [name, property] of properties)
    yield* walk(
      property,
      definitions,
      `${at}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`,
      depth + 1,
    );
  for (const variant of variants) yield* walk(variant, definitions, at, depth + 1);
}
