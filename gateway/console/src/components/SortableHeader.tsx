import { Group, Table, UnstyledButton } from "@mantine/core";
import { IconArrowsSort, IconSortAscending, IconSortDescending } from "@tabler/icons-react";
import type { ReactNode } from "react";

/** By which column a table is sorted. */
export interface Sorting {
  column: string;
  descending: boolean;
}

interface Props {
  column: string;
  sorting: Sorting;
  /** Whether the first press puts the largest first. */
  largestFirst?: boolean;
  align?: "left" | "right";
  onSort: (sorting: Sorting) => void;
  children: ReactNode;
}

/** The head of a column that sorts its table: each press turns the order. */
export function SortableHeader({
  column,
  sorting,
  largestFirst = false,
  align = "left",
  onSort,
  children,
}: Props) {
  const active = sorting.column === column;
  const Icon = !active ? IconArrowsSort : sorting.descending ? IconSortDescending : IconSortAscending;
  return (
    <Table.Th aria-sort={active ? (sorting.descending ? "descending" : "ascending") : "none"}>
      <UnstyledButton
        fz="inherit"
        fw="inherit"
        mih={24}
        w="100%"
        onClick={() => onSort({ column, descending: active ? !sorting.descending : largestFirst })}
      >
        <Group gap={4} wrap="nowrap" justify={align === "right" ? "flex-end" : "flex-start"}>
          {children}
          <Icon size={14} aria-hidden opacity={active ? 1 : 0.5} />
        </Group>
      </UnstyledButton>
    </Table.Th>
  );
}

/** Read from an address how a table is sorted: `p95`, or `-p95` for the largest first. */
export function sortingOf(search: URLSearchParams, standard: string): Sorting {
  const asked = search.get("sort") || standard;
  return asked.startsWith("-")
    ? { column: asked.slice(1), descending: true }
    : { column: asked, descending: false };
}

/** Write it as `sortingOf` reads it. */
export function sortParameter({ column, descending }: Sorting): string {
  return descending ? `-${column}` : column;
}
