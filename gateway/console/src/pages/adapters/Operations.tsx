import { Card, List, ScrollArea, Table, Text, Title } from "@mantine/core";
import { formatMilliseconds } from "../../components/formats";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { useAdapterTexts } from "../../texts/adapters";
import { useLanguage } from "../../texts/createTexts";
import { SlownessNote } from "./AdapterTable";
import { type Slowness, slownessOf } from "./slowness";
import { reasonText } from "./standing";
import type { Adapter } from "./useAdapters";

/** Show each operation of an instance, and how the system behind it answers. */
export function Operations({ adapter, all }: { adapter: Adapter; all: readonly Adapter[] }) {
  const t = useAdapterTexts();
  const { operations } = adapter;
  const tasks = Object.entries(Object.assign({}, ...Object.values(operations).map((one) => one.tasks ?? {})));
  if (Object.keys(operations).length === 0) return null;
  return (
    <Card withBorder padding="md">
      <Title order={2} id="operations">
        {t("operations")}
      </Title>
      <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
        <Table miw={760} fz="sm" verticalSpacing={6} aria-labelledby="operations">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("operation")}</Table.Th>
              <Table.Th>{t("state")}</Table.Th>
              <Table.Th ta="right">{t("requests")}</Table.Th>
              <Table.Th ta="right">{t("latency")}</Table.Th>
              <Table.Th>{t("failed")}</Table.Th>
              <Table.Th>{t("lastError")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {Object.entries(operations).map(([name, operation]) => (
              <OperationRow
                key={name}
                name={name}
                operation={operation}
                slow={slownessOf(adapter, name, all)}
              />
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
      {tasks.length > 0 && (
        <>
          <Text fw={600} size="sm" mt="sm">
            {t("tasks")}
          </Text>
          <List size="sm">
            {tasks.map(([name, error]) => (
              <List.Item key={name}>
                {name}: {String(error)}
              </List.Item>
            ))}
          </List>
        </>
      )}
    </Card>
  );
}

function OperationRow({
  name,
  operation,
  slow,
}: {
  name: string;
  operation: Adapter["operations"][string];
  slow: Slowness | null;
}) {
  const t = useAdapterTexts();
  const language = useLanguage();
  const { upstream, setAside } = operation;
  const failed = Object.entries(upstream?.failed ?? {});
  return (
    <Table.Tr>
      <Table.Td>{name}</Table.Td>
      <Table.Td>
        <UpstreamState upstream={upstream} slow={slow !== null} />
        {setAside && setAside.count > 0 && (
          <Text size="xs">
            {t("setAside", { count: setAside.count })}: {setAside.reason}
          </Text>
        )}
      </Table.Td>
      <Table.Td ta="right">{operation.requests}</Table.Td>
      <Table.Td ta="right">
        {upstream?.answered && upstream.p50Ms !== undefined && upstream.p95Ms !== undefined
          ? `${formatMilliseconds(upstream.p50Ms, language)} / ${formatMilliseconds(upstream.p95Ms, language)}`
          : "–"}
        {slow && <SlownessNote slow={slow} />}
      </Table.Td>
      <Table.Td>
        {failed.length === 0
          ? "–"
          : failed.map(([reason, count]) => (
              <div key={reason}>
                {reasonText(reason, t)}: {count}
              </div>
            ))}
      </Table.Td>
      <Table.Td>
        {upstream?.lastFailure ? (
          <>
            {reasonText(upstream.lastReason, t)}
            {upstream.lastNote && `: ${upstream.lastNote}`}
            <Text size="xs" c="dimmed">
              <Timestamp time={new Date(upstream.lastFailure * 1000)} />
            </Text>
          </>
        ) : (
          "–"
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function UpstreamState({
  upstream,
  slow,
}: {
  upstream: Adapter["operations"][string]["upstream"];
  slow: boolean;
}) {
  const t = useAdapterTexts();
  if (upstream?.up === false) {
    return <StatusBadge meaning="failure">{t("down", { count: upstream.failedInARow })}</StatusBadge>;
  }
  if (!upstream?.answered) return <StatusBadge meaning="neutral">{t("neverAsked")}</StatusBadge>;
  if (slow) return <StatusBadge meaning="attention">{t("slow")}</StatusBadge>;
  return <StatusBadge meaning="healthy">{t("up")}</StatusBadge>;
}

/** Show each event that an instance watches for. */
export function Watches({ events }: { events: NonNullable<Adapter["events"]> }) {
  const t = useAdapterTexts();
  return (
    <Card withBorder padding="md">
      <Title order={2} id="watches">
        {t("events")}
      </Title>
      <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
        <Table miw={600} fz="sm" verticalSpacing={6} aria-labelledby="watches">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t("event")}</Table.Th>
              <Table.Th>{t("state")}</Table.Th>
              <Table.Th ta="right">{t("published")}</Table.Th>
              <Table.Th ta="right">{t("held")}</Table.Th>
              <Table.Th>{t("lastRead")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {Object.entries(events).map(([name, watch]) => (
              <Table.Tr key={name}>
                <Table.Td>{name}</Table.Td>
                <Table.Td>
                  <StatusBadge
                    meaning={
                      watch.state === "failing"
                        ? "failure"
                        : watch.state === "watching"
                          ? "healthy"
                          : "neutral"
                    }
                  >
                    {t(watch.state)}
                  </StatusBadge>
                  {watch.reason && <Text size="xs">{watch.reason}</Text>}
                  {watch.faults.map(({ event, fault }) => (
                    <Text key={event} size="xs">
                      {event}: {fault}
                    </Text>
                  ))}
                </Table.Td>
                <Table.Td ta="right">{watch.published}</Table.Td>
                <Table.Td ta="right">{watch.held}</Table.Td>
                <Table.Td>
                  {watch.lastRead > 0 ? <Timestamp time={new Date(watch.lastRead * 1000)} /> : "–"}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
    </Card>
  );
}
