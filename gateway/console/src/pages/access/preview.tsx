import { Code, Group, Paper, Stack, Text, Title } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { leavesOf } from "../../components/DocumentDiff";
import { StatusBadge } from "../../components/StatusBadge";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";

type Shows = Schemas["GrantReview"]["shows"];
type Shown = NonNullable<Shows["operations"]>[string];

/** Show what a grant lets its holder see, on the contract's example records, with the hidden fields struck out. */
export function Preview({ shows }: { shows: Shows }) {
  const t = useAccessTexts();
  const sections = [...Object.entries(shows.operations ?? {}), ...Object.entries(shows.events ?? {})];
  return (
    <Paper withBorder p="md">
      <Title order={3}>{t("whatItShows")}</Title>
      <Text size="sm" c="dimmed" mb="sm">
        {sections.length > 0 ? t("whatItShowsHelp") : t("noPreview")}
      </Text>
      <Stack gap="md">
        {sections.map(([name, shown]) => (
          <Example key={name} name={name} shown={shown} />
        ))}
      </Stack>
    </Paper>
  );
}

function Example({ name, shown }: { name: string; shown: Shown }) {
  const t = useAccessTexts();
  const language = useLanguage();
  const all = [...leavesOf(shown.example).keys()];
  const shownLeaves = new Set(leavesOf(shown.visible).keys());
  const visible = new Set(all.filter((pointer) => shownLeaves.has(pointer)));
  const title = titleOf(shown.title, language);
  return (
    <Stack gap={6}>
      <Group gap="xs">
        <Text fw={600} size="sm">
          {title || name}
        </Text>
        {title && <Code>{name}</Code>}
        <StatusBadge meaning="neutral">
          {shown.classification === "personal" || shown.classification === "open"
            ? t(shown.classification)
            : t("internal")}
        </StatusBadge>
        <Text size="xs" c="dimmed">
          {t("shownFields", { shown: visible.size, all: all.length })}
        </Text>
      </Group>
      <Code block tabIndex={0} role="region" aria-label={t("exampleShows", { name })}>
        <Value value={shown.example} visible={visible} at="" indent="" />
      </Code>
    </Stack>
  );
}

function Value({
  value,
  visible,
  at,
  indent,
}: {
  value: unknown;
  visible: ReadonlySet<string>;
  at: string;
  indent: string;
}) {
  if (typeof value !== "object" || value === null) return <>{JSON.stringify(value)}</>;
  const list = Array.isArray(value);
  const members: [string, unknown][] = list
    ? value.map((one, index) => [String(index), one])
    : Object.entries(value);
  return (
    <>
      {list ? "[" : "{"}
      {"\n"}
      {members
        .map(([key, one], index) => (
          <Member key={key} name={list ? "" : key} visible={isVisible(visible, `${at}/${key}`)}>
            <Value value={one} visible={visible} at={`${at}/${key}`} indent={`${indent}  `} />
            {index < members.length - 1 ? "," : ""}
          </Member>
        ))
        .map((member, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the members of a document do not move
          <span key={index}>
            {`${indent}  `}
            {member}
            {"\n"}
          </span>
        ))}
      {indent}
      {list ? "]" : "}"}
    </>
  );
}

function Member({ name, visible, children }: { name: string; visible: boolean; children: React.ReactNode }) {
  const t = useAccessTexts();
  const content = (
    <>
      {name && `${JSON.stringify(name)}: `}
      {children}
    </>
  );
  if (visible) return content;
  return (
    <Text inherit c="dimmed" td="line-through" component="del" title={t("hidden")}>
      {content}
    </Text>
  );
}

function isVisible(visible: ReadonlySet<string>, pointer: string): boolean {
  return visible.has(pointer) || [...visible].some((one) => one.startsWith(`${pointer}/`));
}

function titleOf(title: unknown, language: "vi" | "en"): string {
  if (typeof title !== "object" || title === null) return "";
  const text = (title as Record<string, unknown>)[language];
  return typeof text === "string" ? text : "";
}
