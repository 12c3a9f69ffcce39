import { Stack, Text, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf } from "../../api/client";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { useMessageTexts } from "../../texts/messages";

/** What somebody is about to decide about dead letters, or about an accepted message. */
export type Decision =
  | { kind: "retry"; letters: string[] }
  | { kind: "retry-all"; filter: { system?: string; service?: string; reason?: string } }
  | { kind: "give-up"; letters: string[] }
  | { kind: "cancel"; message: string };

interface Outcome {
  done: number;
  refused: { text: string }[];
  more: boolean;
}

/** Ask before a decision is carried out, carry it out, and tell what came of it. */
export function DecisionDialog({
  decision,
  onClose,
  onDone,
}: {
  decision: Decision | null;
  onClose: () => void;
  onDone: () => void;
}) {
  const t = useMessageTexts();
  const [reason, setReason] = useState("");
  const carryOut = useMutation({
    mutationFn: (chosen: Decision) => perform(chosen, reason),
    onSuccess: (outcome, chosen) => {
      notifications.show({
        color: outcome.refused.length > 0 ? "yellow" : "teal",
        message: told(outcome, chosen),
      });
      setReason("");
      onDone();
      onClose();
    },
  });
  const told = ({ done, refused, more }: Outcome, { kind }: Decision) => {
    if (kind === "cancel") return t("cancelled");
    if (kind === "give-up") return t("givenUp");
    const why = refused[0]?.text;
    const sentence = why
      ? t("retriedSome", { count: done, refused: refused.length, why })
      : t("retried", { count: done });
    return more ? `${sentence} ${t("moreToRetry")}` : sentence;
  };
  if (!decision) return null;
  const { kind } = decision;
  const texts = {
    retry: ["retryTitle", "retry"],
    "retry-all": ["retryTitle", "retryAll"],
    "give-up": ["giveUpTitle", "giveUp"],
    cancel: ["cancelTitle", "cancelMessage"],
  } as const;
  const [title, action] = texts[kind];
  return (
    <ConfirmDialog
      opened
      title={t(title)}
      action={t(action)}
      danger={kind === "give-up" || kind === "cancel"}
      pending={carryOut.isPending}
      error={carryOut.error}
      onConfirm={() => carryOut.mutate(decision)}
      onClose={() => {
        carryOut.reset();
        onClose();
      }}
    >
      <Stack gap="sm">
        {kind === "retry" && <Text size="sm">{t("retryWarning", { count: decision.letters.length })}</Text>}
        {kind === "retry-all" && <Text size="sm">{t("retryAllWarning")}</Text>}
        {kind === "cancel" && <Text size="sm">{t("cancelWarning")}</Text>}
        {kind === "give-up" && (
          <>
            <Text size="sm">{t("giveUpWarning")}</Text>
            <Textarea
              label={t("giveUpReason")}
              description={t("giveUpHint")}
              required
              data-autofocus
              maxLength={500}
              rows={3}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
          </>
        )}
      </Stack>
    </ConfirmDialog>
  );
}

async function perform(decision: Decision, reason: string): Promise<Outcome> {
  if (decision.kind === "cancel") {
    await api.POST("/messages/{message}/cancel", { params: { path: { message: decision.message } } });
    return { done: 1, refused: [], more: false };
  }
  if (decision.kind === "retry-all") {
    const answer = await dataOf(api.POST("/dead-letters/retry", { params: { query: decision.filter } }));
    return { done: answer.retried, refused: answer.refused, more: answer.more };
  }
  const { letters, kind } = decision;
  const refused: { text: string }[] = [];
  for (const letter of letters) {
    const path = { params: { path: { letter } } };
    try {
      if (kind === "retry") await api.POST("/dead-letters/{letter}/retry", path);
      else await api.POST("/dead-letters/{letter}/give-up", { ...path, body: { reason } });
    } catch (error) {
      if (letters.length === 1 || !(error instanceof Error)) throw error;
      refused.push({ text: error.message });
    }
  }
  return { done: letters.length - refused.length, refused, more: false };
}
