import { Tabs } from "@mantine/core";
import { useLocation } from "wouter";
import { useSession } from "../../app/session";
import { useMessageTexts } from "../../texts/messages";

/** The roles that may decide about dead letters: all of them, or those of the systems of their own agency. */
export const DECIDERS = ["operator", "agency-admin", "developer"] as const;

const SECTIONS = [
  { path: "/", name: "search", roles: DECIDERS },
  { path: "/accepted", name: "accepted", roles: ["operator"] },
  { path: "/dead-letters", name: "deadLetters", roles: DECIDERS },
] as const;

/** The tabs between the sections of the page; those that the user may not see are left out. */
export function Sections({ current }: { current: (typeof SECTIONS)[number]["name"] }) {
  const t = useMessageTexts();
  const [, navigate] = useLocation();
  const session = useSession();
  const shown = SECTIONS.filter(({ roles }) =>
    roles.some((role) => session?.roles.some((held) => held === role)),
  );
  if (shown.length === 0) return null;
  return (
    <Tabs
      value={current}
      mb="md"
      onChange={(chosen) => navigate(SECTIONS.find(({ name }) => name === chosen)?.path ?? "/")}
    >
      <Tabs.List aria-label={t("sections")}>
        {shown.map(({ name }) => (
          <Tabs.Tab key={name} value={name}>
            {t(name)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
    </Tabs>
  );
}
