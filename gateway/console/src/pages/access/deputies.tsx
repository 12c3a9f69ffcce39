import { Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { PrincipalName, usePrincipalName } from "../../components/PrincipalName";
import { StatusBadge } from "../../components/StatusBadge";
import { useAccessTexts } from "../../texts/access";
import { formatDay } from "./formatDay";

type OwnDeputy = Schemas["OwnDeputy"];

const STATES = {
  "awaiting-consent": { text: "stateAwaitingConsent", meaning: "attention" },
  planned: { text: "statePlanned", meaning: "neutral" },
  "in-force": { text: "stateInForce", meaning: "healthy" },
  ended: { text: "stateEnded", meaning: "neutral" },
  void: { text: "stateVoid", meaning: "attention" },
} as const;

/** Who stands in for the user, and for whom the user does. */
export function Deputies() {
  const t = useAccessTexts();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { data, error, isPending, refetch } = useQuery({ queryKey: ["deputy"], queryFn: readDeputies });
  const send = useMutation({
    mutationFn: async (step: "consent" | "withdraw") => {
      const header = { "If-Match": data?.etag ?? "" };
      return step === "consent"
        ? api.POST("/me/deputy/consent", { params: { header } })
        : api.POST("/me/deputy/withdraw", { params: { header } });
    },
    onSettled: () => queries.invalidateQueries(),
    onSuccess: () => setAsking(false),
  });
  const deputyName = usePrincipalName(data?.body.deputy ? `person/${data.body.deputy.person}` : "");
  if (isPending) return <LoadingState />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  const { deputy, standsInFor } = data.body;
  return (
    <Stack gap="lg">
      <Paper withBorder p="md">
        <Title order={2} mb="xs">
          {t("myDeputy")}
        </Title>
        {!deputy && <Text c="dimmed">{t("noDeputy")}</Text>}
        {deputy && (
          <Group justify="space-between">
            <Period one={deputy} />
            {deputy.state === "awaiting-consent" && (
              <Button onClick={() => setAsking(true)}>{t("consent")}</Button>
            )}
            {(deputy.state === "in-force" || deputy.state === "planned") && (
              <Button variant="default" loading={send.isPending} onClick={() => send.mutate("withdraw")}>
                {t("withdraw")}
              </Button>
            )}
          </Group>
        )}
      </Paper>
      <Paper withBorder p="md">
        <Title order={2} mb="xs">
          {t("standsIn")}
        </Title>
        {standsInFor.length === 0 && <Text c="dimmed">{t("standsInForNobody")}</Text>}
        <Stack gap="xs">
          {standsInFor.map((one) => (
            <Period key={one.person} one={one} />
          ))}
        </Stack>
      </Paper>
      {deputy && (
        <ConfirmDialog
          opened={asking}
          title={t("consent")}
          action={t("consent")}
          pending={send.isPending}
          error={send.error}
          onClose={() => setAsking(false)}
          onConfirm={() => send.mutate("consent")}
        >
          <Text size="sm">
            {t("consentWhat", {
              person: deputyName,
              from: formatDay(deputy.from),
              until: formatDay(deputy.until),
            })}
          </Text>
        </ConfirmDialog>
      )}
    </Stack>
  );
}

function Period({ one }: { one: NonNullable<OwnDeputy["deputy"]> }) {
  const t = useAccessTexts();
  const state = STATES[one.state];
  return (
    <Group gap="sm">
      <Text size="sm">
        <PrincipalName name={`person/${one.person}`} />
      </Text>
      <Text size="sm">{t("validText", { from: formatDay(one.from), until: formatDay(one.until) })}</Text>
      <StatusBadge meaning={state.meaning}>{t(state.text)}</StatusBadge>
    </Group>
  );
}

async function readDeputies(): Promise<{ body: OwnDeputy; etag: string }> {
  const { data, response } = await api.GET("/me/deputy");
  if (data === undefined) throw new ApiError({ type: "", title: "empty answer", status: 0 });
  return { body: data, etag: response.headers.get("ETag") ?? "" };
}
