import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { toldAhead } from "../../api/streamAhead";
import { type StreamState, useEventStream } from "../../api/useEventStream";
import { streamOf } from "./ahead";
import { type Filters, queryOf } from "./filters";

export type Picture = Schemas["Flows"];
export type Flow = Schemas["Flow"];

const SILENT_MS = 12_000;

/** What is known of the flows: a picture, whether it is up to date, and why there is none. */
export interface Flows {
  picture: Picture | null;
  stream: StreamState;
  error: Error | null;
}

/** Follow the flows: the whole picture first, then what changes; the whole again after a lost connection. */
export function useFlows(filters: Filters): Flows {
  const url = streamOf(filters);
  const [picture, setPicture] = useState<Picture | null>(() => toldAhead(url, "picture") as Picture | null);
  const heard = useRef(0);
  const [silent, setSilent] = useState<Date | null>(null);

  const note = useCallback(() => {
    heard.current = Date.now();
    setSilent(null);
  }, []);
  const stream = useEventStream(url, {
    picture: (data) => {
      note();
      setPicture(data as Picture);
    },
    changes: (data) => {
      note();
      setPicture((before) => before && applyChanges(before, data as Schemas["FlowChanges"]));
    },
  });

  useEffect(() => {
    // A connection can be lost without a word: what comes every two seconds and does not come is lost.
    const timer = window.setInterval(() => {
      if (heard.current && Date.now() - heard.current > SILENT_MS) setSilent(new Date(heard.current));
    }, 2000);
    return () => window.clearInterval(timer);
  }, []);

  // The browser does not tell why a stream was refused; a request does.
  const reason = useQuery({
    queryKey: ["flows", url],
    queryFn: () => dataOf(api.GET("/ops/flows", { params: { query: { ...queryOf(filters), top: 1 } } })),
    enabled: !stream.live && stream.tried && picture === null,
    retry: false,
    refetchInterval: 5000,
  });
  return {
    picture,
    stream: stream.live && !stream.waiting && silent ? { live: false, since: silent, tried: true } : stream,
    error: picture === null ? reason.error : null,
  };
}

function applyChanges(before: Picture, changes: Schemas["FlowChanges"]): Picture {
  const { removed, ...later } = changes;
  const gone = new Set(removed);
  const changed = new Map(changes.items.map((item) => [item.id, item]));
  const kept = before.items.filter(({ id }) => !gone.has(id)).map((item) => changed.get(item.id) ?? item);
  const known = new Set(before.items.map(({ id }) => id));
  return {
    ...later,
    items: [...kept, ...changes.items.filter(({ id }) => !known.has(id))],
    agencies: { ...before.agencies, ...changes.agencies },
    systems: { ...before.systems, ...changes.systems },
    services: { ...before.services, ...changes.services },
    series: merge(before.series, changes.series, changes.first, ({ began }) => String(began)),
    latency: merge(
      before.latency,
      changes.latency,
      changes.first,
      ({ began, service }) => `${service} ${began}`,
    ),
  };
}

function merge<T extends { began: number }>(
  before: T[],
  later: T[],
  first: number,
  key: (one: T) => string,
): T[] {
  const merged = new Map([...before, ...later].map((one) => [key(one), one]));
  return [...merged.values()].filter(({ began }) => began >= first);
}
