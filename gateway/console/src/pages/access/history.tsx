import { Paper, Stack, Text, Timeline, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, dataOf } from "../../api/client";
import { DocumentDiff } from "../../components/DocumentDiff";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { usePrincipalName } from "../../components/PrincipalName";
import { Timestamp } from "../../components/Timestamp";
import { useAccessTexts } from "../../texts/access";

const KINDS = ["agencies", "persons", "purposes", "systems", "services", "grants", "instances"] as const;
export type Kind = (typeof KINDS)[number];

interface Version {
  metadata: {
    name: string;
    revision?: number;
    updatedAt?: number;
    updatedBy?: string;
    reason?: string;
  };
  spec: unknown;
  status?: unknown;
}

/** The page of a document's history. */
export function History({ kind, name }: { kind: string; name: string }) {
  const t = useAccessTexts();
  const known = KINDS.find((one) => one === kind);
  return (
    <Stack>
      <Title order={2}>{t("historyOf", { name })}</Title>
      {known && <DocumentHistory kind={known} name={name} />}
    </Stack>
  );
}

/** Show every version of a document, newest first, each as what it changed field by field. */
export function DocumentHistory({ kind, name }: { kind: Kind; name: string }) {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["history", kind, name],
    queryFn: () => versionsOf(kind, name),
  });
  if (isPending) return <LoadingState />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return (
    <Timeline bulletSize={12} lineWidth={2}>
      {data.map((version, index) => (
        <Timeline.Item key={version.metadata.revision}>
          <Change version={version} before={data[index + 1]} />
        </Timeline.Item>
      ))}
    </Timeline>
  );
}

function Change({ version, before }: { version: Version; before: Version | undefined }) {
  const t = useAccessTexts();
  const { revision = 0, updatedAt, updatedBy = "", reason } = version.metadata;
  return (
    <Paper>
      <Text size="sm" fw={600}>
        {t("version", { revision })} {!version.spec && t("deletedVersion")}
        {!before && version.spec !== null && t("createdVersion")} <By principal={updatedBy} />
      </Text>
      <Text size="xs" c="dimmed">
        {updatedAt !== undefined && <Timestamp time={new Date(updatedAt)} />}
        {reason && ` · ${reason}`}
      </Text>
      {before && (
        <DocumentDiff
          before={{ spec: before.spec, status: before.status }}
          after={{ spec: version.spec, status: version.status }}
        />
      )}
    </Paper>
  );
}

function By({ principal }: { principal: string }) {
  const t = useAccessTexts();
  return <span title={principal}>{t("by", { by: usePrincipalName(principal) })}</span>;
}

/** Read every version of a document, newest first. */
export async function versionsOf(kind: Kind, name: string): Promise<Version[]> {
  const params = { params: { path: { name } } };
  switch (kind) {
    case "agencies":
      return (await dataOf(api.GET("/registry/agencies/{name}/history", params))).items;
    case "persons":
      return (await dataOf(api.GET("/registry/persons/{name}/history", params))).items;
    case "purposes":
      return (await dataOf(api.GET("/registry/purposes/{name}/history", params))).items;
    case "systems":
      return (await dataOf(api.GET("/registry/systems/{name}/history", params))).items;
    case "services":
      return (await dataOf(api.GET("/registry/services/{name}/history", params))).items;
    case "grants":
      return (await dataOf(api.GET("/registry/grants/{name}/history", params))).items;
    case "instances":
      return (await dataOf(api.GET("/registry/instances/{name}/history", params))).items;
  }
}
