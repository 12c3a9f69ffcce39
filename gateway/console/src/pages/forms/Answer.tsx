import { Anchor, Badge, Button, Card, Group, Table, Text, Title } from "@mantine/core";
import { IconPrinter } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Schemas } from "../../api/client";
import { formatDate } from "../../components/dates";
import { formatNumber } from "../../components/formats";
import { formatDateTime } from "../../components/Timestamp";
import { usePurposes } from "../../components/usePurposes";
import {
  choicesOf,
  isJsonObject,
  type Json,
  type JsonSchema,
  kindOf,
  propertiesOf,
  resolve,
  titleOf,
} from "../../contracts/schema";
import { useLanguage } from "../../texts/createTexts";
import { useFormTexts } from "../../texts/forms";
import { PersonalBadge } from "./FormList";

/** What was asked and answered. */
export interface Answered {
  request: Json;
  response: Json;
  message: string;
  time: Date;
  purpose: string;
  reference: string;
  legalBasis: string;
}

/** Show an answer as a page that can be read and printed: who asked, why, what, and what came. */
export function Answer({
  form,
  answered,
  onAgain,
}: {
  form: Schemas["FormDescription"];
  answered: Answered;
  onAgain: () => void;
}) {
  const t = useFormTexts();
  const language = useLanguage();
  const { title } = usePurposes();
  const { officer } = form;
  const by = officer.name ? `${officer.name} (${officer.person})` : officer.person;
  return (
    <article aria-labelledby="answer-title" className="answer-page">
      <Group justify="space-between" mb="md" className="no-print">
        <Button variant="default" onClick={onAgain}>
          {t("again")}
        </Button>
        <Button leftSection={<IconPrinter size={16} aria-hidden />} onClick={() => window.print()}>
          {t("print")}
        </Button>
      </Group>
      <Card withBorder mb="md">
        <dl className="answer-list">
          <Row title={t("agency")}>{officer.agencyTitle[language]}</Row>
          <Row title={t("officer")}>{by}</Row>
          <Row title={t("time")}>{formatDateTime(answered.time)}</Row>
          <Row title={t("purpose")}>
            {title(answered.purpose)} · {t("basis", { basis: answered.legalBasis })}
          </Row>
          {answered.reference && <Row title={t("reference")}>{answered.reference}</Row>}
          <Row title={t("provider")}>
            {form.serviceTitle[language]}, {form.provider.title[language]}
          </Row>
          <Row title={t("message")}>
            <Text span ff="monospace" size="sm">
              {answered.message}
            </Text>
          </Row>
        </dl>
      </Card>
      <Card withBorder mb="md">
        <Group justify="space-between" mb="xs">
          <Title order={2} id="answer-title" tabIndex={-1}>
            {t("answer")}
          </Title>
          {form.classification === "personal" && <PersonalBadge />}
        </Group>
        <Value
          schema={resolve(form.response, form.response)}
          root={form.response}
          value={answered.response}
        />
      </Card>
      <Card withBorder>
        <Title order={2} mb="xs">
          {t("asked")}
        </Title>
        <Value schema={resolve(form.request, form.request)} root={form.request} value={answered.request} />
      </Card>
      <Text size="xs" mt="md" className="print-only">
        {t("notice")}
      </Text>
    </article>
  );
}

function Row({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </>
  );
}

interface ValueProps {
  schema: JsonSchema;
  root: JsonSchema;
  value: Json;
  title?: string | undefined;
}

function Value({ schema, root, value, title }: ValueProps) {
  const t = useFormTexts();
  if (isJsonObject(value)) return <Members schema={schema} root={root} value={value} />;
  if (Array.isArray(value)) {
    if (value.length === 0) return <Text c="dimmed">{t("emptyAnswer")}</Text>;
    return <Items schema={resolve(schema.items, root)} root={root} title={title} items={value} />;
  }
  return <Leaf schema={schema} value={value} />;
}

function Members({ schema, root, value }: ValueProps & { value: { [name: string]: Json } }) {
  const t = useFormTexts();
  const language = useLanguage();
  const declared = propertiesOf(schema, root);
  const known = new Set(declared.map(([name]) => name));
  const undeclared = Object.keys(value).filter((name) => !known.has(name));
  const rows = [...declared, ...undeclared.map((name): [string, JsonSchema] => [name, {}])];
  const shown = rows.filter(([name]) => value[name] !== undefined && value[name] !== null);
  if (shown.length === 0) return <Text c="dimmed">{t("emptyAnswer")}</Text>;
  return (
    <dl className="answer-list">
      {shown.map(([name, property]) => (
        <MemberRow
          key={name}
          title={titleOf(property, name, language)}
          schema={property}
          root={root}
          value={value[name] ?? null}
        />
      ))}
    </dl>
  );
}

function MemberRow({ title, schema, root, value }: ValueProps & { title: string }) {
  const wide = isJsonObject(value) || (Array.isArray(value) && value.some(isJsonObject));
  return (
    <>
      <dt className={wide ? "answer-wide" : undefined}>{title}</dt>
      <dd className={wide ? "answer-wide answer-group" : undefined}>
        <Value schema={schema} root={root} value={value} title={title} />
      </dd>
    </>
  );
}

interface ItemsProps {
  schema: JsonSchema;
  root: JsonSchema;
  title: string | undefined;
  items: Json[];
}

/** Show a list: of objects as a table, a column for each field that occurs; of anything else, one below the other. */
function Items({ schema, root, title, items }: ItemsProps) {
  const language = useLanguage();
  const objects = items.filter(isJsonObject);
  if (objects.length !== items.length) {
    return items.map((item, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: an answer does not change
      <div key={index}>
        <Value schema={schema} root={root} value={item} />
      </div>
    ));
  }
  const columns = propertiesOf(schema, root).filter(([name]) =>
    objects.some((item) => item[name] !== undefined),
  );
  return (
    <section className="answer-scroll" aria-label={title}>
      <Table withTableBorder striped>
        <Table.Thead>
          <Table.Tr>
            {columns.map(([name, property]) => (
              <Table.Th key={name}>{titleOf(property, name, language)}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {objects.map((item, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: an answer does not change
            <Table.Tr key={index}>
              {columns.map(([name, property]) => (
                <Table.Td key={name}>
                  {item[name] !== undefined && item[name] !== null && (
                    <Value schema={property} root={root} value={item[name]} />
                  )}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

function Leaf({ schema, value }: { schema: JsonSchema; value: Json }) {
  const t = useFormTexts();
  const language = useLanguage();
  if (value === null) return null;
  if (typeof value === "boolean") {
    return (
      <Badge variant="outline" color="gray" size="lg" tt="none" styles={{ root: { color: "inherit" } }}>
        {t(value ? "yes" : "no")}
      </Badge>
    );
  }
  const kind = kindOf(schema);
  if (kind === "choice") {
    return choicesOf(schema, language).find((one) => one.value === value)?.title ?? String(value);
  }
  if (typeof value === "number") return formatNumber(value, language, 15);
  if (kind === "file" && /^\/files\/[0-9a-f-]{36}$/.test(String(value))) {
    return (
      <Anchor href={String(value)} download>
        {t("openFile")}
      </Anchor>
    );
  }
  if (kind === "time") {
    const time = new Date(String(value));
    return Number.isNaN(time.getTime()) ? String(value) : formatDateTime(time);
  }
  const isDate = kind === "date" || kind === "dateOrYear" || kind === "month";
  return <bdi className="answer-text">{isDate ? formatDate(String(value)) : String(value)}</bdi>;
}
