import { Alert, Anchor, Button, Card } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Fragment } from "react";
import { Link } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { Timestamp } from "../../components/Timestamp";
import { TitleAndCode } from "../../components/TitleAndCode";
import { usePurposes } from "../../components/usePurposes";
import { useTitles } from "../../components/useTitles";
import { useLanguage } from "../../texts/createTexts";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { ReceiverFrame } from "./ReceiverFrame";
import { ReplayDialog } from "./ReplayDialog";
import type { Step } from "./StepDialog";
import { SubscriptionState } from "./states";

const INTERVAL_MS = 10_000;

type Subscription = Schemas["Subscription"];

/** One subscription: whether its events arrive, why not, and what its owner does about it. */
export function SubscriptionPage({ id }: { id: string }) {
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
  return <Loaded {...data} />;
}

function Loaded({
  subscription,
  history,
}: {
  subscription: Subscription;
  history: Schemas["ChangeHistory"]["items"];
}) {
  const t = useSubscriptionTexts();
  const queries = useQueryClient();
  const [replaying, replay] = useDisclosure();
  const path = { params: { path: { subscription: subscription.id } } };
  const refresh = () => void queries.invalidateQueries({ queryKey: ["subscription", subscription.id] });
  const perform = async (chosen: Step, reason: string) => {
    const body = reason ? { reason } : {};
    if (chosen === "pause") return api.POST("/subscriptions/{subscription}/pause", { ...path, body });
    if (chosen === "resume") return api.POST("/subscriptions/{subscription}/resume", { ...path, body });
    return api.DELETE("/subscriptions/{subscription}", { params: { ...path.params, query: body } });
  };
  return (
    <ReceiverFrame
      list={{ href: "/", title: t("subscriptions") }}
      name={subscription.name}
      system={subscription.consumer}
      badge={<SubscriptionState subscription={subscription} />}
      active={subscription.state === "active"}
      decision={subscription.decision}
      changes={history}
      test={() => dataOf(api.POST("/subscriptions/{subscription}/test", { ...path, body: {} }))}
      perform={perform}
      onChanged={refresh}
      actions={
        <Button variant="default" onClick={replay.open}>
          {t("replay")}
        </Button>
      }
    >
      <Held subscription={subscription} />
      <Facts subscription={subscription} />
      <ReplayDialog opened={replaying} subscription={subscription} onClose={replay.close} onDone={refresh} />
    </ReceiverFrame>
  );
}

function Held({ subscription }: { subscription: Subscription }) {
  const t = useSubscriptionTexts();
  const language = useLanguage();
  if (subscription.state !== "active" && subscription.decision) return null; // the frame says who stopped it
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
  const { titleAndCode } = usePurposes();
  const titles = useTitles();
  const { delivery, backlog, service, major } = subscription;
  return (
    <Card withBorder padding="md">
      <dl className="facts">
        <dt>{t("system")}</dt>
        <dd>
          <TitleAndCode title={titles.system(subscription.consumer)} code={subscription.consumer} />
        </dd>
        <dt>{t("events")}</dt>
        <dd>
          <TitleAndCode title={titles.service(service, major)} code={`${service} v${major}`} />:{" "}
          {subscription.events.map((event, index) => (
            <Fragment key={event}>
              {index > 0 && ", "}
              <TitleAndCode title={titles.event(service, major, event)} code={event} />
            </Fragment>
          ))}
        </dd>
        <dt>{t("purposeField")}</dt>
        <dd>{subscription.purpose ? titleAndCode(subscription.purpose) : "–"}</dd>
        <dt>{t("delivery")}</dt>
        <dd>
          {delivery.kind === "webhook" ? (
            <Anchor component={Link} href={`/endpoints/${delivery.endpoint}`} size="sm">
              {t("webhook")}
            </Anchor>
          ) : delivery.kind === "adapter" ? (
            `${t("adapter")}: ${delivery.service} v${delivery.major}/${delivery.operation}`
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
