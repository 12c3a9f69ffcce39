/**
 * Opens the stream of a page before the scripts that draw the page are there, while it is not yet known who is signed in: what the gateway
 * computes for its first event, and the page, are then made at the same time.
 */

const KEPT_MS = 10_000;

/** A stream that was opened ahead, and the events that it has told since. */
export interface AheadStream {
  source: EventSource;
  events: readonly MessageEvent<string>[];
}

const ahead = new Map<string, AheadStream>();
const answered: Promise<unknown>[] = [];

/**
 * Open a stream that a page is about to listen to; without a page that takes it, it is closed again.
 *
 * @param url of the stream, as the page will ask for it.
 * @param names of the events to keep for the page.
 */
export function openAhead(url: string, names: readonly string[]): void {
  const source = new EventSource(url);
  const events: MessageEvent<string>[] = [];
  const first = new Promise<void>((resolve) => {
    for (const name of names) {
      source.addEventListener(name, (event) => {
        events.push(event);
        resolve();
      });
    }
    source.onerror = () => {
      source.close(); // whoever takes it opens another one
      resolve();
    };
  });
  answered.push(first);
  ahead.set(url, { source, events });
  window.setTimeout(() => takeAhead(url)?.source.close(), KEPT_MS);
}

/** Wait until each stream that was opened ahead has told something or was refused. */
export async function whenAnsweredAhead(): Promise<void> {
  await Promise.all(answered);
}

/** Return what a stream that was opened ahead has told in an event of this name, first of all; null where it has not. */
export function toldAhead(url: string, name: string): unknown {
  const event = ahead.get(url)?.events.find(({ type }) => type === name);
  return event ? JSON.parse(event.data) : null;
}

/** Return the stream of a URL that was opened ahead, once; null where there is none that is still open. */
export function takeAhead(url: string): AheadStream | null {
  const found = ahead.get(url) ?? null;
  ahead.delete(url);
  return found && found.source.readyState !== EventSource.CLOSED ? found : null;
}
