import {
  Alert,
  Button,
  Checkbox,
  Group,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
  Title,
} from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { CopyableCode } from "../../components/CopyableCode";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { useNotificationTexts } from "../../texts/notifications";

type Choices = Schemas["NotificationChoices"];

const KINDS = ["requests", "expiring", "suspensions", "dead-letters", "health", "citizen-requests"] as const;

/** What the user is told of, and where. */
export function Notifications() {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["notifications"],
    queryFn: () => dataOf(api.GET("/me/notifications")),
  });
  if (isPending) return <LoadingState />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return <ChoiceForm known={data} />;
}

function ChoiceForm({ known }: { known: Choices }) {
  const t = useNotificationTexts();
  const queries = useQueryClient();
  const [choices, setChoices] = useState({
    kinds: known.kinds,
    language: known.language,
    email: known.email,
    webhook: known.webhook,
  });
  const save = useMutation({
    mutationFn: () => dataOf(api.PUT("/me/notifications", { body: choices })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["notifications"] }),
  });
  const test = useMutation({ mutationFn: () => dataOf(api.POST("/me/notifications/test")) });
  const fields = save.error instanceof ApiError ? save.error.fields : new Map<string, string>();
  const change = (part: Partial<typeof choices>) => setChoices((before) => ({ ...before, ...part }));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        test.reset();
        save.mutate();
      }}
    >
      <Stack maw={560}>
        <Title order={2}>{t("title")}</Title>
        <Text c="dimmed" size="sm">
          {t("purpose")}
        </Text>
        <Checkbox.Group
          label={t("kinds")}
          value={choices.kinds}
          error={fields.get("/kinds")}
          onChange={(kinds) => change({ kinds: KINDS.filter((kind) => kinds.includes(kind)) })}
        >
          <Stack gap="xs" mt="xs">
            {KINDS.map((kind) => (
              <Checkbox key={kind} value={kind} label={t(kind)} />
            ))}
          </Stack>
        </Checkbox.Group>
        <Stack gap={4}>
          <Text size="sm" fw={500}>
            {t("language")}
          </Text>
          <SegmentedControl
            aria-label={t("language")}
            value={choices.language}
            onChange={(language) => change({ language })}
            data={[
              { value: "vi", label: "Tiếng Việt" },
              { value: "en", label: "English" },
            ]}
            style={{ alignSelf: "flex-start" }}
          />
        </Stack>
        <TextInput
          type="email"
          label={t("email")}
          description={known.mailServer ? t("emailHelp") : t("noMailServer")}
          value={choices.email}
          error={fields.get("/email")}
          onChange={(event) => change({ email: event.currentTarget.value.trim() })}
        />
        <TextInput
          label={t("webhook")}
          description={t("webhookHelp")}
          value={choices.webhook}
          error={fields.get("/webhook")}
          onChange={(event) => change({ webhook: event.currentTarget.value.trim() })}
        />
        {save.error && fields.size === 0 && <ErrorState error={save.error} />}
        {save.data && (
          <Alert color="teal" role="status" title={t("saved")}>
            {save.data.secret && (
              <Stack gap={4} align="flex-start">
                <Text size="sm">{t("secretOnce")}</Text>
                <CopyableCode value={save.data.secret} label={t("secret")} />
              </Stack>
            )}
          </Alert>
        )}
        {test.error && <ErrorState error={test.error} />}
        {test.data && <TestResult faults={test.data.faults} />}
        <Group>
          <Button type="submit" loading={save.isPending}>
            {t("save")}
          </Button>
          <Button
            variant="default"
            disabled={!known.email && !known.webhook}
            loading={test.isPending}
            onClick={() => test.mutate()}
          >
            {t("test")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function TestResult({ faults }: { faults: Record<string, string> }) {
  const t = useNotificationTexts();
  return (
    <Stack gap="xs">
      {Object.entries(faults).map(([channel, fault]) => (
        <Alert key={channel} role="status" color={fault ? "red" : "teal"}>
          {channel === "email" ? t("email") : t("webhook")}:{" "}
          {fault ? t("testFailed", { fault }) : t("testSent")}
        </Alert>
      ))}
    </Stack>
  );
}
