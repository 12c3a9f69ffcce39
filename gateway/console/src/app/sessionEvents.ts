import type { Schemas } from "../api/client";
import type { Waiting } from "./waiting";

/**
 * What becomes of a session: who is signed in now, how much waits for them, that it has ended, that the user signed out in some tab, or that
 * nobody can tell since a time (RFC 3339), because the bus does not answer.
 */
export type SessionEvent =
  | { kind: "session"; session: Schemas["Principal"] }
  | { kind: "waiting"; waiting: Waiting }
  | { kind: "ended" }
  | { kind: "signed-out" }
  | { kind: "away"; since: string };

const CHANNEL = "lgsp-session";
/** Asks the tab that holds the stream what waits: one that is opened later has missed it. */
const ASK = "lgsp-session-ask";
const LOCK = "lgsp-session-stream";
const SHORTEST_MS = 500;
const LONGEST_MS = 6000;

/** Tell the other tabs of this browser what became of the session. */
export function tellOtherTabs(event: SessionEvent): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(event);
  channel.close();
}

/** Call a function when the user signs out in another tab, until the returned function is called. */
export function onSignOutElsewhere(onSignOut: () => void): () => void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }: MessageEvent<SessionEvent>) => {
    if (data.kind === "signed-out") onSignOut();
  };
  return () => channel.close();
}

/**
 * Follow the session of this browser until the returned function is called.
 *
 * One tab holds the stream and tells the others: a browser opens six connections to a server over HTTP/1.1, and each live page
 * needs one of its own.
 */
export function followSession(onEvent: (event: SessionEvent) => void): () => void {
  const stop = new AbortController();
  const channel = new BroadcastChannel(CHANNEL);
  const asked = new BroadcastChannel(ASK);
  let last: SessionEvent | undefined;
  channel.onmessage = ({ data }: MessageEvent<SessionEvent>) => onEvent(data);
  const pass = (event: SessionEvent) => {
    if (event.kind === "waiting") last = event;
    onEvent(event);
    channel.postMessage(event);
  };
  asked.onmessage = () => last && channel.postMessage(last);
  asked.postMessage("");
  navigator.locks
    .request(LOCK, { signal: stop.signal }, () => stream(pass, stop.signal))
    .catch(() => {
      // the tab stopped following before its turn came
    });
  return () => {
    stop.abort();
    channel.close();
    asked.close();
  };
}

/** Read the stream of the session until it has ended, again after each lost connection. */
function stream(pass: (event: SessionEvent) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let source: EventSource;
    let timer: number | undefined;
    let pause = SHORTEST_MS;
    let away: string | null = null;
    const finish = () => {
      window.clearTimeout(timer);
      source.close();
      resolve();
    };
    const open = () => {
      source = new EventSource("/me/session/events");
      source.addEventListener("session", ({ data }) => {
        pause = SHORTEST_MS;
        away = null;
        pass({ kind: "session", session: JSON.parse(data) });
      });
      source.addEventListener("waiting", ({ data }) => pass({ kind: "waiting", waiting: JSON.parse(data) }));
      source.addEventListener("ended", () => {
        finish();
        pass({ kind: "ended" });
      });
      source.onerror = async () => {
        source.close();
        const found = await lookForSession();
        if (found === "ended") {
          finish();
          pass({ kind: "ended" });
        } else if (!signal.aborted) {
          if (found === "away") {
            away ??= new Date().toISOString();
            pass({ kind: "away", since: away });
          } else {
            pause = SHORTEST_MS; // the bus answers again
            away = null;
            pass({ kind: "session", session: found });
          }
          timer = window.setTimeout(open, pause * (0.5 + Math.random() / 2));
          pause = Math.min(pause * 2, LONGEST_MS);
        }
      };
    };
    signal.addEventListener("abort", finish);
    open();
  });
}

/** Read whose session it is, whether it has ended, or that the bus does not answer. */
async function lookForSession(): Promise<Schemas["Principal"] | "ended" | "away"> {
  try {
    const answer = await fetch("/me", { cache: "no-store", signal: AbortSignal.timeout(LONGEST_MS) });
    if (answer.status === 401) return "ended";
    return answer.ok ? await answer.json() : "away"; // a proxy answers for a gateway that is away
  } catch {
    return "away";
  }
}
