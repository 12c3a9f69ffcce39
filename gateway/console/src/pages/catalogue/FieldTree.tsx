import { Badge, Code, Group, Stack, Text } from "@mantine/core";
import {
  choicesOf,
  helpOf,
  isRequired,
  type JsonSchema,
  kindOf,
  propertiesOf,
  resolve,
  titleOf,
} from "../../contracts/schema";
import { useCatalogueTexts } from "../../texts/catalogue";
import { useLanguage } from "../../texts/createTexts";

const DEEPEST = 8;

/** Show a JSON Schema as people read it: a tree of fields with their titles, values and constraints. */
export function FieldTree({ schema }: { schema: JsonSchema }) {
  const t = useCatalogueTexts();
  const root = resolve(schema, schema);
  if (propertiesOf(root, schema).length === 0) return <Text c="dimmed">{t("noFields")}</Text>;
  return <Fields schema={root} root={schema} depth={0} />;
}

interface Props {
  schema: JsonSchema;
  root: JsonSchema;
  depth: number;
}

function Fields({ schema, root, depth }: Props) {
  if (depth > DEEPEST) return null; // a schema may refer to itself
  return (
    <ul className="field-tree">
      {propertiesOf(schema, root).map(([name, property]) => (
        <li key={name}>
          <Field
            name={name}
            schema={property}
            root={root}
            depth={depth}
            required={isRequired(schema, name)}
          />
        </li>
      ))}
    </ul>
  );
}

function Field({ name, schema, root, depth, required }: Props & { name: string; required: boolean }) {
  const t = useCatalogueTexts();
  const language = useLanguage();
  const title = titleOf(schema, name, language);
  const help = helpOf(schema, title);
  const { inner, levels } = itemsOf(schema, root);
  return (
    <Stack gap={2}>
      <Group gap="xs" align="baseline">
        <Text fw={600} span>
          {title}
        </Text>
        <Code>
          {name}
          {"[]".repeat(levels)}
        </Code>
        <Text size="sm" c="dimmed" span>
          <Values schema={schema} inner={inner} />
        </Text>
        {required && (
          <Badge variant="default" size="sm" tt="none" fw={600}>
            {t("required")}
          </Badge>
        )}
      </Group>
      {help && <Text size="sm">{help}</Text>}
      <Choices schema={inner} />
      <Fields schema={inner} root={root} depth={depth + 1} />
    </Stack>
  );
}

function Values({ schema, inner }: { schema: JsonSchema; inner: JsonSchema }) {
  const t = useCatalogueTexts();
  const kinds = schema === inner ? [kindOf(schema)] : (["list", kindOf(inner)] as const);
  const limits = [
    constraint(inner.minLength, inner.maxLength, (from, to) =>
      from === undefined ? t("atMost", { to: String(to) }) : t("characters", { from, to: to ?? "" }),
    ),
    constraint(inner.minimum, inner.maximum, (from, to) => t("range", { from: from ?? "…", to: to ?? "…" })),
    schema === inner
      ? null
      : constraint(undefined, schema.maxItems, (_, to) => t("items", { to: String(to) })),
  ];
  const words = [kinds.map((kind) => t(kind)).join(": "), ...limits.filter((one) => one !== null)];
  const pattern = typeof inner.pattern === "string" ? inner.pattern : null;
  return (
    <>
      {words.join(" · ")}
      {pattern && (
        <>
          {` · ${t("pattern")} `}
          <Code>{pattern}</Code>
        </>
      )}
    </>
  );
}

function Choices({ schema }: { schema: JsonSchema }) {
  const t = useCatalogueTexts();
  const language = useLanguage();
  const choices = choicesOf(schema, language);
  if (choices.length === 0) return null;
  return (
    <Text size="sm" component="div">
      {t("oneOf")}:{" "}
      {choices.map(({ value, title }, index) => (
        <span key={String(value)}>
          {index > 0 && ", "}
          <Code>{String(value)}</Code>
          {title !== String(value) && ` ${title}`}
        </span>
      ))}
    </Text>
  );
}

function itemsOf(schema: JsonSchema, root: JsonSchema): { inner: JsonSchema; levels: number } {
  let inner = schema;
  let levels = 0;
  while (inner.items !== undefined && levels < DEEPEST) {
    inner = resolve(inner.items, root);
    levels += 1;
  }
  return { inner, levels };
}

function constraint(
  from: unknown,
  to: unknown,
  words: (from: number | undefined, to: number | undefined) => string,
): string | null {
  const [least, most] = [from, to].map((one) => (typeof one === "number" ? one : undefined));
  return least === undefined && most === undefined ? null : words(least, most);
}
