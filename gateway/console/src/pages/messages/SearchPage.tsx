import { Box, Button, Group, Stack, Switch, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "wouter";
import { api } from "../../api/client";
import { ApiError } from "../../api/problem";
import { FindMessage } from "../../components/FindMessage";
import { Notice } from "../../components/Notice";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, LoadingState, OutOfDateNotice } from "../../components/PageStates";
import { formatDateTime } from "../../components/Timestamp";
import { useCommonTexts } from "../../texts/common";
import { useMessageTexts } from "../../texts/messages";
import { queryOf, type SearchQuery } from "./filters";
import { ResultTable } from "./ResultTable";
import { SearchForm } from "./SearchForm";
import { Sections } from "./Sections";
import { useLiveMessages } from "./useLiveMessages";

const NO_TITLES = { systems: {}, agencies: {}, services: {}, operations: {}, events: {} };

/** The search of messages. Its filters stand in the address; a person's number does not. */
export function SearchPage() {
  const t = useMessageTexts();
  const common = useCommonTexts();
  const [address, setAddress] = useSearchParams();
  const [person, setPerson] = useState("");
  const [live, setLive] = useState(false);
  const cursor = address.get("cursor");
  // A person's number must stand in no address, so no stream follows it; and each search by person is a line in the gateway's log.
  const mayFollow = !cursor && !address.get("until") && !person;
  const following = live && mayFollow;
  const followed = useLiveMessages(address, following);
  const {
    data: searched,
    failureReason: error,
    isPending,
    isPlaceholderData,
    refetch,
  } = useQuery({
    queryKey: ["messages", address.toString(), person],
    queryFn: () => searchMessages(queryOf(address), person),
    placeholderData: keepPreviousData,
  });
  const data = followed.page ? { staleSince: searched?.staleSince, ...followed.page } : searched;
  const goTo = (next: string) =>
    setAddress((before) => {
      const after = new URLSearchParams(before);
      after.delete("cursor");
      if (next) after.set("cursor", next);
      return after;
    });
  return (
    <>
      <PageHeader title={common("messages")} purpose={t("purpose")} />
      <Sections current="search" />
      <Stack>
        <Box hiddenFrom="sm">
          <FindMessage />
        </Box>
        <SearchForm
          key={address.toString()}
          address={address}
          person={person}
          fields={error instanceof ApiError ? error.fields : new Map()}
          onSearch={(filters, number) => {
            setPerson(number);
            setAddress(filters);
            if (filters.toString() === address.toString()) void refetch();
          }}
        />
        {error && <ErrorState error={error} onRetry={() => void refetch()} />}
        {isPending && !error && <LoadingState />}
        {data?.staleSince && (
          <Notice meaning="attention">
            {t("staleIndex", { time: formatDateTime(new Date(data.staleSince)) })}
          </Notice>
        )}
        {data && !error && (
          <>
            <Group justify="space-between">
              <Text size="xs" c="dimmed" visibleFrom="sm">
                {t("keys")}
              </Text>
              <Switch
                size="sm"
                label={t("live")}
                checked={following}
                disabled={!mayFollow}
                onChange={(event) => setLive(event.currentTarget.checked)}
              />
            </Group>
            {followed.page && <OutOfDateNotice stream={followed.stream} />}
            {followed.page && followed.page.skipped > 0 && (
              <Text size="sm" c="dimmed">
                {t("skipped", { count: followed.page.skipped })}
              </Text>
            )}
            {data.items.length > 0 ? (
              <ResultTable items={data.items} titles={data.titles} dimmed={isPlaceholderData} />
            ) : (
              <EmptyState title={t(cursor ? "noNewer" : "nothing")}>
                {t(cursor ? "noNewerHelp" : "nothingHelp")}
              </EmptyState>
            )}
            <Group justify="center">
              <Button variant="default" disabled={!cursor} onClick={() => goTo("")}>
                {t("newest")}
              </Button>
              <Button variant="default" disabled={!cursor || !data.newer} onClick={() => goTo(data.newer)}>
                {t("newer")}
              </Button>
              <Button variant="default" disabled={!data.cursor} onClick={() => goTo(data.cursor)}>
                {t("older")}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </>
  );
}

async function searchMessages(query: SearchQuery, person: string) {
  const { data, response } = await api.GET("/evidence/messages", {
    params: { query, ...(person && { header: { "Lgsp-Subject": person } }) },
  });
  const page = data ?? { items: [], cursor: "", newer: "", titles: NO_TITLES };
  return { ...page, staleSince: response.headers.get("Lgsp-Index-Stale-Since") };
}
