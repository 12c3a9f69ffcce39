import "./app/fonts.css";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./app/console.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { Route, Router, Switch } from "wouter";
import { ApiError } from "./api/problem";
import { showFieldFaults } from "./app/fieldFaults";
import { preloadPage } from "./app/pages";
import { Shell } from "./app/Shell";
import { prefetchSession, SessionProvider } from "./app/session";
import { theme } from "./app/theme";

const SignInPages = lazy(() => import("./pages/sign-in"));

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

const path = location.pathname.replace(/^\/console/, "");
if (!path.startsWith("/sign-in")) {
  prefetchSession(queries);
  preloadPage(path);
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
        <QueryClientProvider client={queries}>
          <Notifications position="bottom-right" />
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
