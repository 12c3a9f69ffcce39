import { Button, Card, Group, ScrollArea, Stack, Table, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { api, dataOf, type Schemas } from "../../api/client";
import { formatNumber } from "../../components/formats";
import { Notice } from "../../components/Notice";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { type Meaning, StatusBadge } from "../../components/StatusBadge";
import { formatDateTime, Timestamp } from "../../components/Timestamp";
import { useLanguage } from "../../texts/createTexts";
import { useEvidenceTexts } from "../../texts/evidence";
import { KeyChoice } from "../../verify/KeyChoice";
import { type VerifiedLog, verifyLog } from "../../verify/logState";
import { canVerify, NotProved } from "../../verify/notes";
import { Failure } from "../../verify/ProofCard";
import { type TrustedKeys, useTrustedKeys } from "../../verify/trustedKeys";

const REFRESH_MS = 5000;

type Log = Schemas["LogList"]["items"][number];

/** The log of each gateway: how far it has come, what is archived, who vouches for it; and whether the search index keeps up. */
export function Logs() {
  const t = useEvidenceTexts();
  const trusted = useTrustedKeys();
  const {
    data,
    failureReason: error,
    refetch,
  } = useQuery({
    queryKey: ["logs"],
    queryFn: () => dataOf(api.GET("/evidence/logs")),
    refetchInterval: REFRESH_MS,
  });
  return (
    <Stack>
      {error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <LoadingState />}
      {data && (
        <>
          <Group gap="xs">
            <Text size="sm" fw={600}>
              {t("index")}
            </Text>
            <IndexBadge index={data.index} />
          </Group>
          {data.items.length === 0 && <EmptyState title={t("noLogs")}>{t("noLogsHelp")}</EmptyState>}
          {data.items.length > 0 && (
            <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
              <Table miw={820} fz="sm" verticalSpacing="sm" aria-label={t("logs")}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t("gateway")}</Table.Th>
                    <Table.Th ta="right">{t("entries")}</Table.Th>
                    <Table.Th>{t("newest")}</Table.Th>
                    <Table.Th ta="right">{t("archived")}</Table.Th>
                    <Table.Th>{t("witnesses")}</Table.Th>
                    <Table.Th>{t("verification")}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.items.map((log) => (
                    <LogRow key={log.gateway} log={log} expected={data.witnesses} trusted={trusted} />
                  ))}
                </Table.Tbody>
              </Table>
            </ScrollArea>
          )}
          {data.items.length > 0 &&
            data.items.every(({ seals }) => seals.every(({ by }) => by === "timestamp")) && (
              <Notice meaning="attention" title={t("noWitness")}>
                {t("noWitnessHelp").replaceAll("`", "")}
              </Notice>
            )}
          <Card withBorder>
            <Stack gap="xs">
              <Text size="sm" c="dimmed" maw={720}>
                {t("verifyMeaning").replaceAll("`", "")}
              </Text>
              <KeyChoice trusted={trusted} />
            </Stack>
          </Card>
        </>
      )}
    </Stack>
  );
}

function LogRow({ log, expected, trusted }: { log: Log; expected: readonly string[]; trusted: TrustedKeys }) {
  const t = useEvidenceTexts();
  const language = useLanguage();
  const verify = useMutation({
    mutationFn: async () => ((await canVerify()) ? verifyLog(log, trusted.keys) : null),
  });
  const silent = expected.filter((name) => !log.seals.some(({ by }) => by === name));
  return (
    <Table.Tr>
      <Table.Td fw={600}>{log.gateway}</Table.Td>
      <Table.Td ta="right">{formatNumber(log.size, language)}</Table.Td>
      <Table.Td>{log.time ? <Timestamp time={log.time} relative /> : "–"}</Table.Td>
      <Table.Td ta="right">{formatNumber(log.archived, language)}</Table.Td>
      <Table.Td>
        <Stack gap={2} align="flex-start">
          {log.seals.map(({ by, size }) => (
            <StatusBadge key={by} meaning="healthy">
              {t(size === log.size ? "signedAll" : "signedUpTo", {
                name: by === "timestamp" ? t("timestamp") : by,
                size: formatNumber(size, language),
              })}
            </StatusBadge>
          ))}
          {silent.map((name) => (
            <StatusBadge key={name} meaning="attention">
              {t("expectedWitness", { name })}
            </StatusBadge>
          ))}
          {log.seals.length + silent.length === 0 && "–"}
        </Stack>
      </Table.Td>
      <Table.Td aria-live="polite">
        <Stack gap="xs" align="flex-start">
          <Button
            size="compact-sm"
            variant="default"
            loading={verify.isPending || trusted.loading}
            disabled={!log.checkpoint}
            aria-label={t("verifyLog", { gateway: log.gateway })}
            onClick={() => verify.mutate()}
          >
            {t("verify")}
          </Button>
          {verify.data && <Verified log={verify.data} own={trusted.own} />}
          {verify.data === null && <Text size="sm">{t("cannotVerify").replaceAll("`", "")}</Text>}
          {verify.error instanceof NotProved && <Failure error={verify.error} />}
          {verify.error && !(verify.error instanceof NotProved) && <ErrorState error={verify.error} />}
        </Stack>
      </Table.Td>
    </Table.Tr>
  );
}

function Verified({ log, own }: { log: VerifiedLog; own: boolean }) {
  const t = useEvidenceTexts();
  const language = useLanguage();
  const vouched = own || log.witnesses.length > 0;
  return (
    <Notice
      meaning={vouched ? "healthy" : "attention"}
      title={t(vouched ? "logGood" : "logGoodServer", { size: formatNumber(log.checkpoint.size, language) })}
    >
      {log.witnesses.map(({ name, at }) => (
        <Text key={name} size="xs">
          {t("cosigned", { name, time: formatDateTime(at) })}
        </Text>
      ))}
      {log.unknownWitnesses.map((name) => (
        <Text key={name} size="xs">
          {t("unknownWitness", { name })}
        </Text>
      ))}
      <Text size="xs">
        {log.since === null ? t("firstTime") : t("since", { size: formatNumber(log.since, language) })}
      </Text>
    </Notice>
  );
}

function IndexBadge({ index }: { index: Schemas["LogList"]["index"] }) {
  const t = useEvidenceTexts();
  const meaning: Meaning = {
    current: "healthy",
    stale: "attention",
    unavailable: "failure",
    none: "neutral",
  }[index.state] as Meaning;
  const time = index.since ? formatDateTime(new Date(index.since)) : "";
  return (
    <StatusBadge meaning={meaning}>
      {t(`index-${index.state}`, { batches: index.batches ?? 0, time })}
    </StatusBadge>
  );
}
