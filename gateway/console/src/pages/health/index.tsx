import { Card, Group, List, Stack, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, dataOf, type Schemas } from "../../api/client";
import { useEventStream } from "../../api/useEventStream";
import { Notice } from "../../components/Notice";
import { PageHeader } from "../../components/PageHeader";
import { ErrorState, LoadingState, OutOfDateNotice } from "../../components/PageStates";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { useCommonTexts } from "../../texts/common";
import { useLanguage } from "../../texts/createTexts";
import { useHealthTexts } from "../../texts/health";
import { Alerts } from "./Alerts";
import { useCheckTitle } from "./useCheckTitle";

type CheckList = Schemas["CheckList"];

const KEY = ["checks"];

/** Health: the checks that fail with what to do, the alerts that fire, and the checks that pass. */
export default function HealthPage() {
  const t = useHealthTexts();
  const common = useCommonTexts();
  const queries = useQueryClient();
  const stream = useEventStream("/ops/checks", {
    message: (data) => queries.setQueryData<CheckList>(KEY, data as CheckList),
  });
  const { data, error, refetch } = useQuery({
    queryKey: KEY,
    queryFn: async () => (await dataOf(api.GET("/ops/checks"))) as CheckList, // events are asked for by EventSource alone
    staleTime: Number.POSITIVE_INFINITY,
  });
  const failing = data?.items.filter((one) => !one.ok) ?? [];
  return (
    <Stack gap="lg">
      <PageHeader title={common("health")} purpose={t("purpose")} />
      {data && <OutOfDateNotice stream={stream} />}
      {!data && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <LoadingState />}
      {data && (
        <>
          <Text size="sm" c="dimmed" mt="-md">
            {t("ofGateway", { gateway: data.gateway })} · <Timestamp time={new Date(data.time * 1000)} />
          </Text>
          <Failing checks={failing} />
          <Alerts />
          <Passing checks={data.items.filter((one) => one.ok)} />
        </>
      )}
    </Stack>
  );
}

function Failing({ checks }: { checks: CheckList["items"] }) {
  const t = useHealthTexts();
  const language = useLanguage();
  const titleOf = useCheckTitle();
  if (checks.length === 0) {
    return (
      <Notice meaning="healthy" title={t("allPass")}>
        {t("allPassHelp")}
      </Notice>
    );
  }
  return (
    <section aria-labelledby="failing">
      <Title order={2} id="failing" mb="xs">
        {t("failing", { count: checks.length })}
      </Title>
      <Stack gap="sm">
        {checks.map((one) => (
          <Card key={one.check} withBorder padding="md">
            <Group gap="sm" justify="space-between" align="flex-start">
              <Title order={3}>{titleOf(one.check)}</Title>
              <StatusBadge meaning="failure">{t("failed")}</StatusBadge>
            </Group>
            <Text size="sm" mt={4} maw={720}>
              {one.detail?.[language]}
            </Text>
            <Text size="xs" c="dimmed" mt="xs">
              <Timestamp time={new Date(one.since * 1000)} relative />
            </Text>
          </Card>
        ))}
      </Stack>
    </section>
  );
}

function Passing({ checks }: { checks: CheckList["items"] }) {
  const t = useHealthTexts();
  const titleOf = useCheckTitle();
  return (
    <section aria-labelledby="passing">
      <Title order={2} id="passing" mb="xs">
        {t("passing", { count: checks.length })}
      </Title>
      <List listStyleType="none" spacing={6} size="sm">
        {checks.map((one) => (
          <List.Item key={one.check}>
            <Group gap="sm">
              <StatusBadge meaning="healthy">{t("passed")}</StatusBadge>
              {titleOf(one.check)}
            </Group>
          </List.Item>
        ))}
      </List>
    </section>
  );
}
