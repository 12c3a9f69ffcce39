import { Badge } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconCircleX } from "@tabler/icons-react";
import type { ReactNode } from "react";

/** What a state means for whoever looks: the palette has no other colours. */
export type Meaning = "healthy" | "attention" | "failure" | "neutral";

const LOOKS = {
  healthy: { color: "teal", Icon: IconCircleCheck },
  attention: { color: "yellow", Icon: IconAlertTriangle },
  failure: { color: "red", Icon: IconCircleX },
  neutral: { color: "gray", Icon: IconCircleDashed },
} as const;

/** Show a state in words, with an icon and a colour that mean the same. */
export function StatusBadge({ meaning, children }: { meaning: Meaning; children: ReactNode }) {
  const { color, Icon } = LOOKS[meaning];
  return (
    <Badge
      variant="light"
      color={color}
      tt="none"
      fw={600}
      leftSection={<Icon size={14} aria-hidden />}
      styles={{
        root: {
          color: "var(--mantine-color-text)",
          maxWidth: "100%",
          height: "auto",
          minHeight: "var(--badge-height)",
        },
        // In a narrow column the words take two lines: cut off they would say nothing.
        label: { whiteSpace: "normal", overflow: "visible", overflowWrap: "break-word", lineHeight: 1.4 },
      }}
    >
      {children}
    </Badge>
  );
}
