import { Center, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import icon from "../../app/icon.svg";
import { LookControls } from "../../app/LookControls";
import { useSignInTexts } from "../../texts/signIn";

/** The frame of the pages that need nobody to be signed in: nothing of the console but its name, the language and the theme. */
export function Frame({ title, children }: { title: string; children: ReactNode }) {
  const t = useSignInTexts();
  useEffect(() => {
    document.title = `${title} · LGSP`;
  }, [title]);
  return (
    <Center mih="100dvh" p="md" component="main">
      <Stack w="100%" maw={420} gap="md">
        <Group justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <img src={icon} width={32} height={32} alt="" />
            <Stack gap={0}>
              <Text fw={650}>LGSP</Text>
              <Text size="sm" c="dimmed">
                {t("product")}
              </Text>
            </Stack>
          </Group>
          <LookControls />
        </Group>
        <Paper withBorder p={{ base: "md", sm: "xl" }} radius="lg">
          <Stack gap="md">
            <Title order={1}>{title}</Title>
            {children}
          </Stack>
        </Paper>
      </Stack>
    </Center>
  );
}
