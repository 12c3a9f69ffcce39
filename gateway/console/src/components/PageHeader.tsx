import { Group, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

/** Show the title of a page, what it is for, and its actions; and name the browser's tab after it. */
export function PageHeader({
  title,
  purpose,
  actions,
}: {
  title: string;
  purpose?: string;
  actions?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · LGSP`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-start" mb="md" gap="md">
      <Stack gap={2} maw={720}>
        <Title order={1} tabIndex={-1} id="page-title">
          {title}
        </Title>
        {purpose && <Text c="dimmed">{purpose}</Text>}
      </Stack>
      {actions && <Group gap="xs">{actions}</Group>}
    </Group>
  );
}
