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
import { type ComponentType, type LazyExoticComponent, lazy } from "react";

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
  component: LazyExoticComponent<ComponentType>;
}

/** The pages in the order of the navigation. Each is loaded when it is first shown; it routes the paths below its own. */
export const PAGES: readonly Page[] = [
  {
    path: "/flows",
    name: "flows",
    group: "monitor",
    icon: IconArrowsSplit2,
    roles: ["operator", "auditor", "agency-admin"],
    component: lazy(() => import("../pages/flows")),
  },
  {
    path: "/messages",
    name: "messages",
    group: "monitor",
    icon: IconMessages,
    roles: ["operator", "auditor", "agency-admin", "integrator", "developer"],
    component: lazy(() => import("../pages/messages")),
  },
  {
    path: "/adapters",
    name: "adapters",
    group: "monitor",
    icon: IconPlugConnected,
    roles: ["operator", "auditor", "agency-admin", "integrator"],
    component: lazy(() => import("../pages/adapters")),
  },
  {
    path: "/health",
    name: "health",
    group: "monitor",
    icon: IconActivityHeartbeat,
    roles: ["operator", "auditor"],
    component: lazy(() => import("../pages/health")),
  },
  {
    path: "/catalogue",
    name: "catalogue",
    group: "services",
    icon: IconBook2,
    roles: [],
    component: lazy(() => import("../pages/catalogue")),
  },
  {
    path: "/forms",
    name: "forms",
    group: "services",
    icon: IconForms,
    roles: ["officer"],
    component: lazy(() => import("../pages/forms")),
  },
  {
    path: "/subscriptions",
    name: "subscriptions",
    group: "services",
    icon: IconBuildingBroadcastTower,
    roles: ["operator", "agency-admin", "developer"],
    component: lazy(() => import("../pages/subscriptions")),
  },
  {
    path: "/requests",
    name: "requests",
    group: "services",
    icon: IconMailQuestion,
    roles: ["agency-admin", "auditor"],
    component: lazy(() => import("../pages/requests")),
  },
  {
    path: "/access",
    name: "access",
    group: "administration",
    icon: IconKey,
    roles: ["operator", "agency-admin", "integrator", "developer", "auditor"],
    component: lazy(() => import("../pages/access")),
  },
  {
    path: "/evidence",
    name: "evidence",
    group: "administration",
    icon: IconShieldCheck,
    roles: ["auditor", "operator"],
    component: lazy(() => import("../pages/evidence")),
  },
  {
    path: "/account",
    name: "account",
    group: "account",
    icon: IconUserCircle,
    roles: [],
    component: lazy(() => import("../pages/account")),
  },
];
