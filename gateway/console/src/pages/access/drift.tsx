import { Anchor, Button, SegmentedControl, Stack, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "wouter";
import { api, dataOf, type Schemas } from "../../api/client";
import { DocumentDiff } from "../../components/DocumentDiff";
import { PagedTable } from "../../components/PagedTable";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { useAccessTexts } from "../../texts/access";
import { type Kind, versionsOf } from "./history";

type Standing = Schemas["Drift"]["items"][number];

const PLURALS: Readonly<Record<Standing["kind"], Kind>> = {
  Instance: "instances",
  Agency: "agencies",
  Purpose: "purposes",
  Person: "persons",
  System: "systems",
  Service: "services",
  Grant: "grants",
};

const LOOKS = {
  changed: { text: "driftChanged", meaning: "attention" },
  deleted: { text: "driftDeleted", meaning: "attention" },
  unmanaged: { text: "driftUnmanaged", meaning: "neutral" },
  "in-step": { text: "driftInStep", meaning: "healthy" },
} as const;

/** Which documents say something else than the files that they were applied from, and which no file knows. */
export function Drift() {
  const t = useAccessTexts();
  const [search, setSearch] = useSearchParams();
  const unmanaged = search.get("state") === "unmanaged";
  return (
    <Stack>
      <Text c="dimmed" size="sm" maw="72ch">
        {t("driftHelp")}
      </Text>
      <SegmentedControl
        aria-label={t("drift")}
        value={unmanaged ? "unmanaged" : "drifted"}
        onChange={(value) => setSearch(value === "unmanaged" ? { state: value } : {}, { replace: true })}
        data={[
          { value: "drifted", label: t("drifted") },
          { value: "unmanaged", label: t("driftUnmanaged") },
        ]}
        style={{ alignSelf: "flex-start" }}
      />
      <PagedTable
        queryKey={["drift", unmanaged]}
        read={(cursor) =>
          dataOf(
            api.GET("/registry/drift", {
              params: {
                query: { limit: 100, ...(unmanaged && { state: "unmanaged" }), ...(cursor && { cursor }) },
              },
            }),
          )
        }
        columns={[t("document"), t("state"), t("manifestSet"), t("changedBy"), t("since"), t("comparison")]}
        rowKey={(one) => `${one.kind}/${one.name}`}
        row={(one) => <StandingRows one={one} />}
        empty={<EmptyState title={t("noDrift")}>{t("noDriftHelp")}</EmptyState>}
        minWidth={720}
      />
    </Stack>
  );
}

function StandingRows({ one }: { one: Standing }) {
  const t = useAccessTexts();
  const [shown, setShown] = useState(false);
  const look = LOOKS[one.state];
  const path = `${one.kind} ${one.name}`;
  return (
    <>
      <Table.Tr>
        <Table.Td>
          <Anchor component={Link} href={`/history/${PLURALS[one.kind]}/${one.name}`} fz="sm">
            {path}
          </Anchor>
        </Table.Td>
        <Table.Td>
          <StatusBadge meaning={look.meaning}>{t(look.text)}</StatusBadge>
        </Table.Td>
        <Table.Td>{one.set ?? "–"}</Table.Td>
        <Table.Td>
          {one.updatedBy}
          {one.reason && (
            <Text size="xs" c="dimmed">
              {one.reason}
            </Text>
          )}
        </Table.Td>
        <Table.Td>
          <Timestamp time={new Date(one.updatedAt)} />
        </Table.Td>
        <Table.Td>
          {one.state === "changed" && (
            <Button
              size="xs"
              variant="default"
              aria-expanded={shown}
              aria-label={t(shown ? "hideDifferenceOf" : "showDifferenceOf", { name: path })}
              onClick={() => setShown(!shown)}
            >
              {t(shown ? "hideDifference" : "showDifference")}
            </Button>
          )}
        </Table.Td>
      </Table.Tr>
      {shown && (
        <Table.Tr>
          <Table.Td colSpan={6}>
            <Difference one={one} />
          </Table.Td>
        </Table.Tr>
      )}
    </>
  );
}

/** Show what differs between the version that was applied and the newest one. */
function Difference({ one }: { one: Standing }) {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["history", PLURALS[one.kind], one.name],
    queryFn: () => versionsOf(PLURALS[one.kind], one.name),
  });
  if (isPending) return <LoadingState />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  const applied = data.find(({ metadata }) => metadata.revision === one.appliedRevision);
  return <DocumentDiff before={{ spec: applied?.spec }} after={{ spec: data[0]?.spec }} />;
}
