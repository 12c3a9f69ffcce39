/**
 * Shares the connections of a browser among its tabs.
 *
 * A browser opens six connections to a server over HTTP/1.1, for all of its tabs together, and a stream keeps one for as long as it is
 * read: six live tabs would leave none to load a page. So the tabs that can be seen hold a few between them; where more can be seen
 * than that, as on several screens, they take turns, and each begins its turn with everything as it is then.
 */
const CONNECTIONS = ["lgsp-stream-1", "lgsp-stream-2", "lgsp-stream-3"] as const; // the session has one, two are left for requests
const TURN_MS = 4000;
const LOOK_MS = 1000;

/**
 * Call a function whenever this tab may hold a stream, until the returned function is called.
 *
 * @param open opens the stream; what it returns closes it at the end of the turn.
 */
export function takeTurns(open: () => () => void): () => void {
  const stop = new AbortController();
  void (async () => {
    while (!stop.signal.aborted) {
      await untilShown(stop.signal);
      const giveBack = await takeConnection(stop.signal);
      if (giveBack === null) return;
      const close = open();
      await untilTurnEnds(stop.signal);
      close();
      giveBack();
    }
  })();
  return () => stop.abort();
}

/** Wait for a connection; null where the tab stops waiting for it. */
function takeConnection(signal: AbortSignal): Promise<(() => void) | null> {
  return new Promise((resolve) => {
    const waiting = new AbortController();
    const giveUp = () => {
      waiting.abort();
      resolve(null);
    };
    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    for (const name of CONNECTIONS) {
      navigator.locks
        .request(name, { signal: waiting.signal }, () => {
          if (waiting.signal.aborted) return; // another one was free at the same moment
          signal.removeEventListener("abort", giveUp);
          waiting.abort();
          return new Promise<void>((giveBack) => resolve(giveBack));
        })
        .catch(() => {
          // it is not needed any more
        });
    }
  });
}

/** Wait until nobody sees the tab any more, or until it has had its turn and others wait for theirs. */
async function untilTurnEnds(signal: AbortSignal): Promise<void> {
  const began = performance.now();
  while (!signal.aborted) {
    await pause(LOOK_MS, signal);
    if (document.hidden) return;
    if (performance.now() - began >= TURN_MS && (await othersWait())) return;
  }
}

async function othersWait(): Promise<boolean> {
  const { pending } = await navigator.locks.query();
  return pending?.some(({ name }) => CONNECTIONS.some((one) => one === name)) ?? false;
}

function untilShown(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (!document.hidden || signal.aborted) return resolve();
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      signal.removeEventListener("abort", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
  });
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      window.clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = window.setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
