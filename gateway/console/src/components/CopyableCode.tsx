import { ActionIcon, Code, CopyButton, Group, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useCommonTexts } from "../texts/common";

/** Show an identifier as it is, with a button that copies it. */
export function CopyableCode({ value, label }: { value: string; label: string }) {
  const t = useCommonTexts();
  return (
    <Group gap={4} wrap="nowrap" component="span">
      <Code>{value}</Code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? t("copied") : t("copy")}>
            <ActionIcon variant="subtle" size="sm" onClick={copy} aria-label={`${t("copy")}: ${label}`}>
              {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </Group>
  );
}
