import "./app/fonts.css";
import "./app/mantine.css";
import "@mantine/notifications/styles.css";
import "./app/console.css";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { Route, Router, Switch } from "wouter";
import { ApiError } from "./api/problem";
import { whenAnsweredAhead } from "./api/streamAhead";
import { showFieldFaults } from "./app/fieldFaults";
import { preloadPage } from "./app/pages";
import { Shell } from "./app/Shell";
import { prefetchSession, SessionProvider } from "./app/session";
import { theme } from "./app/theme";

/** After so long a page says that it is loading. */
const LATE_MS = 200;

/** After so long the page can be used, and what shows notifications is fetched; those that come before wait for it. */
const NOTIFICATIONS_MS = 2000;

const SignInPages = lazy(() => import("./pages/sign-in"));
const Notifications = lazy(fetchNotifications);

const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
// The style by which Mantine's dialogs keep the page behind from scrolling takes its nonce from here (get-nonce).
Object.assign(globalThis, { __webpack_nonce__: nonce });

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      gcTime: 0, // what a page showed is forgotten with it
      retry: (failures, error) =>
        error instanceof ApiError && error.status >= 400 && error.status < 500 ? false : failures < 100,
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 10_000),
    },
  },
});

showFieldFaults();

const root = document.getElementById("root");
if (root) void whatIsShownFirst().then(() => render(root));

/** Fetch what the first page is drawn from. It is drawn once where that comes in time, and not first without and then with it. */
function whatIsShownFirst(): Promise<unknown> {
  const path = location.pathname.replace(/^\/console/, "");
  if (path.startsWith("/sign-in")) return Promise.resolve();
  return Promise.race([
    Promise.all([prefetchSession(queries), preloadPage(path), whenAnsweredAhead()]),
    later(LATE_MS),
  ]);
}

/** Fetch what shows notifications, again until it is there: without it no page may break. */
async function fetchNotifications(): Promise<typeof import("./app/Notifications")> {
  await later(NOTIFICATIONS_MS);
  return import("./app/Notifications").catch(fetchNotifications);
}

function render(root: HTMLElement): void {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
        <QueryClientProvider client={queries}>
          <Suspense>
            <Notifications />
          </Suspense>
          <Router base="/console">
            <Switch>
              <Route path="/sign-in" nest>
                <Suspense>
                  <SignInPages />
                </Suspense>
              </Route>
              <Route>
                <SessionProvider>
                  <Shell />
                </SessionProvider>
              </Route>
            </Switch>
          </Router>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => window.setTimeout(resolve, milliseconds));
}
