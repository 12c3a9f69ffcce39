import { Card, Group, List, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, dataOf, type Schemas } from "../../api/client";
import { useSession } from "../../app/session";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { useCatalogueTexts } from "../../texts/catalogue";
import { changesBetween } from "./contractChanges";

/** Show the versions that a contract has had, newest first, and what changed in each. */
export function Versions({ service, major }: { service: string; major: number }) {
  const t = useCatalogueTexts();
  const session = useSession();
  const { data, error } = useQuery({
    queryKey: ["versions", service, major],
    queryFn: () =>
      dataOf(
        api.GET("/catalog/services/{service}/v{major}/versions", { params: { path: { service, major } } }),
      ),
    enabled: session !== null,
  });
  if (!session) return <Text c="dimmed">{t("versionsSignIn")}</Text>;
  if (error) return <ErrorState error={error} />;
  if (!data) return <LoadingState />;
  return data.items.map((version, index) => (
    <Card key={version.version} withBorder>
      <Group justify="space-between" mb="xs">
        <Group gap="xs">
          <Title order={2}>{version.version}</Title>
          {index === 0 && <StatusBadge meaning="healthy">{t("current")}</StatusBadge>}
        </Group>
        <Text size="sm" c="dimmed">
          {t("since")} <Timestamp time={new Date(version.since)} />
        </Text>
      </Group>
      <Changes before={data.items[index + 1]?.contract} after={version.contract} />
    </Card>
  ));
}

function Changes({ before, after }: { before: Schemas["Contract"] | undefined; after: Schemas["Contract"] }) {
  const t = useCatalogueTexts();
  if (!before) return <Text c="dimmed">{t("firstVersion")}</Text>;
  const changes = changesBetween(before, after);
  if (changes.length === 0) return <Text c="dimmed">{t("noChange")}</Text>;
  return (
    <Stack gap={4}>
      <Text fw={600}>{t("changes")}</Text>
      <List size="sm">
        {changes.map(({ kind, path }) => (
          <List.Item key={path}>
            {t(kind)}: <span className="identifier">{path}</span>
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}
