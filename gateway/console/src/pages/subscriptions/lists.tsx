import { Anchor, ScrollArea, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, dataOf } from "../../api/client";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { useCommonTexts } from "../../texts/common";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { EndpointState, SubscriptionState } from "./states";

const INTERVAL_MS = 10_000;

/** All subscriptions that the user sees. */
export function SubscriptionList() {
  const t = useSubscriptionTexts();
  const { data, error, refetch } = useQuery({
    queryKey: ["subscriptions"],
    queryFn: () => dataOf(api.GET("/subscriptions", { params: { query: { limit: 200 } } })),
    refetchInterval: INTERVAL_MS,
  });
  if (!data) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <LoadingState />;
  if (data.items.length === 0) return <EmptyState title={t("none")}>{t("noneHelp")}</EmptyState>;
  return (
    <ScrollArea type="auto">
      <Table miw={760} fz="sm" verticalSpacing={6} highlightOnHover aria-label={t("subscriptions")}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("name")}</Table.Th>
            <Table.Th>{t("system")}</Table.Th>
            <Table.Th>{t("events")}</Table.Th>
            <Table.Th>{t("delivery")}</Table.Th>
            <Table.Th w={150}>{t("state")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {data.items.map((one) => (
            <Table.Tr key={one.id}>
              <Table.Td>
                <Anchor component={Link} href={`/${one.id}`} size="sm" fw={600}>
                  {one.name}
                </Anchor>
              </Table.Td>
              <Table.Td>{one.consumer}</Table.Td>
              <Table.Td>
                {one.events.join(", ")}
                <Text size="xs" c="dimmed">
                  {one.service} v{one.major}
                </Text>
              </Table.Td>
              <Table.Td>{t(one.delivery.kind)}</Table.Td>
              <Table.Td>
                <SubscriptionState subscription={one} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}

/** All webhook endpoints that the user sees. */
export function EndpointList() {
  const t = useSubscriptionTexts();
  const common = useCommonTexts();
  const { data, error, refetch } = useQuery({
    queryKey: ["endpoints"],
    queryFn: () => dataOf(api.GET("/endpoints", { params: { query: { limit: 1000 } } })),
    refetchInterval: INTERVAL_MS,
  });
  if (!data) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <LoadingState />;
  if (data.items.length === 0)
    return <EmptyState title={t("noEndpoints")}>{t("noEndpointsHelp")}</EmptyState>;
  return (
    <ScrollArea type="auto">
      <Table
        miw={680}
        fz="sm"
        verticalSpacing={6}
        highlightOnHover
        aria-label={`${common("subscriptions")}: ${t("endpoints")}`}
      >
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("name")}</Table.Th>
            <Table.Th>{t("system")}</Table.Th>
            <Table.Th>{t("url")}</Table.Th>
            <Table.Th w={170}>{t("state")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {data.items.map((one) => (
            <Table.Tr key={one.id}>
              <Table.Td>
                <Anchor component={Link} href={`/endpoints/${one.id}`} size="sm" fw={600}>
                  {one.name}
                </Anchor>
              </Table.Td>
              <Table.Td>{one.system}</Table.Td>
              <Table.Td>{one.url}</Table.Td>
              <Table.Td>
                <EndpointState endpoint={one} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}
