/**
 * Opens the stream of a page as soon as the page's script is there, while it is not yet known who is signed in and nothing is drawn:
 * what the gateway computes for its first event, and the frame of the page, are then made at the same time.
 */

const KEPT_MS = 10_000;

/** A stream that was opened ahead, and the events that it has told since. */
export interface AheadStream {
  source: EventSource;
  events: readonly MessageEvent<string>[];
}

const ahead = new Map<string, AheadStream>();

/**
 * Open a stream that a page is about to listen to; without a page that takes it, it is closed again.
 *
 * @param url of the stream, as the page will ask for it.
 * @param names of the events to keep for the page.
 */
export function openAhead(url: string, names: readonly string[]): void {
  const source = new EventSource(url);
  const events: MessageEvent<string>[] = [];
  for (const name of names) source.addEventListener(name, (event) => events.push(event));
  source.onerror = () => source.close(); // whoever takes it opens another one
  ahead.set(url, { source, events });
  window.setTimeout(() => takeAhead(url)?.source.close(), KEPT_MS);
}

/** Return the stream of a URL that was opened ahead, once; null where there is none that is still open. */
export function takeAhead(url: string): AheadStream | null {
  const found = ahead.get(url) ?? null;
  ahead.delete(url);
  return found && found.source.readyState !== EventSource.CLOSED ? found : null;
}
