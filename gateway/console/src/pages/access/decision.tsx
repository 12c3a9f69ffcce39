import { Stack, Text, Textarea } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { DateInput } from "../../components/DateInput";
import { useAccessTexts } from "../../texts/access";
import { useLanguage } from "../../texts/createTexts";
import { formatDay } from "./formatDay";
import { GrantChanges, hasChanged } from "./grantChanges";

export type Step = "approve" | "deny" | "suspend" | "resume" | "revoke" | "renew";

const NEEDS_REASON: readonly Step[] = ["deny", "suspend", "revoke"];
const ENDS: readonly Step[] = ["deny", "revoke"];

interface Props {
  step: Step;
  review: Schemas["GrantReview"];
  current: Schemas["GrantReview"];
  onClose: () => void;
  onRead: () => void;
  onConflict: () => void;
  onDone: (after: Schemas["Grant"]) => void;
}

/** Ask before a step in the life of a grant: what exactly is decided, why, and what changed meanwhile. */
export function Decision({ step, review, current, onClose, onRead, onConflict, onDone }: Props) {
  const t = useAccessTexts();
  const language = useLanguage();
  const [reason, setReason] = useState("");
  const [until, setUntil] = useState("");
  const [missing, setMissing] = useState(false);
  const { metadata, spec } = review.document;
  const send = useMutation({
    mutationFn: () => decide(step, review, reason.trim(), until),
    onSuccess: onDone,
    onError: (error) => {
      if (error instanceof ApiError && error.status === 412) onConflict();
    },
  });
  const changed = hasChanged(review, current);
  const refusal = send.error instanceof ApiError && send.error.status === 412 ? null : send.error;
  const needsReason = NEEDS_REASON.includes(step);
  const title = {
    approve: "approveTitle",
    deny: "denyTitle",
    suspend: "suspendTitle",
    resume: "resumeTitle",
    revoke: "revokeTitle",
    renew: "renewTitle",
  } as const;
  return (
    <ConfirmDialog
      opened
      title={t(title[step], { name: metadata.name })}
      action={changed ? t("readAgain") : t(step)}
      danger={ENDS.includes(step) && !changed}
      pending={send.isPending}
      error={refusal}
      onClose={onClose}
      onConfirm={() => {
        if (changed) return onRead();
        setMissing(needsReason && !reason.trim());
        if (!needsReason || reason.trim()) send.mutate();
      }}
    >
      <Stack gap="sm">
        <Text size="sm">
          {step === "approve"
            ? t("approveWhat", {
                revision: metadata.revision ?? 0,
                consumer: review.parties.consumer.title?.[language] ?? spec.consumer,
                service: review.parties.serviceTitle?.[language] ?? `${spec.service} v${spec.major}`,
                until: formatDay(spec.validUntil),
              })
            : step === "renew"
              ? t("renewWhat", { until: formatDay(spec.validUntil) })
              : t(`${step}What`)}
        </Text>
        {step === "approve" && review.personal && review.approvals.length === 0 && (
          <Text size="sm" c="dimmed">
            {t("approveFirst")}
          </Text>
        )}
        {changed && <GrantChanges before={review} after={current} />}
        {(step === "renew" || step === "suspend") && (
          <DateInput label={step === "renew" ? t("newEnd") : t("until")} value={until} onChange={setUntil} />
        )}
        <Textarea
          data-autofocus
          label={needsReason ? t("reason") : t("reasonOptional")}
          required={needsReason}
          autosize
          minRows={2}
          maxLength={500}
          value={reason}
          error={missing && t("reasonNeeded")}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
      </Stack>
    </ConfirmDialog>
  );
}

async function decide(
  step: Step,
  review: Schemas["GrantReview"],
  reason: string,
  until: string,
): Promise<Schemas["Grant"]> {
  const { name, revision } = review.document.metadata;
  const header = { "If-Match": `"${revision}"` };
  const body = { ...(reason && { reason }), ...(until && { until }) };
  if (step === "renew")
    return dataOf(api.POST("/registry/grants/{name}/renew", { params: { path: { name }, header }, body }));
  if (review.onBehalfOf && (step === "approve" || step === "deny")) {
    const path = { person: review.onBehalfOf, name, action: step };
    return dataOf(api.POST("/me/deputy/{person}/grants/{name}/{action}", { params: { path, header }, body }));
  }
  return dataOf(
    api.POST("/registry/grants/{name}/{action}", { params: { path: { name, action: step }, header }, body }),
  );
}
