import { Group, Paper, Stack, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";

/** One part of the page, under a heading of its own. */
export function Section({
  title,
  state,
  children,
}: {
  title: string;
  state?: ReactNode;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <Paper withBorder p="md" component="section" aria-labelledby={id}>
      <Stack gap="sm">
        <Group gap="sm">
          <Title order={2} id={id}>
            {title}
          </Title>
          {state}
        </Group>
        {children}
      </Stack>
    </Paper>
  );
}
