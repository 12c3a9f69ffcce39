import { Button, Table } from "@mantine/core";
import { type QueryKey, useInfiniteQuery } from "@tanstack/react-query";
import { Fragment, type ReactNode, useEffect, useRef } from "react";
import { useTableTexts } from "../texts/tables";
import { ErrorState, LoadingState } from "./PageStates";

interface Page<T> {
  items: T[];
  next?: string;
}

interface Props<T> {
  queryKey: QueryKey;
  /** Read a page; `cursor` is the `next` of the page before, "" for the first one. */
  read: (cursor: string) => Promise<Page<T>>;
  columns: readonly string[];
  rowKey: (item: T) => string;
  /** Return the row of an item, a `Table.Tr`. */
  row: (item: T) => ReactNode;
  /** What is shown where there are no items at all. */
  empty: ReactNode;
  minWidth?: number;
}

/** A table whose rows come in pages: the next one is added by a button, and the focus goes on to its first row. */
export function PagedTable<T>({ queryKey, read, columns, rowKey, row, empty, minWidth = 560 }: Props<T>) {
  const t = useTableTexts();
  const rows = useRef<HTMLTableSectionElement>(null);
  const goOnAt = useRef<number>(undefined);
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } =
    useInfiniteQuery({
      queryKey,
      queryFn: ({ pageParam }) => read(pageParam),
      initialPageParam: "",
      getNextPageParam: (page) => page.next,
    });
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  useEffect(() => {
    const index = goOnAt.current;
    if (index === undefined || items.length <= index) return;
    goOnAt.current = undefined;
    rows.current?.rows[index]?.querySelector<HTMLElement>("a, button")?.focus();
  }, [items.length]);
  if (isPending) return <LoadingState />;
  if (error && items.length === 0) return <ErrorState error={error} onRetry={refetch} />;
  if (items.length === 0) return <>{empty}</>;
  return (
    <>
      <Table.ScrollContainer minWidth={minWidth}>
        <Table verticalSpacing="xs" fz="sm">
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th key={column}>{column}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody ref={rows}>
            {items.map((item) => (
              <Fragment key={rowKey(item)}>{row(item)}</Fragment>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {error && <ErrorState error={error} onRetry={fetchNextPage} />}
      {hasNextPage && !error && (
        <Button
          variant="default"
          style={{ alignSelf: "flex-start" }}
          loading={isFetchingNextPage}
          onClick={() => {
            goOnAt.current = items.length;
            void fetchNextPage();
          }}
        >
          {t("more")}
        </Button>
      )}
    </>
  );
}
