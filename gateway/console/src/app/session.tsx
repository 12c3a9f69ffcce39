import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  createContext,
  lazy,
  type ReactNode,
  Suspense,
  useContext,
  useEffect,
  useMemo,
  useState,
} from "react";
import { api, dataOf, type Schemas } from "../api/client";
import { ApiError } from "../api/problem";
import { announceReconnection } from "../api/reconnection";
import { LoadingState } from "../components/PageStates";
import { keepIssuerSignOut } from "./issuerSignOut";
import { followSession, onSignOutElsewhere, tellOtherTabs } from "./sessionEvents";
import { WAITING_KEY } from "./waiting";

/** Whom the bus identifies the user as; null where nobody is signed in. */
export type Session = Schemas["Principal"] | null;

const ME = { queryKey: ["me"], queryFn: readSession, staleTime: 30_000 };
const SIGNED_OUT = "/console/sign-in?signed-out";

const AwayContext = createContext<Date | null>(null);
const SessionContext = createContext<Session>(null);
const SessionEnded = lazy(() => import("../pages/sign-in/SessionEnded"));

/** Ask who is signed in, before anything is drawn that needs to know. */
export async function prefetchSession(queries: QueryClient): Promise<void> {
  await queries.prefetchQuery({ ...ME, gcTime: 30_000 }); // kept until the first page takes it
}

/** Return who is signed in. */
export function useSession(): Session {
  return useContext(SessionContext);
}

/** Return since when the bus has not answered; null while it does. */
export function useAwaySince(): Date | null {
  return useContext(AwayContext);
}

/** Tell whether the user has one of these roles. What is allowed is decided by the API; this only chooses what is shown. */
export function useHasRole(...roles: string[]): boolean {
  const session = useSession();
  return session?.roles.some((role) => roles.includes(role)) ?? false;
}

/** End the session of this browser, in all of its tabs. */
export async function signOut(): Promise<void> {
  const { atIssuer } = await dataOf(api.POST("/console/sign-out"));
  keepIssuerSignOut(atIssuer);
  tellOtherTabs({ kind: "signed-out" });
  location.assign(SIGNED_OUT);
}

/**
 * Give the pages below whom the bus identifies the user as, and learn within a second when that changes.
 *
 * When the session ends, what is on the page stays there behind a dialog, until the same person has signed in again.
 */
export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const { data, isPending } = useQuery(ME);
  const [known, setKnown] = useState<Session>(null);
  const [away, setAway] = useState<string | null>(null);
  const signedIn = Boolean(data);

  useEffect(() => {
    if (!data) return;
    if (known && known.principal !== data.principal) location.reload(); // nobody sees what somebody else had open
    setKnown(data);
  }, [data, known]);

  useEffect(() => {
    if (!signedIn) return;
    return followSession((event) => {
      if (event.kind === "signed-out") return;
      if (event.kind === "waiting") {
        queries.setQueryData(WAITING_KEY, event.waiting);
        return;
      }
      setAway(event.kind === "away" ? event.since : null);
      if (event.kind !== "away") {
        queries.setQueryData(ME.queryKey, event.kind === "session" ? event.session : null);
      }
    });
  }, [signedIn, queries]);

  useEffect(() => {
    if (away === null) return;
    return () => {
      // What is shown may be old, and what is asked for again waits for its turn.
      announceReconnection();
      void queries.invalidateQueries();
    };
  }, [away, queries]);

  // Also where the stream has said before that the session has ended.
  useEffect(() => onSignOutElsewhere(() => location.assign(SIGNED_OUT)), []);

  const awaySince = useMemo(() => (away === null ? null : new Date(away)), [away]);
  if (isPending) return <LoadingState />;
  const ended = known !== null && !data;
  return (
    <SessionContext.Provider value={data ?? known}>
      <AwayContext.Provider value={awaySince}>{children}</AwayContext.Provider>
      {ended && (
        <Suspense>
          <SessionEnded onSignedIn={() => queries.invalidateQueries()} />
        </Suspense>
      )}
    </SessionContext.Provider>
  );
}

async function readSession(): Promise<Session> {
  try {
    return await dataOf(api.GET("/me"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}
