import { Group, Stack, Switch, TextInput } from "@mantine/core";
import { useSearchParams } from "wouter";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, LoadingState, OutOfDateNotice } from "../../components/PageStates";
import { sortingOf, sortParameter } from "../../components/SortableHeader";
import { useAdapterTexts } from "../../texts/adapters";
import { useCommonTexts } from "../../texts/common";
import { type Language, useLanguage } from "../../texts/createTexts";
import { AdapterTable } from "./AdapterTable";
import { slownessOfInstance } from "./slowness";
import { isUnwell } from "./standing";
import { type Adapter, type AdapterList, titleOf, useAdapters } from "./useAdapters";

/** All instances of adapters, beside each other. */
export function AdapterListPage() {
  const t = useAdapterTexts();
  const common = useCommonTexts();
  const { list, adapters, error, refetch, stream } = useAdapters();
  const language = useLanguage();
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
  const found =
    list?.items.filter(
      (one) =>
        matches(one, list, words, language) &&
        (!unwell || isUnwell(one) || slownessOfInstance(one, list.items) !== null),
    ) ?? [];
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
      {list && found.length > 0 && (
        <AdapterTable
          list={list}
          found={found}
          sorting={sortingOf(search, "system")}
          onSort={(sorting) => set("sort", sortParameter(sorting))}
        />
      )}
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

function matches(adapter: Adapter, list: AdapterList, words: string, language: Language): boolean {
  const { system, agency, service, instance, id } = adapter;
  const titles = [
    titleOf(list, "systems", system, language),
    titleOf(list, "agencies", agency, language),
    titleOf(list, "services", service, language),
  ];
  const lower = [system, agency, service, instance?.host ?? "", id, ...titles].join(" ").toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}
