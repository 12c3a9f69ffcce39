import { useEffect, useRef, useState } from "react";
import { onReconnection } from "./reconnection";
import { takeAhead } from "./streamAhead";
import { takeTurns } from "./streamTurns";

const SHORTEST_MS = 1000;
const LONGEST_MS = 30_000;

/**
 * Whether what a stream told is up to date; `since` is when the connection was lost, and `tried` whether it was opened in vain.
 * A tab that is `waiting` has let others have the connection for a moment (`streamTurns.ts`).
 */
export type StreamState = { live: true; waiting: boolean } | { live: false; since: Date; tried: boolean };

/**
 * Listen to server-sent events while the component is shown.
 *
 * A lost connection is opened again with growing pauses. The browser does so by itself only while the gateway answers; after an
 * error response it gives up. A stream whose events have ids goes on after the last one: the browser names it by itself, and a new
 * connection by the parameter `after`.
 *
 * @param url of the stream; null listens to nothing.
 * @param handlers by the names of events; each gets the parsed JSON of an event.
 */
export function useEventStream(
  url: string | null,
  handlers: Record<string, (data: unknown) => void>,
): StreamState {
  const [state, setState] = useState<StreamState>({ live: false, since: new Date(), tried: false });
  const current = useRef(handlers);
  current.current = handlers;
  const names = Object.keys(handlers).sort().join(" ");

  useEffect(() => {
    if (url === null) return;
    let received = "";
    return takeTurns(() => {
      const close = keepOpen({
        address: () => (received ? resumed(url, received) : url),
        names: names.split(" "),
        onOpen: () => setState({ live: true, waiting: false }),
        onLost: () =>
          setState((before) => ({
            live: false,
            since: before.live ? new Date() : before.since,
            tried: true,
          })),
        onEvent: (name, event) => {
          received = event.lastEventId;
          current.current[name]?.(JSON.parse(event.data));
        },
      });
      return () => {
        close();
        setState((before) => (before.live ? { live: true, waiting: true } : before));
      };
    });
  }, [url, names]);
  return state;
}

interface Connection {
  /** Return the address to open, which may name the last event that was received. */
  address: () => string;
  /** Of the events. */
  names: readonly string[];
  onOpen: () => void;
  onLost: () => void;
  onEvent: (name: string, event: MessageEvent<string>) => void;
}

/** Keep a connection open until the returned function is called. */
function keepOpen({ address, names, onOpen, onLost, onEvent }: Connection): () => void {
  let source: EventSource;
  let pause = SHORTEST_MS;
  let timer: number | undefined;
  const open = () => {
    const url = address();
    const ahead = takeAhead(url);
    source = ahead?.source ?? new EventSource(url);
    source.onopen = () => {
      pause = SHORTEST_MS;
      onOpen();
    };
    source.onerror = () => {
      onLost();
      if (source.readyState !== EventSource.CLOSED) return;
      timer = window.setTimeout(open, pause * (0.5 + Math.random() / 2));
      pause = Math.min(pause * 2, LONGEST_MS);
    };
    for (const name of names) {
      source.addEventListener(name, (event) => onEvent(name, event));
    }
    if (source.readyState === EventSource.OPEN) onOpen();
    for (const event of ahead?.events.slice() ?? []) onEvent(event.type, event);
  };
  open();
  const forget = onReconnection(() => {
    if (source.readyState === EventSource.OPEN) return;
    window.clearTimeout(timer);
    source.close(); // the browser's own pauses grow as well
    pause = SHORTEST_MS;
    open();
  });
  return () => {
    forget();
    window.clearTimeout(timer);
    source.close();
  };
}

function resumed(url: string, after: string): string {
  const address = new URL(url, location.origin);
  address.searchParams.set("after", after);
  return `${address.pathname}${address.search}`;
}
