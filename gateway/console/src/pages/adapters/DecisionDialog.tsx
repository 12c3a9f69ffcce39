import { Alert, Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf } from "../../api/client";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { useAdapterTexts } from "../../texts/adapters";
import { standingOf } from "./standing";
import { type Adapter, keyOf } from "./useAdapters";

/** Ask before an instance is drained or resumed, and do it. */
export function DecisionDialog({
  adapter,
  others,
  drains,
  opened,
  onClose,
  onDone,
}: {
  adapter: Adapter;
  /** Other instances of the service that take calls. */
  others: number;
  /** Whether it is to be drained; else resumed. */
  drains: boolean;
  opened: boolean;
  onClose: () => void;
  onDone: (changed: Adapter) => void;
}) {
  const t = useAdapterTexts();
  const [reason, setReason] = useState("");
  const carryOut = useMutation({
    mutationFn: () => {
      const sent = { params: { path: { instance: keyOf(adapter) } }, body: reason ? { reason } : {} };
      return dataOf(
        drains
          ? api.POST("/ops/adapters/{instance}/drain", sent)
          : api.POST("/ops/adapters/{instance}/resume", sent),
      );
    },
    onSuccess: (changed) => {
      notifications.show({
        color: changed.state === "draining" || changed.state === "resuming" ? "yellow" : "teal",
        message: t("done", { service: changed.service, state: standingOf(changed, t, null).text }),
      });
      setReason("");
      onDone(changed);
      onClose();
    },
  });
  return (
    <ConfirmDialog
      opened={opened}
      title={t(drains ? "drainTitle" : "resumeTitle", { service: adapter.service })}
      action={t(drains ? "drain" : "resume")}
      pending={carryOut.isPending}
      error={carryOut.error}
      onConfirm={() => carryOut.mutate()}
      onClose={() => {
        carryOut.reset();
        onClose();
      }}
    >
      <Stack gap="sm">
        {drains && others > 0 && (
          <Text size="sm">{t("drainOthers", { count: adapter.instance?.working ?? 0, others })}</Text>
        )}
        {drains && others === 0 && (
          <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />}>
            {t("drainLast")}
          </Alert>
        )}
        {!drains && <Text size="sm">{t("resumeHelp")}</Text>}
        <Textarea
          label={t("reason")}
          description={t("reasonHint")}
          data-autofocus
          maxLength={500}
          autosize
          minRows={2}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
      </Stack>
    </ConfirmDialog>
  );
}
