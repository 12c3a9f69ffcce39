import { Card, ScrollArea, Table, Text, Title } from "@mantine/core";
import type { Schemas } from "../../api/client";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { useOutcomeText } from "./useOutcomeText";

/** Show the last requests to an endpoint, the newest first, and why they failed. */
export function Attempts({ attempts }: { attempts: Schemas["EndpointAttempts"]["items"] }) {
  const t = useSubscriptionTexts();
  const outcomeText = useOutcomeText();
  return (
    <Card withBorder padding="md">
      <Title order={2} id="attempts">
        {t("attempts")}
      </Title>
      {attempts.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t("noAttempts")}
        </Text>
      ) : (
        <ScrollArea.Autosize mah={420} type="auto" viewportProps={{ tabIndex: 0 }}>
          <Table miw={560} fz="sm" verticalSpacing={6} aria-labelledby="attempts">
            <Table.Thead>
              <Table.Tr>
                <Table.Th w={170}>{t("attemptTime")}</Table.Th>
                <Table.Th>{t("attemptEvent")}</Table.Th>
                <Table.Th>{t("attemptOutcome")}</Table.Th>
                <Table.Th ta="right">{t("attemptTook")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {attempts.map((one) => (
                <Table.Tr key={`${one.message} ${one.at}`}>
                  <Table.Td>
                    <Timestamp time={one.at} />
                  </Table.Td>
                  <Table.Td>{one.event?.name ?? "–"}</Table.Td>
                  <Table.Td>
                    <StatusBadge meaning={one.outcome === "delivered" ? "healthy" : "failure"}>
                      {outcomeText(one.outcome)}
                      {one.status ? ` · HTTP ${one.status}` : ""}
                    </StatusBadge>
                  </Table.Td>
                  <Table.Td ta="right">{one.ms === undefined ? "–" : `${Math.round(one.ms)} ms`}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea.Autosize>
      )}
    </Card>
  );
}
