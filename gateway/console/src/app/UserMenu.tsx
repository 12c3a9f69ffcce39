import { Button, Group, Menu, Text } from "@mantine/core";
import { IconLogout, IconUserCircle } from "@tabler/icons-react";
import { Link } from "wouter";
import { useRoleTitle } from "../components/roles";
import { useCommonTexts } from "../texts/common";
import { useLanguage } from "../texts/createTexts";
import { LookControls } from "./LookControls";
import { signOut, useSession } from "./session";

/** The menus of the header: language, theme, and who is signed in. */
export function UserMenu() {
  const t = useCommonTexts();
  const session = useSession();
  const roleTitle = useRoleTitle();
  const language = useLanguage();
  const agency = session?.agencyTitle?.[language] ?? session?.agency;
  return (
    <Group gap={4} wrap="nowrap">
      <LookControls />
      {session ? (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button
              variant="subtle"
              size="xs"
              px={6}
              leftSection={<IconUserCircle size={18} aria-hidden />}
              aria-label={`${t("account")}: ${agency}`}
            >
              <Text span inherit truncate maw={180} visibleFrom="md">
                {agency}
              </Text>
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label maw={320}>
              {agency} ({session.agency})
            </Menu.Label>
            {session.roles.length > 0 && <Menu.Label>{session.roles.map(roleTitle).join(", ")}</Menu.Label>}
            <Menu.Item
              component={Link}
              href="/account"
              leftSection={<IconUserCircle size={16} aria-hidden />}
            >
              {t("account")}
            </Menu.Item>
            <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={signOut}>
              {t("signOut")}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ) : (
        <Button component="a" href="/console/sign-in" size="xs">
          {t("signIn")}
        </Button>
      )}
    </Group>
  );
}
