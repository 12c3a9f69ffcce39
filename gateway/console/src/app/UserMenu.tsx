import { Button, Group, Menu } from "@mantine/core";
import { IconLogout, IconUserCircle } from "@tabler/icons-react";
import { Link } from "wouter";
import { useRoleTitle } from "../components/roles";
import { useCommonTexts } from "../texts/common";
import { LookControls } from "./LookControls";
import { signOut, useSession } from "./session";

/** The menus of the header: language, theme, and who is signed in. */
export function UserMenu() {
  const t = useCommonTexts();
  const session = useSession();
  const roleTitle = useRoleTitle();
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
              aria-label={`${t("account")}: ${session.agency}`}
            >
              {session.agency}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
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
