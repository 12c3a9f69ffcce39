import {
  IconActivityHeartbeat,
  IconArrowsSplit2,
  IconBook2,
  IconBuildingBroadcastTower,
  IconForms,
  IconKey,
  IconMailQuestion,
  IconMessages,
  IconPlugConnected,
  type IconProps,
  IconShieldCheck,
  IconUserCircle,
} from "@tabler/icons-react";
import { type ComponentType, createElement, lazy, useState } from "react";

/** A page of the console: its path under `/console`, and the roles that it is of use to (none: anybody, also before signing in). */
export interface Page {
  path: string;
  name:
    | "flows"
    | "messages"
    | "adapters"
    | "health"
    | "catalogue"
    | "forms"
    | "subscriptions"
    | "requests"
    | "access"
    | "evidence"
    | "account";
  /** Where it stands in the navigation; `account` is in the menu of the user. */
  group: "monitor" | "services" | "administration" | "account";
  icon: ComponentType<IconProps>;
  roles: readonly string[];
  /** Fetch the script of the page. */
  load: () => Promise<{ default: ComponentType }>;
  component: ComponentType;
}

/** The pages in the order of the navigation. Each is loaded when it is first shown; it routes the paths below its own. */
export const PAGES: readonly Page[] = withComponents([
  {
    path: "/flows",
    name: "flows",
    group: "monitor",
    icon: IconArrowsSplit2,
    roles: ["operator", "auditor", "agency-admin"],
    load: () => import("../pages/flows"),
  },
  {
    path: "/messages",
    name: "messages",
    group: "monitor",
    icon: IconMessages,
    roles: ["operator", "auditor", "agency-admin", "integrator", "developer"],
    load: () => import("../pages/messages"),
  },
  {
    path: "/adapters",
    name: "adapters",
    group: "monitor",
    icon: IconPlugConnected,
    roles: ["operator", "auditor", "agency-admin", "integrator"],
    load: () => import("../pages/adapters"),
  },
  {
    path: "/health",
    name: "health",
    group: "monitor",
    icon: IconActivityHeartbeat,
    roles: ["operator", "auditor"],
    load: () => import("../pages/health"),
  },
  {
    path: "/catalogue",
    name: "catalogue",
    group: "services",
    icon: IconBook2,
    roles: [],
    load: () => import("../pages/catalogue"),
  },
  {
    path: "/forms",
    name: "forms",
    group: "services",
    icon: IconForms,
    roles: ["officer"],
    load: () => import("../pages/forms"),
  },
  {
    path: "/subscriptions",
    name: "subscriptions",
    group: "services",
    icon: IconBuildingBroadcastTower,
    roles: ["operator", "agency-admin", "developer"],
    load: () => import("../pages/subscriptions"),
  },
  {
    path: "/requests",
    name: "requests",
    group: "services",
    icon: IconMailQuestion,
    roles: ["agency-admin", "auditor"],
    load: () => import("../pages/requests"),
  },
  {
    path: "/access",
    name: "access",
    group: "administration",
    icon: IconKey,
    roles: ["operator", "agency-admin", "integrator", "developer", "auditor"],
    load: () => import("../pages/access"),
  },
  {
    path: "/evidence",
    name: "evidence",
    group: "administration",
    icon: IconShieldCheck,
    roles: ["auditor", "operator"],
    load: () => import("../pages/evidence"),
  },
  {
    path: "/account",
    name: "account",
    group: "account",
    icon: IconUserCircle,
    roles: [],
    load: () => import("../pages/account"),
  },
]);

/** Fetch the script of the page that an address leads to, before it is known who opens it. */
export async function preloadPage(path: string): Promise<void> {
  const page = PAGES.find((one) => path === one.path || path.startsWith(`${one.path}/`));
  await page?.load().catch(() => {
    // it is fetched again when it is shown, and a failure is said there
  });
}

function withComponents(pages: Omit<Page, "component">[]): Page[] {
  return pages.map((page) => ({ ...page, ...pageComponent(page.load) }));
}

/**
 * Make the component of a page from what fetches its script.
 *
 * A script that is there is shown at once. A lazy component would still suspend for a moment, and React shows what was suspended only
 * 300 ms after what stood in its place.
 */
function pageComponent(load: Page["load"]): Pick<Page, "load" | "component"> {
  let loaded: ComponentType | null = null;
  const loadAndKeep = async () => {
    const script = await load();
    loaded = script.default;
    return script;
  };
  const later = lazy(loadAndKeep);
  return {
    load: loadAndKeep,
    component: function PageComponent() {
      const [shown] = useState<ComponentType>(() => loaded ?? later); // the same one for as long as it is shown
      return createElement(shown);
    },
  };
}
