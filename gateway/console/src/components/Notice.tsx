import { Alert } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconInfoCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Meaning } from "./StatusBadge";

const LOOKS = {
  healthy: { color: "teal", Icon: IconCircleCheck },
  attention: { color: "yellow", Icon: IconAlertTriangle },
  failure: { color: "red", Icon: IconCircleX },
  neutral: { color: "gray", Icon: IconInfoCircle },
} as const;

/** Say something that matters more than the text around it. It is read out when it appears; a failure at once. */
export function Notice({
  meaning,
  title,
  children,
}: {
  meaning: Meaning;
  title?: ReactNode;
  children?: ReactNode;
}) {
  const { color, Icon } = LOOKS[meaning];
  return (
    <Alert
      role={meaning === "failure" ? "alert" : "status"}
      color={color}
      icon={<Icon aria-hidden />}
      title={title}
    >
      {children}
    </Alert>
  );
}
