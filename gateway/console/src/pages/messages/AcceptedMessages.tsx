import { Anchor, Button, Group, ScrollArea, Select, Stack, Table, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { useHasRole } from "../../app/session";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, ForbiddenState, LoadingState } from "../../components/PageStates";
import { Timestamp } from "../../components/Timestamp";
import { useCommonTexts } from "../../texts/common";
import { useMessageTexts } from "../../texts/messages";
import { StateBadge } from "./DeliveryCard";
import { ExchangeName, type MessageTitles, SystemName } from "./names";
import { Sections } from "./Sections";

const STATES = ["accepted", "delivering", "answered", "dead", "cancelled", "given-up"] as const;

/** The messages that were accepted for later, those that changed last first. */
export function AcceptedMessages() {
  const t = useMessageTexts();
  const common = useCommonTexts();
  const operator = useHasRole("operator");
  const [address, setAddress] = useSearchParams();
  const state = STATES.find((one) => one === address.get("state"));
  const after = address.get("after");
  const {
    data,
    failureReason: error,
    refetch,
  } = useQuery({
    queryKey: ["accepted", address.toString()],
    queryFn: () =>
      dataOf(
        api.GET("/messages", { params: { query: { ...(state && { state }), ...(after && { after }) } } }),
      ),
    placeholderData: keepPreviousData,
    enabled: operator,
  });
  if (!operator) return <ForbiddenState roles={["operator"]} />;
  return (
    <>
      <PageHeader title={common("messages")} purpose={t("purpose")} />
      <Sections current="accepted" />
      <Stack>
        <Select
          label={t("state")}
          w={240}
          clearable
          placeholder={t("anyState")}
          data={STATES.map((value) => ({ value, label: t(`state-${value}`) }))}
          value={state ?? null}
          onChange={(chosen) => setAddress(chosen ? { state: chosen } : {})}
        />
        {error && <ErrorState error={error} onRetry={() => void refetch()} />}
        {!data && !error && <LoadingState />}
        {data &&
          (data.items.length > 0 ? (
            <AcceptedTable items={data.items} titles={data.titles} />
          ) : (
            <EmptyState title={t("noAccepted")}>{t("noAcceptedHelp")}</EmptyState>
          ))}
        <Pager after={after} next={data?.next} onGo={(next) => setAddress(withAfter(address, next))} />
      </Stack>
    </>
  );
}

function AcceptedTable({ items, titles }: { items: readonly Schemas["Message"][]; titles: MessageTitles }) {
  const t = useMessageTexts();
  return (
    <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
      <Table miw={760} fz="sm" highlightOnHover aria-label={t("accepted")}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t("changedAt")}</Table.Th>
            <Table.Th>{t("consumer")}</Table.Th>
            <Table.Th>{t("what")}</Table.Th>
            <Table.Th>{t("state")}</Table.Th>
            <Table.Th>{t("reason")}</Table.Th>
            <Table.Th>{t("deadline")}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((item) => (
            <Table.Tr key={item.id}>
              <Table.Td>
                <Anchor component={Link} href={`/${item.id}`} size="sm">
                  <Timestamp time={item.changedAt} />
                </Anchor>
              </Table.Td>
              <Table.Td>
                <SystemName system={item.system} titles={titles} />
              </Table.Td>
              <Table.Td>
                <ExchangeName service={item.service} name={item.operation} titles={titles} />
              </Table.Td>
              <Table.Td>
                <StateBadge state={item.state} />
              </Table.Td>
              <Table.Td>
                <Text size="sm" maw={320}>
                  {item.reason?.text ?? "–"}
                </Text>
              </Table.Td>
              <Table.Td>
                <Timestamp time={item.deadline} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}

/** Return an address whose list begins after a cursor; at its beginning where there is none. */
export function withAfter(address: URLSearchParams, after: string): URLSearchParams {
  const next = new URLSearchParams(address);
  next.delete("after");
  if (after) next.set("after", after);
  return next;
}

/** The way through a list that can be read forwards only; back is the browser's. */
export function Pager({
  after,
  next,
  onGo,
}: {
  after: string | null;
  next: string | undefined;
  onGo: (after: string) => void;
}) {
  const t = useMessageTexts();
  if (!after && !next) return null;
  return (
    <Group justify="center">
      <Button variant="default" disabled={!after} onClick={() => onGo("")}>
        {t("newest")}
      </Button>
      <Button variant="default" disabled={!next} onClick={() => onGo(next ?? "")}>
        {t("older")}
      </Button>
    </Group>
  );
}
