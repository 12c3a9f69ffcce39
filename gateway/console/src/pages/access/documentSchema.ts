import { useQuery } from "@tanstack/react-query";
import { api, dataOf } from "../../api/client";
import { useHasRole } from "../../app/session";
import { useRoleTitle } from "../../components/roles";
import { useAgencies } from "../../components/useTitles";
import { child, type JsonSchema, kindOf, propertiesOf, resolve } from "../../contracts/schema";
import { useDocumentTexts } from "../../texts/documents";
import { EDITED, type EditedKind, type Spec } from "./registryDocuments";

/** What other pages and commands manage: keys in the wizard, deputies in their dialog. */
const ELSEWHERE: Readonly<Record<EditedKind, readonly string[]>> = {
  agencies: [],
  purposes: [],
  persons: ["deputy"],
  systems: ["jwks", "secretSha256"],
};
/** What only operators set. */
const FOR_OPERATORS: Readonly<Record<EditedKind, readonly string[]>> = {
  agencies: ["storage"],
  purposes: [],
  persons: [],
  systems: ["agency", "roles"],
};

/**
 * Return the schema of what a form asks for, with titles in both languages; undefined until it is read.
 *
 * @param present what the document says, whose values can be chosen even where they are known no more.
 */
export function useDocumentSchema(
  kind: EditedKind,
  present?: Spec,
): { schema: JsonSchema | undefined; error: Error | null } {
  const dress = useDressed(present);
  const operates = useHasRole("operator");
  const known = EDITED[kind].toLowerCase();
  const published = useQuery({
    queryKey: ["schema", known],
    queryFn: () => dataOf(api.GET("/schemas/{name}.json", { params: { path: { name: known } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!published.data || !dress) return { schema: undefined, error: published.error };
  const root = published.data as JsonSchema;
  const spec = resolve((root.properties as JsonSchema).spec, root);
  const left = [...ELSEWHERE[kind], ...(operates ? [] : FOR_OPERATORS[kind])];
  const shown = propertiesOf(spec, root).filter(([name]) => !left.includes(name));
  const properties = Object.fromEntries(shown.map(([name, one]) => [name, dress(one, `/${name}`, root)]));
  const required = (spec.required as string[]).filter((name) => name in properties);
  return { schema: { type: "object", properties, required }, error: null };
}

type Dress = (schema: JsonSchema, pointer: string, root: JsonSchema) => JsonSchema;

/** Return what gives the fields of a schema their titles, their help and the values to choose from. */
function useDressed(present: Spec = {}): Dress | undefined {
  const t = useDocumentTexts();
  const text = t as (key: string) => string;
  const roleTitle = useRoleTitle();
  const agencies = useAgencies();
  const issuers = useQuery({
    queryKey: ["issuers"],
    queryFn: () => dataOf(api.GET("/oauth2/issuers")),
  });
  if (agencies.isPending || issuers.isPending) return undefined;
  const choices: Record<string, JsonSchema> = {
    "/agency": choice(
      (agencies.data ?? []).map(({ metadata, spec }) => [
        metadata.name,
        { vi: `${spec.title.vi} (${metadata.name})`, en: `${spec.title.en} (${metadata.name})` },
      ]),
      present.agency,
    ),
    "/issuer": choice(
      [
        [location.origin, t("thisBus")],
        ...(issuers.data?.items ?? []).map(({ issuer }) => [issuer, issuer] as const),
      ],
      present.issuer,
    ),
  };
  const dress: Dress = (unresolved, pointer, root) => {
    const schema = resolve(unresolved, root);
    const title = text(pointer);
    const help = text(`help${pointer}`);
    const dressed: Record<string, unknown> = {
      ...schema,
      ...(title === pointer ? {} : { "x-lgsp-title": title }),
      description: help === `help${pointer}` ? "" : help,
      ...choices[pointer],
      ...(typeof schema.pattern === "string" && { maxLength: undefined }), // one line, however long it may be
    };
    if (kindOf(schema) === "object") {
      const members = propertiesOf(schema, root).map(([name, one]) => [
        name,
        dress(one, child(pointer, name), root),
      ]);
      dressed.properties = Object.fromEntries(members);
    }
    if (kindOf(schema) === "list") {
      const item = resolve(schema.items, root);
      const values = Array.isArray(item.enum) ? (item.enum as string[]) : [];
      const titles = Object.fromEntries(values.map((role) => [role, roleTitle(role)]));
      dressed.items =
        pointer === "/roles" ? { ...item, "x-lgsp-titles": titles } : { ...item, description: "" };
    }
    return dressed;
  };
  return dress;
}

/** Return a schema of some values with their titles, and of the present one. */
function choice(values: readonly (readonly [string, unknown])[], present: unknown): JsonSchema {
  const known = values.map(([value]) => value);
  const others = typeof present === "string" && !known.includes(present) ? [present] : [];
  return { enum: [...known, ...others], "x-lgsp-titles": Object.fromEntries(values) };
}
