import { useMemo, useState } from "react";
import type { Schemas } from "../../api/client";
import { type StreamState, useEventStream } from "../../api/useEventStream";
import { queryOf } from "./filters";
import { joinTitles, type MessageTitles } from "./names";

type EntryFound = Schemas["EntryFound"];

interface LivePage {
  items: readonly EntryFound[];
  /** Of what is older than the items; "" where it is not known, since the oldest of them were let go. */
  cursor: string;
  newer: string;
  /** How many came at the same time as others and are not among the items. */
  skipped: number;
  titles: MessageTitles;
}

const MOST_ROWS = 500;

/**
 * Follow what a search finds. A connection that was lost goes on where it ended, so nothing is shown twice or missed.
 *
 * @param address of the search.
 * @param following whether to follow at all.
 */
export function useLiveMessages(
  address: URLSearchParams,
  following: boolean,
): { page: LivePage | null; stream: StreamState } {
  const filters = address.toString();
  const url = useMemo(
    () => (following ? streamOf(new URLSearchParams(filters)) : null),
    [filters, following],
  );
  const [found, setFound] = useState<(LivePage & { url: string }) | null>(null);
  const stream = useEventStream(url, {
    page: (data) => url && setFound({ ...(data as Omit<LivePage, "skipped">), skipped: 0, url }),
    found: (data) =>
      setFound((before) => before && withNew(before, data as Pick<LivePage, "items" | "skipped" | "titles">)),
  });
  return { page: found?.url === url ? found : null, stream };
}

function withNew<Page extends LivePage>(
  before: Page,
  found: Pick<LivePage, "items" | "skipped" | "titles">,
): Page {
  const items = [...[...found.items].reverse(), ...before.items].sort((one, other) => other.time - one.time);
  const cursor = items.length > MOST_ROWS ? "" : before.cursor;
  return {
    ...before,
    items: items.slice(0, MOST_ROWS),
    cursor,
    skipped: before.skipped + found.skipped,
    titles: joinTitles(before.titles, found.titles),
  };
}

function streamOf(address: URLSearchParams): string {
  const { limit, cursor, until, ...filters } = queryOf(address);
  const named = Object.entries(filters).map(([name, value]) => [name, String(value)]);
  return `/evidence/messages/stream?${new URLSearchParams(named)}`;
}
