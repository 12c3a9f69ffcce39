import { Anchor, Card, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { useHasRole } from "../../app/session";
import { Notice } from "../../components/Notice";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, ForbiddenState, LoadingState } from "../../components/PageStates";
import { Timestamp } from "../../components/Timestamp";
import { useLanguage } from "../../texts/createTexts";
import { useRequestsTexts } from "../../texts/requests";
import { Deadline, FirstReply } from "./deadline";

const ROLES = ["agency-admin", "auditor"];

/** The requests: those that wait first, the most urgent of them first. */
export function RequestList() {
  const t = useRequestsTexts();
  const language = useLanguage();
  const query = useQuery({
    queryKey: ["citizen-requests", language],
    queryFn: () => dataOf(api.GET("/citizen-requests")),
    refetchInterval: 60_000,
  });
  if (query.error instanceof ApiError && query.error.code === "not-granted")
    return <ForbiddenState roles={ROLES} />;
  return (
    <>
      <PageHeader title={t("title")} purpose={t("purpose")} />
      {query.isPending && !query.error && <LoadingState />}
      {query.error && <ErrorState error={query.error} onRetry={() => void query.refetch()} />}
      {query.data && query.data.damaged.length > 0 && <Damaged requests={query.data.damaged} />}
      {query.data?.items.length === 0 && query.data.damaged.length === 0 && (
        <EmptyState title={t("none")}>{t("noneHelp")}</EmptyState>
      )}
      <Stack component="ul" gap="sm" p={0} m={0} maw={900} style={{ listStyle: "none" }}>
        {query.data?.items.map((request) => (
          <li key={request.number}>
            <RequestCard request={request} />
          </li>
        ))}
      </Stack>
      {query.data?.more && (
        <Text size="sm" c="dimmed" mt="md">
          {t("more")}
        </Text>
      )}
    </>
  );
}

/** Name the requests that cannot be read: they wait like the others, and somebody has to have them restored. */
function Damaged({ requests }: { requests: Schemas["DamagedRequest"][] }) {
  const t = useRequestsTexts();
  const seesAll = useHasRole("auditor");
  return (
    <Stack maw={900} mb="md">
      <Notice meaning="failure" title={t("damagedTitle", { count: requests.length })}>
        <Text size="sm">{t("damagedHelp")}</Text>
        <Stack component="ul" gap="xs" p={0} mt="xs" style={{ listStyle: "none" }}>
          {requests.map((request) => (
            <Group key={request.number} component="li" gap="sm">
              <Text size="sm" fw={600}>
                {t("numbered", { number: request.number })}
              </Text>
              {seesAll && <Text size="sm">{request.agencyTitle}</Text>}
              <Deadline request={request} />
            </Group>
          ))}
        </Stack>
      </Notice>
    </Stack>
  );
}

function RequestCard({ request }: { request: Schemas["CitizenRequestSummary"] }) {
  const t = useRequestsTexts();
  const seesAll = useHasRole("auditor");
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between" gap="xs">
        <Anchor component={Link} href={`/${request.number}`} fw={600}>
          {t(request.kind)} {request.number}
        </Anchor>
        <Group gap="xs">
          <FirstReply request={request} />
          <Deadline request={request} />
        </Group>
      </Group>
      <Text size="sm">
        {seesAll && `${request.agencyTitle}: `}
        {request.entry.serviceTitle}, {request.entry.operationTitle}
      </Text>
      <Text size="sm" c="dimmed">
        {t("received")} <Timestamp time={request.asked} relative />
      </Text>
    </Card>
  );
}
