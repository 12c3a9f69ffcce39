import { Code, Group, Stack, Text, Title } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { useCatalogueTexts } from "../../texts/catalogue";
import { useLanguage } from "../../texts/createTexts";
import { ClassificationBadge } from "./ClassificationBadge";
import { FieldTree } from "./FieldTree";

/** Show an event of a contract. */
export function EventContract({ contract, name }: { contract: Schemas["Contract"]; name: string }) {
  const t = useCatalogueTexts();
  const language = useLanguage();
  const event = contract.events?.[name];
  if (!event) return null;
  return (
    <Stack>
      {event.description && <Text maw={720}>{event.description[language]}</Text>}
      <Group gap="md">
        <ClassificationBadge classification={event.classification ?? contract.classification} />
        <Text size="sm">{t("retention", { time: event.retention })}</Text>
        {event.type && <Code>{event.type}</Code>}
      </Group>
      <Title order={2}>{t("data")}</Title>
      <FieldTree schema={event.data} />
      <Title order={2}>{t("example")}</Title>
      <Code block>{JSON.stringify(event.example, null, 2)}</Code>
    </Stack>
  );
}
