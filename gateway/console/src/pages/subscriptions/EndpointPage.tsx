import { Button, Card, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, dataOf, type Schemas } from "../../api/client";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { formatDateTime, Timestamp } from "../../components/Timestamp";
import { TitleAndCode } from "../../components/TitleAndCode";
import { useTitles } from "../../components/useTitles";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { Attempts } from "./Attempts";
import { RotateDialog, UrlDialog } from "./endpointDialogs";
import { ReceiverFrame } from "./ReceiverFrame";
import type { Step } from "./StepDialog";
import { EndpointState } from "./states";
import { useOwnSystems } from "./useOwner";

const INTERVAL_MS = 10_000;

type Endpoint = Schemas["Endpoint"];

interface Read {
  endpoint: Endpoint;
  attempts: Schemas["EndpointAttempts"]["items"];
  history: Schemas["ChangeHistory"]["items"];
}

/** One webhook endpoint: where it is, its secrets, and what became of the last requests to it. */
export function EndpointPage({ id }: { id: string }) {
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
  return <Loaded {...data} />;
}

function Loaded({ endpoint, attempts, history }: Read) {
  const t = useSubscriptionTexts();
  const queries = useQueryClient();
  const titles = useTitles();
  const owns = useOwnSystems().includes(endpoint.system);
  const [rotating, rotation] = useDisclosure();
  const [changing, change] = useDisclosure();
  const path = { params: { path: { endpoint: endpoint.id } } };
  const refresh = () => void queries.invalidateQueries({ queryKey: ["endpoint", endpoint.id] });
  const perform = async (chosen: Step, reason: string) => {
    const body = reason ? { reason } : {};
    if (chosen === "pause") return api.POST("/endpoints/{endpoint}/pause", { ...path, body });
    if (chosen === "resume") return api.POST("/endpoints/{endpoint}/resume", { ...path, body });
    return api.DELETE("/endpoints/{endpoint}", { params: { ...path.params, query: body } });
  };
  return (
    <ReceiverFrame
      list={{ href: "/endpoints", title: t("endpoints") }}
      name={endpoint.name}
      system={endpoint.system}
      badge={<EndpointState endpoint={endpoint} />}
      active={endpoint.state === "active"}
      decision={endpoint.decision}
      changes={history}
      test={() => dataOf(api.POST("/endpoints/{endpoint}/test", path))}
      operatorsTest
      perform={perform}
      onChanged={refresh}
    >
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card withBorder padding="md">
          <dl className="facts">
            <dt>{t("system")}</dt>
            <dd>
              <TitleAndCode title={titles.system(endpoint.system)} code={endpoint.system} />
            </dd>
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
      <Attempts attempts={attempts} />
      <RotateDialog opened={rotating} endpoint={endpoint} onClose={rotation.close} onDone={refresh} />
      <UrlDialog opened={changing} endpoint={endpoint} onClose={change.close} onDone={refresh} />
    </ReceiverFrame>
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
