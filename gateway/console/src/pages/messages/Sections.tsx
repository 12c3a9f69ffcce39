import { Tabs } from "@mantine/core";
import { useLocation } from "wouter";
import { useHasRole } from "../../app/session";
import { useMessageTexts } from "../../texts/messages";

const SECTIONS = [
  { path: "/", name: "search" },
  { path: "/accepted", name: "accepted" },
  { path: "/dead-letters", name: "deadLetters" },
] as const;

/** The tabs between the sections of the page; those that the user may not see are left out. */
export function Sections({ current }: { current: (typeof SECTIONS)[number]["name"] }) {
  const t = useMessageTexts();
  const [, navigate] = useLocation();
  const operator = useHasRole("operator");
  if (!operator) return null;
  return (
    <Tabs
      value={current}
      mb="md"
      onChange={(chosen) => navigate(SECTIONS.find(({ name }) => name === chosen)?.path ?? "/")}
    >
      <Tabs.List aria-label={t("sections")}>
        {SECTIONS.map(({ name }) => (
          <Tabs.Tab key={name} value={name}>
            {t(name)}
          </Tabs.Tab>
        ))}
      </Tabs.List>
    </Tabs>
  );
}
