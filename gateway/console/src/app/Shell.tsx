import { Anchor, AppShell, Badge, Box, Burger, Group, NavLink, Text, VisuallyHidden } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Suspense } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { FindMessage } from "../components/FindMessage";
import { AwayNotice, EmptyState, ForbiddenState, LoadingState } from "../components/PageStates";
import { useCommonTexts } from "../texts/common";
import icon from "./icon.svg";
import { PageBoundary } from "./PageBoundary";
import { PAGES, type Page } from "./pages";
import { type Session, useAwaySince, useSession } from "./session";
import { UserMenu } from "./UserMenu";
import { useScrollPosition } from "./useScrollPosition";
import { countText, useWaiting } from "./waiting";

const GROUPS = ["monitor", "services", "administration"] as const;

/** The frame of each page: header, navigation, and the page itself. */
export function Shell() {
  const t = useCommonTexts();
  const session = useSession();
  const awaySince = useAwaySince();
  const [opened, { toggle, close }] = useDisclosure();
  const [location] = useLocation();
  useScrollPosition();
  const shown = location.split("/")[1]; // another page is tried, whatever became of this one
  const pages = PAGES.filter((page) => isOfUse(page, session));
  const first = pages.find((page) => page.roles.length > 0) ?? pages[0]; // what one's role is for, before what everybody may see
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 232, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <a href="#main" className="skip-link">
        {t("skip")}
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={opened}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={t("openNavigation")}
            />
            <img src={icon} width={26} height={26} alt="" />
            <Text fw={650} visibleFrom="xs">
              LGSP
            </Text>
            <Text c="dimmed" visibleFrom="xs">
              {t("console")}
            </Text>
          </Group>
          <Group gap="sm" wrap="nowrap">
            {pages.some((page) => page.name === "messages") && (
              <Box visibleFrom="sm">
                <FindMessage />
              </Box>
            )}
            <UserMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label={t("navigation")}>
        <Box style={{ overflowY: "auto" }}>
          {GROUPS.map((group) => (
            <PageLinks key={group} group={group} pages={pages} onFollow={close} />
          ))}
        </Box>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        {awaySince && <AwayNotice since={awaySince} />}
        <PageBoundary key={shown}>
          <Suspense fallback={<LoadingState />}>
            <Pages session={session} first={first} />
          </Suspense>
        </PageBoundary>
      </AppShell.Main>
    </AppShell>
  );
}

function PageLinks({
  group,
  pages,
  onFollow,
}: {
  group: Page["group"];
  pages: readonly Page[];
  onFollow: () => void;
}) {
  const t = useCommonTexts();
  const [location] = useLocation();
  const waiting = useWaiting();
  const links = pages.filter((page) => page.group === group);
  if (links.length === 0) return null;
  return (
    <>
      <Text size="xs" fw={600} c="dimmed" px="sm" pt="sm" pb={4}>
        {t(group)}
      </Text>
      {links.map(({ path, name, icon: Icon }) => (
        <NavLink
          key={path}
          component={Link}
          href={path}
          label={<PageName name={t(name)} waiting={waiting(name)} />}
          leftSection={<Icon size={18} stroke={1.6} aria-hidden />}
          active={location === path || location.startsWith(`${path}/`)}
          aria-current={location.startsWith(path) ? "page" : undefined}
          onClick={onFollow}
        />
      ))}
    </>
  );
}

/** The name of a page in the navigation, and how much waits there for the user. */
function PageName({ name, waiting }: { name: string; waiting: number }) {
  const t = useCommonTexts();
  if (waiting === 0) return <>{name}</>;
  const count = countText(waiting);
  return (
    <Group component="span" justify="space-between" gap="xs" wrap="nowrap">
      <span>{name}</span>
      <Badge component="span" size="md" variant="light" color="yellow" c="var(--mantine-color-text)" px={8}>
        <span aria-hidden>{count}</span>
        <VisuallyHidden>{t("waitingForYou", { count })}</VisuallyHidden>
      </Badge>
    </Group>
  );
}

function Pages({ session, first }: { session: Session; first: Page | undefined }) {
  const t = useCommonTexts();
  return (
    <Switch>
      {PAGES.map((page) => (
        <Route key={page.path} path={page.path} nest>
          {isOfUse(page, session) ? <page.component /> : <Refused page={page} session={session} />}
        </Route>
      ))}
      <Route path="/">{first && <Redirect to={first.path} replace />}</Route>
      <Route>
        <EmptyState title={t("notFound")} wholePage>
          {t("notFoundHelp")}
        </EmptyState>
      </Route>
    </Switch>
  );
}

function Refused({ page, session }: { page: Page; session: Session }) {
  const t = useCommonTexts();
  if (session) return <ForbiddenState roles={page.roles} wholePage />;
  const back = `${window.location.pathname}${window.location.search}`;
  return (
    <EmptyState title={t("signInNeeded")} wholePage>
      <Anchor href={`/console/sign-in?return=${encodeURIComponent(back)}`}>{t("signIn")}</Anchor>
    </EmptyState>
  );
}

function isOfUse(page: Page, session: Session): boolean {
  return page.roles.length === 0 || (session?.roles.some((role) => page.roles.includes(role)) ?? false);
}
