import { Alert, Anchor, Button, Card, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "wouter";
import { useHasRole } from "../../app/session";
import { CopyableCode } from "../../components/CopyableCode";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, LoadingState, OutOfDateNotice } from "../../components/PageStates";
import { StatusBadge } from "../../components/StatusBadge";
import { formatDateTime, Timestamp } from "../../components/Timestamp";
import { useAdapterTexts } from "../../texts/adapters";
import { useLanguage } from "../../texts/createTexts";
import { DataFile } from "./DataFile";
import { DecisionDialog } from "./DecisionDialog";
import { Decisions } from "./Decisions";
import { Operations, Watches } from "./Operations";
import { ProviderLimit } from "./ProviderLimit";
import { slownessOfInstance } from "./slowness";
import { standingOf } from "./standing";
import { type Adapter, type AdapterList, keyOf, titleOf, useAdapters } from "./useAdapters";

/** One instance of an adapter: its load, the system behind it, and who drained it. */
export function AdapterPage({ name }: { name: string }) {
  const t = useAdapterTexts();
  const { list, adapters, error, refetch, stream, replace } = useAdapters();
  const adapter = adapters?.find((one) => keyOf(one) === name);
  return (
    <Stack gap="md">
      <Anchor component={Link} href="/" size="sm">
        ← {t("all")}
      </Anchor>
      {adapters && <OutOfDateNotice stream={stream} />}
      {!adapters && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!adapters && !error && <LoadingState />}
      {adapters && !adapter && <EmptyState title={t("gone")}>{t("goneHelp")}</EmptyState>}
      {list && adapter && <Instance adapter={adapter} list={list} onChange={replace} />}
    </Stack>
  );
}

function Instance({
  adapter,
  list,
  onChange,
}: {
  adapter: Adapter;
  list: AdapterList;
  onChange: (changed: Adapter) => void;
}) {
  const t = useAdapterTexts();
  const [opened, { open, close }] = useDisclosure();
  const [asked, setAsked] = useState(false);
  const decides = useHasRole("operator", "agency-admin", "integrator");
  const language = useLanguage();
  const standing = standingOf(adapter, t, slownessOfInstance(adapter, list.items));
  const drains = adapter.state === "serving" || adapter.state === "resuming";
  const others = list.items.filter(
    (one) => one.service === adapter.service && one.state === "serving" && keyOf(one) !== keyOf(adapter),
  ).length;
  return (
    <>
      <PageHeader
        title={`${titleOf(list, "services", adapter.service, language)} · ${adapter.service} ${adapter.version}`}
        actions={
          decides &&
          adapter.drainable && (
            <Button
              onClick={() => {
                setAsked(drains);
                open();
              }}
              variant={drains ? "default" : "filled"}
              leftSection={
                drains ? <IconPlayerPause size={16} aria-hidden /> : <IconPlayerPlay size={16} aria-hidden />
              }
            >
              {t(drains ? "drain" : "resume")}
            </Button>
          )
        }
      />
      <div>
        <StatusBadge meaning={standing.meaning}>{standing.text}</StatusBadge>
      </div>
      {decides && !adapter.drainable && <Alert color="gray">{t("notDrainable")}</Alert>}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Facts adapter={adapter} list={list} />
        <ProviderLimit limit={adapter.instance?.providerLimit} />
      </SimpleGrid>
      <DataFile operations={adapter.operations} />
      <Operations adapter={adapter} all={list.items} />
      {adapter.events && <Watches events={adapter.events} />}
      <Decisions decisions={adapter.decisions ?? []} />
      <DecisionDialog
        adapter={adapter}
        others={others}
        drains={asked}
        opened={opened}
        onClose={close}
        onDone={onChange}
      />
    </>
  );
}

function Facts({ adapter, list }: { adapter: Adapter; list: AdapterList }) {
  const t = useAdapterTexts();
  const language = useLanguage();
  const { instance } = adapter;
  const circuit = instance?.circuit;
  return (
    <Card withBorder padding="md">
      <Title order={2} mb="xs">
        {t("instance")}
      </Title>
      <dl className="facts">
        <dt>{t("system")}</dt>
        <dd>
          {titleOf(list, "systems", adapter.system, language)}
          <Text size="xs" c="dimmed">
            {adapter.system} · {titleOf(list, "agencies", adapter.agency, language)}
          </Text>
        </dd>
        <dt>ID</dt>
        <dd>
          <CopyableCode value={adapter.id} label="ID" />
        </dd>
        <dt>{t("wire")}</dt>
        <dd>{adapter.wire}</dd>
        <dt>{t("started")}</dt>
        <dd>
          <Timestamp time={adapter.started} />
        </dd>
        {instance && circuit && (
          <>
            <dt>{t("host")}</dt>
            <dd>{instance.host}</dd>
            <dt>{t("connector")}</dt>
            <dd>{instance.connector}</dd>
            <dt>{t("load")}</dt>
            <dd>
              {t("concurrency", { working: instance.working, limit: instance.concurrency })}
              {instance.waiting > 0 && ` · ${t("waiting", { count: instance.waiting })}`}
            </dd>
            <dt>{t("circuit")}</dt>
            <dd>
              {t(circuit.open ? "circuitOpen" : "circuitClosed", {
                since: formatDateTime(new Date(circuit.since * 1000)),
              })}
            </dd>
          </>
        )}
      </dl>
    </Card>
  );
}
