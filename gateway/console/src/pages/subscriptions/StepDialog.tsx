import { Stack, Text, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { useSubscriptionTexts } from "../../texts/subscriptions";

export type Step = "pause" | "resume" | "remove";

/** Ask before something is paused, resumed or deleted, with a reason; and do it. */
export function StepDialog({
  step,
  name,
  perform,
  onClose,
  onDone,
}: {
  step: Step | null;
  name: string;
  perform: (step: Step, reason: string) => Promise<unknown>;
  onClose: () => void;
  onDone: (step: Step) => void;
}) {
  const t = useSubscriptionTexts();
  const [reason, setReason] = useState("");
  const [shown, setShown] = useState<Step>("pause"); // also while the dialog closes
  if (step && step !== shown) setShown(step);
  const carryOut = useMutation({
    mutationFn: (chosen: Step) => perform(chosen, reason),
    onSuccess: (_, chosen) => {
      setReason("");
      onClose();
      onDone(chosen);
    },
  });
  return (
    <ConfirmDialog
      opened={step !== null}
      title={t(`${shown}Title`, { name })}
      action={t(shown)}
      danger={shown === "remove"}
      pending={carryOut.isPending}
      error={carryOut.error}
      onConfirm={() => carryOut.mutate(shown)}
      onClose={() => {
        carryOut.reset();
        onClose();
      }}
    >
      <Stack gap="sm">
        <Text size="sm">{t(`${shown}Help`)}</Text>
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
