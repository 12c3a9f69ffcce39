import type { Language } from "../texts/createTexts";
import { isObject } from "./isObject";

export type JsonSchema = Readonly<Record<string, unknown>>;
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** How a value is asked for and shown. */
export type Kind =
  | "text"
  | "date"
  | "dateOrYear"
  | "month"
  | "time"
  | "choice"
  | "number"
  | "integer"
  | "boolean"
  | "file"
  | "object"
  | "list"
  | "other";

export interface Choice {
  value: Json;
  title: string;
}

const MAX_REFERENCES = 20;
const LONG_TEXT = 250;

/** No dates; a pattern that accepts one of them describes something else: words, a number, a telephone. */
const NO_DATES = ["x-y-z", "123456789"] as const;

/** What fields are called that a contract gives no title, by their format. */
const FORMAT_TITLES: Readonly<Record<string, Record<Language, string>>> = {
  "so-dinh-danh": { vi: "Số định danh cá nhân", en: "Personal number" },
  "so-cmnd": { vi: "Số chứng minh nhân dân", en: "Old identity card number" },
  "ma-the-bhyt": { vi: "Mã thẻ bảo hiểm y tế", en: "Health card number" },
  "ma-so-bhxh": { vi: "Mã số bảo hiểm xã hội", en: "Social insurance number" },
  "ma-so-doanh-nghiep": { vi: "Mã số doanh nghiệp", en: "Enterprise number" },
  "ma-dinh-danh-dien-tu": { vi: "Mã định danh cơ quan", en: "Code of the agency" },
};

/** Return a schema with what its references and `allOf` add to it; its own keywords take precedence. */
export function resolve(schema: unknown, root: JsonSchema): JsonSchema {
  let resolved = isObject(schema) ? schema : {};
  for (let step = 0; step < MAX_REFERENCES && typeof resolved.$ref === "string"; step++) {
    const { $ref, ...own } = resolved;
    resolved = { ...find(root, $ref as string), ...own };
  }
  if (!Array.isArray(resolved.allOf)) return resolved;
  const { allOf, ...own } = resolved;
  const parts = [...(allOf as unknown[]).map((part) => resolve(part, root)), own];
  return Object.assign({}, ...parts, {
    properties: Object.assign({}, ...parts.map((part) => part.properties)),
    required: parts.flatMap((part) => strings(part.required)),
  });
}

/** Return how the value of a resolved schema is asked for and shown. */
export function kindOf(schema: JsonSchema): Kind {
  if (choicesOf(schema, "vi").length > 0) return "choice";
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  if (type === "object" || isObject(schema.properties)) return "object";
  if (type === "array") return "list";
  if (type === "boolean") return "boolean";
  if (type === "integer" || type === "number") return type;
  const alternatives = listOf(schema.anyOf) ?? listOf(schema.oneOf);
  if (type === undefined && alternatives?.length) {
    const kinds = alternatives.filter((one) => isObject(one)).map(kindOf);
    if (kinds.includes("date") && kinds.every((kind) => kind === "date" || kind === "text"))
      return "dateOrYear";
    if (kinds.every((kind) => kind === "text")) return "text";
  }
  return type === "string" ? kindOfText(schema) : "other";
}

/** Tell whether texts may be so long that they are asked for in several lines. */
export function isLongText(schema: JsonSchema): boolean {
  return typeof schema.maxLength === "number" && schema.maxLength >= LONG_TEXT;
}

/** Return the codes of a schema with their titles; none where it has no fixed set of values. */
export function choicesOf(schema: JsonSchema, language: Language): Choice[] {
  if (Array.isArray(schema.enum)) {
    const titles = isObject(schema["x-lgsp-titles"]) ? schema["x-lgsp-titles"] : {};
    return (schema.enum as Json[]).map((value) => ({
      value,
      title: textIn(titles[String(value)], language) ?? String(value),
    }));
  }
  const alternatives = listOf(schema.oneOf) ?? listOf(schema.anyOf) ?? [];
  const constants = alternatives.filter((one): one is JsonSchema => isObject(one) && "const" in one);
  if (constants.length === 0 || constants.length !== alternatives.length) return [];
  return constants.map((one) => ({
    value: one.const as Json,
    title: textIn(one["x-lgsp-title"], language) ?? textIn(one.title, language) ?? String(one.const),
  }));
}

/** Return what a field is called: by the contract, by its format, or else by its name. */
export function titleOf(schema: JsonSchema, name: string, language: Language): string {
  const format = typeof schema.format === "string" ? FORMAT_TITLES[schema.format] : undefined;
  return (
    textIn(schema["x-lgsp-title"], language) ??
    textIn(schema.title, language) ??
    format?.[language] ??
    humanised(name)
  );
}

/** Return what the contract says of a field; "" where it says nothing, or nothing beyond its title. */
export function helpOf(schema: JsonSchema, title: string): string {
  const help = typeof schema.description === "string" ? schema.description : "";
  return help === title ? "" : help;
}

/** Return the fields of an object in the order of the contract. */
export function propertiesOf(schema: JsonSchema, root: JsonSchema): [string, JsonSchema][] {
  const properties = isObject(schema.properties) ? schema.properties : {};
  return Object.entries(properties).map(([name, property]) => [name, resolve(property, root)]);
}

export function isRequired(schema: JsonSchema, name: string): boolean {
  return strings(schema.required).includes(name);
}

/** Return the names of the fields of which at least one must be given, where a contract says so and nothing more. */
export function eitherOf(schema: JsonSchema): string[] {
  const alternatives = listOf(schema.anyOf) ?? [];
  const required = alternatives.map((one) => (isObject(one) ? strings(one.required) : []));
  return required.every((names) => names.length === 1) ? required.flat() : [];
}

/** Extend a JSON pointer (RFC 6901) by one step. */
export function child(pointer: string, step: string | number): string {
  return `${pointer}/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** Tell whether a value of a document is an object, and no list. */
export function isJsonObject(value: unknown): value is { [name: string]: Json } {
  return isObject<Json>(value);
}

function kindOfText(schema: JsonSchema): Kind {
  switch (schema.format) {
    case "date":
      return "date";
    case "date-time":
      return "time";
    case "file-reference":
      return "file";
  }
  const accepts = patternOf(schema);
  if (accepts === null || NO_DATES.some(accepts)) return "text";
  if (accepts("1993-05-17")) return accepts("1993") ? "dateOrYear" : "date";
  return accepts("1993-05") ? "month" : "text";
}

function patternOf(schema: JsonSchema): ((text: string) => boolean) | null {
  if (typeof schema.pattern !== "string") return null;
  try {
    const expression = new RegExp(schema.pattern, "u");
    return (text) => expression.test(text);
  } catch {
    return null; // a pattern of another dialect: the gateway checks it
  }
}

function find(root: JsonSchema, reference: string): JsonSchema {
  let found: unknown = root;
  for (const step of reference.replace(/^#\/?/, "").split("/").filter(Boolean)) {
    found = isObject(found) ? found[step.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return isObject(found) ? found : {};
}

function textIn(text: unknown, language: Language): string | undefined {
  if (typeof text === "string" && text) return text;
  const translated = isObject(text) ? (text[language] ?? text.vi) : undefined;
  return typeof translated === "string" && translated ? translated : undefined;
}

function humanised(name: string): string {
  const words = name.replace(/([a-z])([A-Z0-9])/g, "$1 $2").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function listOf(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}
