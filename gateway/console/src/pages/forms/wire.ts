import { formatDate, parseDate, parseMonth } from "../../components/dates";
import {
  child,
  isJsonObject,
  isRequired,
  type Json,
  type JsonSchema,
  kindOf,
  propertiesOf,
  resolve,
} from "../../contracts/schema";

/** What somebody has entered: texts as they were typed, in the shape of the document. */
export type Entered = undefined | string | boolean | Entered[] | { [name: string]: Entered };

/** Why what was entered cannot be sent, where that can be told without the gateway. */
export type Fault = "required" | "date" | "dateOrYear" | "month" | "number" | "integer" | "json";

export interface WireDocument {
  document: Json | undefined;
  faults: ReadonlyMap<string, Fault>;
}

/** Make the document of what was entered, and tell what is wrong with which field. Everything else is for the gateway to judge. */
export function toDocument(schema: JsonSchema, entered: Entered): WireDocument {
  const faults = new Map<string, Fault>();
  const document = convert(resolve(schema, schema), schema, entered, "", true, faults);
  return { document, faults };
}

/** Return what a form begins with: the objects that are always there, and lists with as many items as they need. */
export function emptyEntry(schema: JsonSchema, root: JsonSchema): Entered {
  const kind = kindOf(schema);
  if (kind === "list") {
    const count = typeof schema.minItems === "number" ? Math.min(schema.minItems, 20) : 0;
    const item = resolve(schema.items, root);
    return Array.from({ length: count }, () => emptyEntry(item, root));
  }
  if (kind !== "object") return undefined;
  const required = propertiesOf(schema, root).filter(([name]) => isRequired(schema, name));
  return Object.fromEntries(required.map(([name, property]) => [name, emptyEntry(property, root)]));
}

/** Return what a form shows of a document that exists: the inverse of `toDocument`. */
export function fromDocument(schema: JsonSchema, root: JsonSchema, document: Json | undefined): Entered {
  if (document === undefined || document === null) return emptyEntry(schema, root);
  const kind = kindOf(schema);
  if (kind === "object" && isJsonObject(document)) {
    const shown = propertiesOf(schema, root).filter(([name]) => name in document || isRequired(schema, name));
    return Object.fromEntries(
      shown.map(([name, property]) => [name, fromDocument(property, root, document[name])]),
    );
  }
  if (kind === "list" && Array.isArray(document)) {
    const item = resolve(schema.items, root);
    return document.map((one) => fromDocument(item, root, one));
  }
  if (kind === "date" || kind === "month") return formatDate(String(document));
  return typeof document === "object" ? JSON.stringify(document) : String(document);
}

function convert(
  schema: JsonSchema,
  root: JsonSchema,
  entered: Entered,
  pointer: string,
  required: boolean,
  faults: Map<string, Fault>,
): Json | undefined {
  const kind = kindOf(schema);
  if (kind === "object") return convertObject(schema, root, entered, pointer, required, faults);
  if (kind === "list") {
    if (!Array.isArray(entered) || (entered.length === 0 && !required)) return undefined;
    const item = resolve(schema.items, root);
    return entered.map((one, index) => convert(item, root, one, child(pointer, index), true, faults) ?? null);
  }
  if (typeof entered === "boolean") return entered;
  const text = typeof entered === "string" ? entered.trim().normalize("NFC") : "";
  if (text === "") {
    if (required) faults.set(pointer, "required");
    return undefined;
  }
  const value = parseText(kind, text, schema);
  if (value.fault) faults.set(pointer, value.fault);
  return value.parsed;
}

function convertObject(
  schema: JsonSchema,
  root: JsonSchema,
  entered: Entered,
  pointer: string,
  required: boolean,
  faults: Map<string, Fault>,
): Json | undefined {
  if (!isJsonObject(entered)) return required ? {} : undefined;
  const members = entered as { [name: string]: Entered };
  const converted: { [name: string]: Json } = {};
  for (const [name, property] of propertiesOf(schema, root)) {
    const value = convert(
      property,
      root,
      members[name],
      child(pointer, name),
      isRequired(schema, name),
      faults,
    );
    if (value !== undefined) converted[name] = value;
  }
  return converted;
}

function parseText(
  kind: ReturnType<typeof kindOf>,
  text: string,
  schema: JsonSchema,
): { parsed?: Json; fault?: Fault } {
  switch (kind) {
    case "date":
      return orFault(parseDate(text), "date");
    case "dateOrYear":
      return orFault(/^\d{4}$/.test(text) ? text : parseDate(text), "dateOrYear");
    case "month":
      return orFault(parseMonth(text), "month");
    case "integer":
      return /^-?\d{1,15}$/.test(text) ? { parsed: Number(text) } : { fault: "integer" };
    case "number":
      return /^-?\d{1,15}([.,]\d{1,15})?$/.test(text)
        ? { parsed: Number(text.replace(",", ".")) }
        : { fault: "number" };
    case "choice":
      return { parsed: choiceOf(schema, text) };
    case "boolean":
      return { parsed: text === "true" };
    case "other":
      try {
        return { parsed: JSON.parse(text) as Json };
      } catch {
        return { fault: "json" };
      }
    default:
      return { parsed: text };
  }
}

function orFault(parsed: string | null, fault: Fault): { parsed?: Json; fault?: Fault } {
  return parsed === null ? { fault } : { parsed };
}

/** Return the code that was chosen by its text: a code may be a number. */
function choiceOf(schema: JsonSchema, text: string): Json {
  const listed = Array.isArray(schema.enum)
    ? (schema.enum as Json[])
    : ((schema.oneOf ?? schema.anyOf ?? []) as { const: Json }[]).map((one) => one.const);
  return listed.find((value) => String(value) === text) ?? text;
}
