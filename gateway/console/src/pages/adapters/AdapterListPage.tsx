import { Anchor, Group, ScrollArea, Stack, Switch, Table, Text, TextInput, Title } from "@mantine/core";
import { Link, useSearchParams } from "wouter";
import { formatMilliseconds } from "../../components/formats";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, LoadingState, OutOfDateNotice } from "../../components/PageStates";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { useAdapterTexts } from "../../texts/adapters";
import { useCommonTexts } from "../../texts/common";
import { useLanguage } from "../../texts/createTexts";
import { isUnwell, lastFailureOf, latencyOf, standingOf } from "./standing";
import { type Adapter, keyOf, useAdapters } from "./useAdapters";

/** All instances of adapters, grouped by the system that they answer for. */
export function AdapterListPage() {
  const t = useAdapterTexts();
  const common = useCommonTexts();
  const { adapters, error, refetch, stream } = useAdapters();
  const [search, setSearch] = useSearchParams();
  const words = search.get("q") ?? "";
  const unwell = search.get("unwell") === "1";
  const set = (name: string, value: string) =>
    setSearch(
      (before) => {
        before.delete(name);
        if (value) before.set(name, value);
        return before;
      },
      { replace: true },
    );
  const found = adapters?.filter((one) => matches(one, words) && (!unwell || isUnwell(one))) ?? [];
  return (
    <Stack gap="md">
      <PageHeader title={common("adapters")} purpose={t("purpose")} />
      {adapters && <OutOfDateNotice stream={stream} />}
      <Group align="flex-end" gap="lg">
        <TextInput
          label={t("search")}
          value={words}
          onChange={(event) => set("q", event.currentTarget.value)}
          w={{ base: "100%", xs: 320 }}
        />
        <Switch
          label={t("onlyUnwell")}
          checked={unwell}
          onChange={(event) => set("unwell", event.currentTarget.checked ? "1" : "")}
          pb={8}
        />
      </Group>
      {!adapters && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!adapters && !error && <LoadingState />}
      {adapters?.length === 0 && <EmptyState title={t("none")}>{t("noneHelp")}</EmptyState>}
      {adapters && adapters.length > 0 && found.length === 0 && (
        <NothingFound onlyUnwell={unwell && words === ""} />
      )}
      {bySystem(found).map(([system, instances]) => (
        <SystemSection key={system} system={system} instances={instances} />
      ))}
    </Stack>
  );
}

function NothingFound({ onlyUnwell }: { onlyUnwell: boolean }) {
  const t = useAdapterTexts();
  return onlyUnwell ? (
    <EmptyState title={t("noneUnwell")}>{t("noneUnwellHelp")}</EmptyState>
  ) : (
    <EmptyState title={t("noneMatch")}>{t("noneMatchHelp")}</EmptyState>
  );
}

function SystemSection({ system, instances }: { system: string; instances: Adapter[] }) {
  const t = useAdapterTexts();
  return (
    <section aria-labelledby={`system-${system}`}>
      <Group gap="sm" mb={4}>
        <Title order={2} id={`system-${system}`} fz="md">
          {system}
        </Title>
        <Text size="sm" c="dimmed">
          {instances[0]?.agency} · {t("count", { count: instances.length })}
        </Text>
      </Group>
      <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
        <Table miw={820} verticalSpacing={6} fz="sm" highlightOnHover aria-labelledby={`system-${system}`}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="20%">{t("service")}</Table.Th>
              <Table.Th w="22%">{t("state")}</Table.Th>
              <Table.Th w="12%">{t("load")}</Table.Th>
              <Table.Th w="22%" style={{ whiteSpace: "nowrap" }}>
                {t("latency")}
              </Table.Th>
              <Table.Th>{t("lastError")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {instances.map((adapter) => (
              <InstanceRow key={keyOf(adapter)} adapter={adapter} />
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
    </section>
  );
}

function InstanceRow({ adapter }: { adapter: Adapter }) {
  const t = useAdapterTexts();
  const language = useLanguage();
  const standing = standingOf(adapter, t);
  const latency = latencyOf(adapter);
  const failure = lastFailureOf(adapter, t);
  const { instance } = adapter;
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} href={`/${encodeURIComponent(keyOf(adapter))}`} size="sm" fw={600}>
          {adapter.service}
        </Anchor>
        <Text size="xs" c="dimmed">
          {adapter.version} · {instance?.host ?? adapter.id.slice(0, 8)} · {adapter.id.slice(0, 6)}
        </Text>
      </Table.Td>
      <Table.Td>
        <StatusBadge meaning={standing.meaning}>{standing.text}</StatusBadge>
      </Table.Td>
      <Table.Td>{instance ? `${instance.working} / ${instance.concurrency}` : "–"}</Table.Td>
      <Table.Td>
        {latency
          ? `${formatMilliseconds(latency.p50, language)} / ${formatMilliseconds(latency.p95, language)}`
          : "–"}
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

function matches(adapter: Adapter, words: string): boolean {
  const text = `${adapter.system} ${adapter.agency} ${adapter.service} ${adapter.instance?.host ?? ""} ${adapter.id}`;
  const lower = text.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}

function bySystem(adapters: readonly Adapter[]): [string, Adapter[]][] {
  const groups = new Map<string, Adapter[]>();
  for (const adapter of adapters)
    groups.set(adapter.system, [...(groups.get(adapter.system) ?? []), adapter]);
  return [...groups].sort(([one], [other]) => one.localeCompare(other));
}
