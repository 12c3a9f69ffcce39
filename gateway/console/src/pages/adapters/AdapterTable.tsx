import { Anchor, ScrollArea, Table, Text } from "@mantine/core";
import { Link } from "wouter";
import { formatMilliseconds } from "../../components/formats";
import { SortableHeader, type Sorting } from "../../components/SortableHeader";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { useAdapterTexts } from "../../texts/adapters";
import { useCommonTexts } from "../../texts/common";
import { type Language, useLanguage } from "../../texts/createTexts";
import { type Slowness, slownessOfInstance } from "./slowness";
import { lastFailureOf, latencyOf, standingOf } from "./standing";
import { type Adapter, type AdapterList, keyOf, titleOf } from "./useAdapters";

interface Props {
  list: AdapterList;
  /** Of the list, those that are shown. */
  found: readonly Adapter[];
  sorting: Sorting;
  onSort: (sorting: Sorting) => void;
}

/** Instances in one table, which compares them: each column sorts it. */
export function AdapterTable({ list, found, sorting, onSort }: Props) {
  const t = useAdapterTexts();
  const common = useCommonTexts();
  const language = useLanguage();
  const rows = sorted(found, list, sorting, language);
  const head = { sorting, onSort };
  return (
    <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
      <Table miw={960} verticalSpacing={6} fz="sm" highlightOnHover aria-label={common("adapters")}>
        <Table.Thead>
          <Table.Tr>
            <SortableHeader column="state" largestFirst {...head}>
              {t("state")}
            </SortableHeader>
            <SortableHeader column="system" {...head}>
              {t("system")}
            </SortableHeader>
            <SortableHeader column="service" {...head}>
              {t("service")}
            </SortableHeader>
            <SortableHeader column="load" largestFirst align="right" {...head}>
              {t("load")}
            </SortableHeader>
            <SortableHeader column="p50" largestFirst align="right" {...head}>
              {t("p50")}
            </SortableHeader>
            <SortableHeader column="p95" largestFirst align="right" {...head}>
              {t("p95")}
            </SortableHeader>
            <SortableHeader column="failure" largestFirst {...head}>
              {t("lastError")}
            </SortableHeader>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((adapter) => (
            <InstanceRow key={keyOf(adapter)} adapter={adapter} list={list} />
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}

function InstanceRow({ adapter, list }: { adapter: Adapter; list: AdapterList }) {
  const t = useAdapterTexts();
  const language = useLanguage();
  const slow = slownessOfInstance(adapter, list.items);
  const standing = standingOf(adapter, t, slow);
  const latency = latencyOf(adapter);
  const failure = lastFailureOf(adapter, t);
  const { instance } = adapter;
  return (
    <Table.Tr>
      <Table.Td>
        <StatusBadge meaning={standing.meaning}>{standing.text}</StatusBadge>
      </Table.Td>
      <Table.Td>
        {titleOf(list, "systems", adapter.system, language)}
        <Text size="xs" c="dimmed">
          {adapter.system} · {titleOf(list, "agencies", adapter.agency, language)}
        </Text>
      </Table.Td>
      <Table.Td>
        <Anchor component={Link} href={`/${encodeURIComponent(keyOf(adapter))}`} size="sm" fw={600}>
          {titleOf(list, "services", adapter.service, language)}
        </Anchor>
        <Text size="xs" c="dimmed">
          {adapter.service} {adapter.version} · {instance?.host ?? adapter.id.slice(0, 8)} ·{" "}
          {adapter.id.slice(0, 6)}
        </Text>
      </Table.Td>
      <Table.Td ta="right">{instance ? `${instance.working} / ${instance.concurrency}` : "–"}</Table.Td>
      <Table.Td ta="right" style={{ whiteSpace: "nowrap" }}>
        {latency ? formatMilliseconds(latency.p50, language) : "–"}
      </Table.Td>
      <Table.Td ta="right" fw={slow ? 600 : undefined}>
        <span style={{ whiteSpace: "nowrap" }}>
          {latency ? formatMilliseconds(latency.p95, language) : "–"}
        </span>
        {slow && <SlownessNote slow={slow} />}
      </Table.Td>
      <Table.Td>
        {failure ? (
          <>
            {failure.operation}: {failure.reason}
            <Text size="xs" c="dimmed">
              <Timestamp time={failure.at} relative />
            </Text>
          </>
        ) : (
          "–"
        )}
      </Table.Td>
    </Table.Tr>
  );
}

/** Say in words why a percentile is marked. */
export function SlownessNote({ slow }: { slow: Slowness }) {
  const t = useAdapterTexts();
  const language = useLanguage();
  return (
    <Text size="xs" c="dimmed">
      {slow.kind === "slow"
        ? t("slowNote")
        : t("slowerNote", { usual: formatMilliseconds(slow.usual, language) })}
    </Text>
  );
}

const SEVERITY = ["neutral", "healthy", "attention", "failure"] as const;

/** Return instances in the order of a column; within it by their systems and services. */
function sorted(
  found: readonly Adapter[],
  list: AdapterList,
  { column, descending }: Sorting,
  language: Language,
): Adapter[] {
  const titles = (one: Adapter) =>
    `${titleOf(list, "systems", one.system, language)} ${one.system} ${one.service} ${one.id}`;
  const amount: Record<string, (one: Adapter) => number> = {
    state: (one) => SEVERITY.indexOf(standingOf(one, () => "", slownessOfInstance(one, list.items)).meaning),
    load: (one) => (one.instance?.working ?? 0) / (one.instance?.concurrency || 1),
    p50: (one) => latencyOf(one)?.p50 ?? -1,
    p95: (one) => latencyOf(one)?.p95 ?? -1,
    failure: (one) => lastFailureOf(one, () => "")?.at.getTime() ?? -1,
  };
  const measure = amount[column];
  const turn = descending ? -1 : 1;
  return [...found].sort((one, other) => {
    const byColumn = measure
      ? measure(one) - measure(other)
      : column === "service"
        ? titleOf(list, "services", one.service, language).localeCompare(
            titleOf(list, "services", other.service, language),
            language,
          )
        : titles(one).localeCompare(titles(other), language);
    return turn * byColumn || titles(one).localeCompare(titles(other), language);
  });
}
