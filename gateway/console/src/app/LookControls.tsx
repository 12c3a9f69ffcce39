import { Button, Group, Menu, SegmentedControl, useMantineColorScheme } from "@mantine/core";
import { IconMoon } from "@tabler/icons-react";
import { useCommonTexts } from "../texts/common";
import { LANGUAGES, setLanguage, useLanguage } from "../texts/createTexts";

const SCHEMES = ["light", "dark", "auto"] as const;

/** Choose the language and the theme. */
export function LookControls() {
  const t = useCommonTexts();
  const language = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Group gap={4} wrap="nowrap">
      <SegmentedControl
        size="xs"
        aria-label={t("language")}
        value={language}
        onChange={setLanguage}
        data={LANGUAGES.map((value) => ({ value, label: value.toUpperCase() }))}
      />
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="subtle" size="xs" px={6} aria-label={t("theme")}>
            <IconMoon size={18} aria-hidden />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {SCHEMES.map((scheme) => (
            <Menu.Item
              key={scheme}
              onClick={() => setColorScheme(scheme)}
              fw={scheme === colorScheme ? 650 : 400}
            >
              {t(scheme === "auto" ? "system" : scheme)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
