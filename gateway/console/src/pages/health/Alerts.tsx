import { Alert, Card, Group, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { api, dataOf, type Schemas } from "../../api/client";
import { ErrorState } from "../../components/PageStates";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { useLanguage } from "../../texts/createTexts";
import { useHealthTexts } from "../../texts/health";

const INTERVAL_MS = 15_000;

/** Show the alerts that fire in the Alertmanager that the gateway knows. */
export function Alerts() {
  const t = useHealthTexts();
  const language = useLanguage();
  const { data, error, refetch } = useQuery({
    queryKey: ["alerts"],
    queryFn: () => dataOf(api.GET("/ops/alerts")),
    refetchInterval: INTERVAL_MS,
  });
  return (
    <section aria-labelledby="alerts">
      <Title order={2} id="alerts" mb="xs">
        {t("alerts")}
      </Title>
      {!data && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {data && !data.configured && (
        <Text size="sm" c="dimmed" maw={720}>
          {t("notConfigured")}
        </Text>
      )}
      {data?.problem && (
        <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />}>
          {data.problem[language]}
        </Alert>
      )}
      {data?.configured && !data.problem && data.items.length === 0 && <Text size="sm">{t("noAlerts")}</Text>}
      <Stack gap="sm">
        {data?.items.map((one) => (
          <OneAlert key={`${one.name} ${one.since} ${JSON.stringify(one.labels)}`} alert={one} />
        ))}
      </Stack>
    </section>
  );
}

function OneAlert({ alert }: { alert: Schemas["Alert"] }) {
  const t = useHealthTexts();
  const critical = alert.severity === "critical";
  const labels = Object.entries(alert.labels).map(([name, value]) => `${name}=${value}`);
  return (
    <Card withBorder padding="md">
      <Group gap="sm" justify="space-between" align="flex-start">
        <Title order={3}>{alert.name}</Title>
        <StatusBadge meaning={critical ? "failure" : "attention"}>
          {critical ? t("critical") : t("warning")}
        </StatusBadge>
      </Group>
      <Text size="sm" mt={4} maw={720}>
        {alert.summary}
      </Text>
      {alert.action && (
        <Text size="sm" fw={600} mt="xs" maw={720}>
          {t("whatToDo")}: {alert.action}
        </Text>
      )}
      <Text size="xs" c="dimmed" mt="xs">
        <Timestamp time={alert.since} relative /> {labels.length > 0 && `· ${labels.join(", ")}`}
      </Text>
    </Card>
  );
}
