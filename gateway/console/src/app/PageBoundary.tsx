import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Component, type ReactNode } from "react";
import { useCommonTexts } from "../texts/common";

/**
 * Say that a page cannot be shown, in place of leaving all of the window empty.
 *
 * The reason is an error of the page's own, or a script that is not there any more: of a tab that was opened before the bus was upgraded.
 */
export class PageBoundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override render(): ReactNode {
    return this.state.broken ? <BrokenPage /> : this.props.children;
  }
}

function BrokenPage() {
  const t = useCommonTexts();
  return (
    <Alert role="alert" color="red" icon={<IconAlertTriangle aria-hidden />} title={t("broken")}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{t("brokenHelp")}</Text>
        <Button size="xs" variant="default" onClick={() => window.location.reload()}>
          {t("reload")}
        </Button>
      </Stack>
    </Alert>
  );
}
