import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { DocumentDiff } from "../../components/DocumentDiff";
import { usePrincipalName } from "../../components/PrincipalName";
import { formatDateTime } from "../../components/Timestamp";
import { useAccessTexts } from "../../texts/access";

interface Document {
  metadata: { name: string; updatedAt?: number; updatedBy?: string };
  spec: unknown;
  status?: unknown;
}

/** Show what somebody else has changed in a document since the user read it. */
export function Conflict({
  before,
  after,
  onRead,
}: {
  before: Document;
  after: Document;
  onRead: () => void;
}) {
  const t = useAccessTexts();
  const { updatedAt = 0, updatedBy = "" } = after.metadata;
  const by = usePrincipalName(updatedBy);
  return (
    <Alert role="alert" color="yellow" icon={<IconAlertTriangle aria-hidden />} title={t("conflict")}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{t("conflictHelp", { by, time: formatDateTime(new Date(updatedAt)) })}</Text>
        <DocumentDiff
          before={{ spec: before.spec, status: before.status }}
          after={{ spec: after.spec, status: after.status }}
        />
        <Button size="xs" variant="default" onClick={onRead}>
          {t("readAgain")}
        </Button>
      </Stack>
    </Alert>
  );
}
