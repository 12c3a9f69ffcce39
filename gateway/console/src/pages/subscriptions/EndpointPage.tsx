import { Anchor, Button, Card, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { useHasRole } from "../../app/session";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { formatDateTime, Timestamp } from "../../components/Timestamp";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { Attempts } from "./Attempts";
import { ChangeHistory } from "./ChangeHistory";
import { RotateDialog, UrlDialog } from "./endpointDialogs";
import { SecretShown } from "./SecretShown";
import { type Step, StepDialog } from "./StepDialog";
import { EndpointState } from "./states";
import { TestButton } from "./TestButton";
import { useOwnSystems } from "./useOwner";

const INTERVAL_MS = 10_000;

type Endpoint = Schemas["Endpoint"];

/** One webhook endpoint: where it is, its secrets, and what became of the last requests to it. */
export function EndpointPage({ id }: { id: string }) {
  const t = useSubscriptionTexts();
  const path = { params: { path: { endpoint: id } } };
  const { data, error, refetch } = useQuery({
    queryKey: ["endpoint", id],
    queryFn: async () => {
      const [endpoint, attempts, history] = await Promise.all([
        dataOf(api.GET("/endpoints/{endpoint}", path)),
        dataOf(api.GET("/endpoints/{endpoint}/attempts", path)),
        dataOf(api.GET("/endpoints/{endpoint}/history", path)),
      ]);
      return { endpoint, attempts: attempts.items, history: history.items };
    },
    refetchInterval: INTERVAL_MS,
  });
  if (!data) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <LoadingState />;
  return (
    <Stack gap="md">
      <Anchor component={Link} href="/endpoints" size="sm">
        ← {t("endpoints")}
      </Anchor>
      <Head endpoint={data.endpoint} />
      <Attempts attempts={data.attempts} />
      <ChangeHistory changes={data.history} />
    </Stack>
  );
}

function Head({ endpoint }: { endpoint: Endpoint }) {
  const t = useSubscriptionTexts();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const operates = useHasRole("operator");
  const owns = useOwnSystems().includes(endpoint.system);
  const [step, setStep] = useState<Step | null>(null);
  const [rotating, rotation] = useDisclosure();
  const [changing, change] = useDisclosure();
  const [secret, setSecret] = useState("");
  const path = { params: { path: { endpoint: endpoint.id } } };
  const refresh = () => void queries.invalidateQueries({ queryKey: ["endpoint", endpoint.id] });
  const perform = async (chosen: Step, reason: string) => {
    const body = reason ? { reason } : {};
    if (chosen === "pause") return api.POST("/endpoints/{endpoint}/pause", { ...path, body });
    if (chosen === "resume") return api.POST("/endpoints/{endpoint}/resume", { ...path, body });
    return api.DELETE("/endpoints/{endpoint}", { params: { ...path.params, query: body } });
  };
  return (
    <>
      <Group justify="space-between" align="flex-start">
        <Group gap="sm">
          <Title order={2}>{endpoint.name}</Title>
          <EndpointState endpoint={endpoint} />
        </Group>
        <Group gap="xs">
          {(owns || operates) && (
            <TestButton send={() => dataOf(api.POST("/endpoints/{endpoint}/test", path))} onDone={refresh} />
          )}
          {(owns || operates) && (
            <Button
              variant="default"
              onClick={() => setStep(endpoint.state === "active" ? "pause" : "resume")}
            >
              {t(endpoint.state === "active" ? "pause" : "resume")}
            </Button>
          )}
          {owns && (
            <Button variant="default" onClick={() => setStep("remove")}>
              {t("remove")}
            </Button>
          )}
        </Group>
      </Group>
      {endpoint.state === "paused" && endpoint.decision && <Stopped decision={endpoint.decision} />}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card withBorder padding="md">
          <dl className="facts">
            <dt>{t("system")}</dt>
            <dd>{endpoint.system}</dd>
            <dt>{t("url")}</dt>
            <dd>{endpoint.url}</dd>
            <dt>{t("limits")}</dt>
            <dd>{t("limitsText", { concurrency: endpoint.concurrency, rate: endpoint.rate })}</dd>
            <dt>{t("created")}</dt>
            <dd>
              <Timestamp time={endpoint.createdAt} />
            </dd>
          </dl>
          {owns && (
            <Button
              variant="default"
              size="xs"
              mt="sm"
              style={{ alignSelf: "flex-start" }}
              onClick={change.open}
            >
              {t("urlChange")}
            </Button>
          )}
        </Card>
        <Secrets endpoint={endpoint} owns={owns} onRotate={rotation.open} onRemoved={refresh} />
      </SimpleGrid>
      <StepDialog
        step={step}
        name={endpoint.name}
        perform={perform}
        onClose={() => setStep(null)}
        onDone={(done) => (done === "remove" ? navigate("/endpoints") : refresh())}
      />
      {rotating && (
        <RotateDialog
          endpoint={endpoint}
          onClose={rotation.close}
          onDone={(made) => {
            setSecret(made);
            refresh();
          }}
        />
      )}
      {changing && <UrlDialog endpoint={endpoint} onClose={change.close} onDone={refresh} />}
      {secret && <SecretShown secret={secret} onClose={() => setSecret("")} />}
    </>
  );
}

/** Show who stopped something, when and why. */
export function Stopped({ decision }: { decision: Schemas["Decision"] }) {
  const t = useSubscriptionTexts();
  return (
    <Card withBorder padding="sm">
      <Text size="sm">
        {t("stoppedBy", { by: decision.by || t("endpoint"), time: formatDateTime(new Date(decision.at)) })}
        {decision.reason && `: ${decision.reason}`}
      </Text>
      {decision.role === "operator" && (
        <Text size="sm" c="dimmed">
          {t("operatorSide")}
        </Text>
      )}
    </Card>
  );
}

function Secrets({
  endpoint,
  owns,
  onRotate,
  onRemoved,
}: {
  endpoint: Endpoint;
  owns: boolean;
  onRotate: () => void;
  onRemoved: () => void;
}) {
  const t = useSubscriptionTexts();
  const remove = async (secret: string) => {
    await api.DELETE("/endpoints/{endpoint}/secrets/{secret}", {
      params: { path: { endpoint: endpoint.id, secret } },
    });
    onRemoved();
  };
  return (
    <Card withBorder padding="md">
      <Title order={2} mb="xs">
        {t("secrets")}
      </Title>
      <Stack gap={6}>
        {endpoint.secrets.map((one, number) => (
          <Group key={one.id} gap="sm" justify="space-between">
            <Text size="sm">
              {one.expiresAt
                ? t("secretUntil", { time: formatDateTime(new Date(one.expiresAt)) })
                : t("secretCurrent")}{" "}
              · <Timestamp time={one.createdAt} relative />
            </Text>
            {owns && number > 0 && (
              <Button variant="default" size="compact-xs" onClick={() => void remove(one.id)}>
                {t("secretRemove")}
              </Button>
            )}
          </Group>
        ))}
      </Stack>
      {owns && (
        <Button variant="default" size="xs" mt="sm" style={{ alignSelf: "flex-start" }} onClick={onRotate}>
          {t("rotate")}
        </Button>
      )}
    </Card>
  );
}
