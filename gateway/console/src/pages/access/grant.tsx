import { Alert, Anchor, Button, Grid, Group, Paper, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { api, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { useSession } from "../../app/session";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { useDone } from "../../components/useDone";
import { usePurposes } from "../../components/usePurposes";
import { useAccessTexts } from "../../texts/access";
import { Approvals } from "./approvals";
import { useConditions } from "./conditions";
import { Conflict } from "./conflict";
import { Decision, type Step } from "./decision";
import { DocumentHistory } from "./history";
import { PhaseBadge, phaseOf, statusText, usePhaseText } from "./phases";
import { Preview } from "./preview";

export type GrantReview = Schemas["GrantReview"];

const STEPS: readonly Step[] = ["approve", "deny", "suspend", "resume", "revoke"];

/** One grant: what it grants, who approved it, and what the user may do with it. */
export function GrantPage({ name }: { name: string }) {
  const t = useAccessTexts();
  const phaseText = usePhaseText();
  const done = useDone();
  const session = useSession();
  const queries = useQueryClient();
  const [read, setRead] = useState<GrantReview>();
  const [step, setStep] = useState<Step>();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["grant", name],
    queryFn: () => reviewOf(name),
    refetchInterval: 15_000,
  });
  if (isPending) return <LoadingState />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  const seen = read ?? data; // what a decision is about stays what was read, until the user has seen what changed
  const approved = seen.approvals.some((one) => one.by === `person/${session?.person}`);
  const changed = seen.document.metadata.revision !== data.document.metadata.revision;

  function finished(after: Schemas["Grant"]) {
    setStep(undefined);
    setRead(undefined);
    done(t("done"), t("nowIs", { name: after.metadata.name, state: phaseText(phaseOf(after)) }));
    void queries.invalidateQueries();
  }

  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <Stack gap={4}>
          <Title order={2}>{name}</Title>
          <Group gap="xs">
            <PhaseBadge document={seen.document} />
            <Text size="sm" c="dimmed">
              {seen.personal ? t("personalData") : t("oneApproves")}
            </Text>
          </Group>
        </Stack>
        <Group gap="xs">
          {STEPS.filter((one) => seen.steps.includes(one)).map((one) => (
            <Button
              key={one}
              variant={one === "approve" || one === "resume" ? "filled" : "default"}
              disabled={changed}
              onClick={() => {
                setRead(seen);
                setStep(one);
              }}
            >
              {t(one)}
            </Button>
          ))}
          <RenewButton review={seen} onRenew={() => setStep("renew")} />
        </Group>
      </Group>
      {changed && !step && (
        <Conflict before={seen.document} after={data.document} onRead={() => setRead(undefined)} />
      )}
      {seen.onBehalfOf && <Alert color="gray">{t("asDeputy", { person: seen.onBehalfOf })}</Alert>}
      {seen.obstacle && WAITING.includes(phaseOf(seen.document)) && (
        <Alert color="gray" title={approved ? t("youApproved") : t("cannotApprove")}>
          {approved ? t("othersToo") : seen.obstacle}
        </Alert>
      )}
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack gap="lg">
            <Approvals review={seen} />
            <Content review={seen} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Preview shows={seen.shows} />
        </Grid.Col>
      </Grid>
      <Paper withBorder p="md">
        <Title order={3} mb="sm">
          {t("history")}
        </Title>
        <DocumentHistory kind="grants" name={name} />
      </Paper>
      {step && (
        <Decision
          step={step}
          review={seen}
          current={data}
          onClose={() => setStep(undefined)}
          onRead={() => setRead(undefined)}
          onConflict={() => void refetch()}
          onDone={finished}
        />
      )}
    </Stack>
  );
}

const WAITING = ["requested", "awaiting-operator", "awaiting-provider"];

function RenewButton({ review, onRenew }: { review: GrantReview; onRenew: () => void }) {
  const t = useAccessTexts();
  if (!["in-force", "suspended"].includes(phaseOf(review.document)) || review.renewedBy) return null;
  return (
    <Button variant="default" onClick={onRenew}>
      {t("renew")}
    </Button>
  );
}

function Content({ review }: { review: GrantReview }) {
  const t = useAccessTexts();
  const conditions = useConditions();
  const { titleAndCode } = usePurposes();
  const { spec } = review.document;
  const rows: [string, React.ReactNode][] = [
    [t("consumer"), spec.consumer],
    [t("service"), `${spec.service} v${spec.major}`],
    [t("purposes"), spec.purposes.map(titleAndCode).join(", ")],
    [t("legalBasis"), spec.legalBasis],
    ...conditions(spec),
    [t("valid"), t("validText", { from: formatDay(spec.validFrom), until: formatDay(spec.validUntil) })],
  ];
  const requestedBy = statusText(review.document, "requestedBy");
  if (requestedBy) rows.push([t("requestedBy"), requestedBy]);
  const reason = statusText(review.document, "reason");
  if (reason) rows.push([t("reasonOfState"), reason]);
  const renews = statusText(review.document, "renews");
  if (renews) rows.push([t("renews"), <GrantLink key="renews" name={renews} />]);
  if (review.renewedBy) rows.push([t("renewedBy"), <GrantLink key="by" name={review.renewedBy} />]);
  return (
    <Paper withBorder p="md">
      <Title order={3} mb="xs">
        {t("whatItGrants")}
      </Title>
      <Table variant="vertical" fz="sm" layout="fixed">
        <Table.Tbody>
          {rows.map(([label, value]) => (
            <Table.Tr key={label}>
              <Table.Th w={140}>{label}</Table.Th>
              <Table.Td>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

function GrantLink({ name }: { name: string }) {
  return (
    <Anchor component={Link} href={`/grants/${name}`} fz="sm">
      {name}
    </Anchor>
  );
}

/** Return a date as people in Vietnam write it. */
export function formatDay(day: string): string {
  return day.split("-").reverse().join("/");
}

/** Read a grant for review: as itself, or among the requests that wait for a deputy. */
async function reviewOf(name: string): Promise<GrantReview> {
  const { data } = await api.GET("/registry/grants/{name}/review", { params: { path: { name } } });
  if (data === undefined) throw new ApiError({ type: "", title: "empty answer", status: 0 });
  return data;
}
