import { Alert, Anchor, Button, Card, Group, Stack, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { useHasRole } from "../../app/session";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { Timestamp } from "../../components/Timestamp";
import { useLanguage } from "../../texts/createTexts";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { ChangeHistory } from "./ChangeHistory";
import { Stopped } from "./EndpointPage";
import { ReplayDialog } from "./ReplayDialog";
import { type Step, StepDialog } from "./StepDialog";
import { SubscriptionState } from "./states";
import { TestButton } from "./TestButton";
import { useOwnSystems } from "./useOwner";

const INTERVAL_MS = 10_000;

type Subscription = Schemas["Subscription"];

/** One subscription: whether its events arrive, why not, and what its owner does about it. */
export function SubscriptionPage({ id }: { id: string }) {
  const t = useSubscriptionTexts();
  const path = { params: { path: { subscription: id } } };
  const { data, error, refetch } = useQuery({
    queryKey: ["subscription", id],
    queryFn: async () => {
      const [subscription, history] = await Promise.all([
        dataOf(api.GET("/subscriptions/{subscription}", path)),
        dataOf(api.GET("/subscriptions/{subscription}/history", path)),
      ]);
      return { subscription, history: history.items };
    },
    refetchInterval: INTERVAL_MS,
  });
  if (!data) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <LoadingState />;
  return (
    <Stack gap="md">
      <Anchor component={Link} href="/" size="sm">
        ← {t("subscriptions")}
      </Anchor>
      <Head subscription={data.subscription} />
      <Held subscription={data.subscription} />
      <Facts subscription={data.subscription} />
      <ChangeHistory changes={data.history} />
    </Stack>
  );
}

function Head({ subscription }: { subscription: Subscription }) {
  const t = useSubscriptionTexts();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const operates = useHasRole("operator");
  const owns = useOwnSystems().includes(subscription.consumer);
  const [step, setStep] = useState<Step | null>(null);
  const [replaying, replay] = useDisclosure();
  const path = { params: { path: { subscription: subscription.id } } };
  const refresh = () => void queries.invalidateQueries({ queryKey: ["subscription", subscription.id] });
  const perform = async (chosen: Step, reason: string) => {
    const body = reason ? { reason } : {};
    if (chosen === "pause") return api.POST("/subscriptions/{subscription}/pause", { ...path, body });
    if (chosen === "resume") return api.POST("/subscriptions/{subscription}/resume", { ...path, body });
    return api.DELETE("/subscriptions/{subscription}", { params: { ...path.params, query: body } });
  };
  const pauses = subscription.state === "active";
  return (
    <>
      <Group justify="space-between" align="flex-start">
        <Group gap="sm">
          <Title order={2}>{subscription.name}</Title>
          <SubscriptionState subscription={subscription} />
        </Group>
        <Group gap="xs">
          {owns && (
            <>
              <TestButton
                send={() => dataOf(api.POST("/subscriptions/{subscription}/test", { ...path, body: {} }))}
                onDone={refresh}
              />
              <Button variant="default" onClick={replay.open}>
                {t("replay")}
              </Button>
            </>
          )}
          {(owns || operates) && (
            <Button variant="default" onClick={() => setStep(pauses ? "pause" : "resume")}>
              {t(pauses ? "pause" : "resume")}
            </Button>
          )}
          {owns && (
            <Button variant="default" onClick={() => setStep("remove")}>
              {t("remove")}
            </Button>
          )}
        </Group>
      </Group>
      <StepDialog
        step={step}
        name={subscription.name}
        perform={perform}
        onClose={() => setStep(null)}
        onDone={(done) => (done === "remove" ? navigate("/") : refresh())}
      />
      {replaying && <ReplayDialog subscription={subscription} onClose={replay.close} onDone={refresh} />}
    </>
  );
}

function Held({ subscription }: { subscription: Subscription }) {
  const t = useSubscriptionTexts();
  const language = useLanguage();
  if (subscription.state !== "active" && subscription.decision) {
    return <Stopped decision={subscription.decision} />;
  }
  if (subscription.blocked) {
    return (
      <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={t("whyHeld")}>
        {subscription.blocked[language]}
      </Alert>
    );
  }
  if (subscription.waiting) {
    return (
      <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />} title={t("whyHeld")}>
        {t("waitingFor", { why: subscription.waiting })}
      </Alert>
    );
  }
  return null;
}

function Facts({ subscription }: { subscription: Subscription }) {
  const t = useSubscriptionTexts();
  const { delivery, backlog } = subscription;
  return (
    <Card withBorder padding="md">
      <dl className="facts">
        <dt>{t("system")}</dt>
        <dd>{subscription.consumer}</dd>
        <dt>{t("events")}</dt>
        <dd>
          {subscription.service} v{subscription.major}: {subscription.events.join(", ")}
        </dd>
        <dt>{t("purposeField")}</dt>
        <dd>{subscription.purpose || "–"}</dd>
        <dt>{t("delivery")}</dt>
        <dd>
          {delivery.kind === "webhook" ? (
            <Anchor component={Link} href={`/endpoints/${delivery.endpoint}`} size="sm">
              {t("webhook")}
            </Anchor>
          ) : (
            t(delivery.kind)
          )}
        </dd>
        <dt>{t("filter")}</dt>
        <dd>{subscription.filter ?? t(subscription.filtered ? "filtered" : "noFilter")}</dd>
        <dt>{t("backlog")}</dt>
        <dd>
          {backlog
            ? t("backlogText", { waiting: backlog.waiting, underWay: backlog.underWay })
            : t("noBacklog")}
        </dd>
        <dt>{t("created")}</dt>
        <dd>
          <Timestamp time={subscription.createdAt} />
        </dd>
      </dl>
    </Card>
  );
}
