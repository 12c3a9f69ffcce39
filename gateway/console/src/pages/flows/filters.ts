export const WINDOWS = ["1m", "1h", "1d"] as const;
export const GROUPS = ["auto", "service", "agency"] as const;
export const KINDS = ["all", "call", "event", "delivery"] as const;

const SECONDS = { "1m": 60, "1h": 3600, "1d": 86_400 } as const;

/** What the page shows, as its address holds it. */
export interface Filters {
  window: (typeof WINDOWS)[number];
  group: (typeof GROUPS)[number];
  kind: (typeof KINDS)[number];
  search: string;
  agency: string;
  unwell: boolean;
  wall: boolean;
}

/** Read the filters of an address. */
export function filtersOf(address: URLSearchParams): Filters {
  return {
    window: oneOf(WINDOWS, address.get("window")),
    group: oneOf(GROUPS, address.get("group")),
    kind: oneOf(KINDS, address.get("kind")),
    search: address.get("search")?.slice(0, 200) ?? "",
    agency: address.get("agency") ?? "",
    unwell: address.get("unwell") === "true",
    wall: address.get("wall") === "true",
  };
}

/** Return the parameters of the API for some filters. */
export function queryOf({ window, group, kind, search, agency, unwell }: Filters) {
  return {
    window,
    group,
    ...(kind === "all" ? {} : { kind }),
    ...(search.trim() ? { search: search.trim() } : {}),
    ...(agency ? { agency } : {}),
    ...(unwell ? { unwell } : {}),
  };
}

/** Return when a window that ends at a time (seconds since 1970) began, as RFC 3339 in UTC. */
export function beginningOf(window: Filters["window"], time: number): string {
  return new Date((time - SECONDS[window]) * 1000).toISOString();
}

function oneOf<T extends string>(choices: readonly [T, ...T[]], value: string | null): T {
  return choices.find((choice) => choice === value) ?? choices[0];
}
