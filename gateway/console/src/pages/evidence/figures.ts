import type { Schemas } from "../../api/client";

export type Row = Schemas["StatisticsRow"];

/** The calls of one month, agency, service or purpose. */
export interface Total {
  name: string;
  /** Behind a title that is its name. */
  code?: string;
  answered: number;
  refused: number;
  failed: number;
  calls: number;
}

/**
 * Sum the calls of rows by one of their columns.
 *
 * @param limit beyond which the smallest are summed as one, whose name is `others`.
 */
export function totalsBy(
  rows: readonly Row[],
  column: "month" | "agency" | "service" | "purpose",
  limit = Infinity,
) {
  const totals = new Map<string, Total>();
  for (const row of rows) add(totals, row[column], row);
  const sorted = [...totals.values()].sort((one, other) =>
    column === "month" ? one.name.localeCompare(other.name) : other.calls - one.calls,
  );
  return { shown: sorted.slice(0, limit), others: sorted.slice(limit).reduce(sum, empty("")) };
}

function add(totals: Map<string, Total>, name: string, row: Omit<Total, "name">): void {
  totals.set(name, sum(totals.get(name) ?? empty(name), row));
}

function sum(total: Total, row: Omit<Total, "name">): Total {
  return {
    name: total.name,
    answered: total.answered + row.answered,
    refused: total.refused + row.refused,
    failed: total.failed + row.failed,
    calls: total.calls + row.calls,
  };
}

function empty(name: string): Total {
  return { name, answered: 0, refused: 0, failed: 0, calls: 0 };
}

/** Return a month so many months before now, in Vietnam: `2026-11`. */
export function monthBefore(months: number, now = new Date()): string {
  const vietnam = new Date(now.getTime() + 7 * 3_600_000);
  vietnam.setUTCDate(1);
  vietnam.setUTCMonth(vietnam.getUTCMonth() - months);
  return vietnam.toISOString().slice(0, 7);
}
