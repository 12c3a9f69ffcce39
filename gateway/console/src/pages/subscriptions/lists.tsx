import { Anchor, Button, Group, ScrollArea, Table, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { api, dataOf } from "../../api/client";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { TitleAndCode } from "../../components/TitleAndCode";
import { useTitles } from "../../components/useTitles";
import { useCommonTexts } from "../../texts/common";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { EndpointState, SubscriptionState } from "./states";

const INTERVAL_MS = 10_000;
const PAGE = 50;

/** The subscriptions that the user sees, a page at a time. */
export function SubscriptionList() {
  const t = useSubscriptionTexts();
  const titles = useTitles();
  const { items, ...list } = usePages("subscriptions", (query) =>
    dataOf(api.GET("/subscriptions", { params: { query } })),
  );
  if (!items) return <Unread {...list} />;
  if (items.length === 0) return <EmptyState title={t("none")}>{t("noneHelp")}</EmptyState>;
  return (
    <>
      <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
        <Table miw={760} fz="sm" verticalSpacing={6} highlightOnHover aria-label={t("subscriptions")}>
          <Head texts={[t("name"), t("system"), t("events"), t("delivery"), t("state")]} />
          <Table.Tbody>
            {items.map((one) => (
              <Table.Tr key={one.id}>
                <Table.Td>
                  <Anchor component={Link} href={`/${one.id}`} size="sm" fw={600}>
                    {one.name}
                  </Anchor>
                </Table.Td>
                <Table.Td>
                  <TitleAndCode title={titles.system(one.consumer)} code={one.consumer} below />
                </Table.Td>
                <Table.Td>
                  {one.events.map((event) => titles.event(one.service, one.major, event) ?? event).join(", ")}
                  <Text size="xs" c="dimmed">
                    {[
                      titles.service(one.service, one.major),
                      `${one.service} v${one.major}: ${one.events.join(", ")}`,
                    ]
                      .filter(Boolean)
                      .join(" · ")}
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
      <More {...list} />
    </>
  );
}

/** The webhook endpoints that the user sees, a page at a time. */
export function EndpointList() {
  const t = useSubscriptionTexts();
  const common = useCommonTexts();
  const titles = useTitles();
  const { items, ...list } = usePages("endpoints", (query) =>
    dataOf(api.GET("/endpoints", { params: { query } })),
  );
  if (!items) return <Unread {...list} />;
  if (items.length === 0) return <EmptyState title={t("noEndpoints")}>{t("noEndpointsHelp")}</EmptyState>;
  return (
    <>
      <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
        <Table
          miw={680}
          fz="sm"
          verticalSpacing={6}
          highlightOnHover
          aria-label={`${common("subscriptions")}: ${t("endpoints")}`}
        >
          <Head texts={[t("name"), t("system"), t("url"), t("state")]} />
          <Table.Tbody>
            {items.map((one) => (
              <Table.Tr key={one.id}>
                <Table.Td>
                  <Anchor component={Link} href={`/endpoints/${one.id}`} size="sm" fw={600}>
                    {one.name}
                  </Anchor>
                </Table.Td>
                <Table.Td>
                  <TitleAndCode title={titles.system(one.system)} code={one.system} below />
                </Table.Td>
                <Table.Td>{one.url}</Table.Td>
                <Table.Td>
                  <EndpointState endpoint={one} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
      <More {...list} />
    </>
  );
}

/** Read a list page by page, and again every few seconds what is shown of it. */
function usePages<Item>(
  name: string,
  read: (query: { limit: number; after?: string }) => Promise<{ items: Item[]; next?: string }>,
) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: [name],
    queryFn: ({ pageParam }) => read({ limit: PAGE, ...(pageParam && { after: pageParam }) }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    refetchInterval: INTERVAL_MS,
  });
  return {
    items: data?.pages.flatMap((page) => page.items),
    error,
    retry: () => void refetch(),
    more: hasNextPage ? () => void fetchNextPage() : undefined,
    reading: isFetchingNextPage,
  };
}

interface Unfinished {
  error: Error | null;
  retry: () => void;
  more: (() => void) | undefined;
  reading: boolean;
}

function Unread({ error, retry }: Unfinished): ReactNode {
  return error ? <ErrorState error={error} onRetry={retry} /> : <LoadingState />;
}

function More({ more, reading }: Unfinished): ReactNode {
  const t = useSubscriptionTexts();
  if (!more) return null;
  return (
    <Group justify="center" mt="md">
      <Button variant="default" loading={reading} onClick={more}>
        {t("more")}
      </Button>
    </Group>
  );
}

/** The heads of columns; the last one is the state. */
function Head({ texts }: { texts: readonly string[] }) {
  return (
    <Table.Thead>
      <Table.Tr>
        {texts.map((text, number) => (
          <Table.Th key={text} {...(number === texts.length - 1 && { w: 170 })}>
            {text}
          </Table.Th>
        ))}
      </Table.Tr>
    </Table.Thead>
  );
}
