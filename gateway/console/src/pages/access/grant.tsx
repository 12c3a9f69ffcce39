import { Alert, Button, Grid, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { useSession } from "../../app/session";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { useDone } from "../../components/useDone";
import { useAccessTexts } from "../../texts/access";
import { Approvals } from "./approvals";
import { Decision, type Step } from "./decision";
import { hasChanged } from "./grantChanges";
import { GrantContent } from "./grantContent";
import { type GrantReview, reviewOf } from "./grantReview";
import { DocumentHistory } from "./history";
import { PhaseBadge, phaseOf, usePhaseText, WAITING } from "./phases";
import { Preview } from "./preview";
import { AsDeputy } from "./requests";

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
    refetchInterval: 5_000,
  });
  if (isPending) return <LoadingState />;
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  const seen = read && hasChanged(read, data) ? read : data; // what a decision is about stays what was read
  const approved = seen.approvals.some((one) => one.by === `person/${session?.person}`);

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
              onClick={() => {
                setRead(seen);
                setStep(one);
              }}
            >
              {t(one)}
            </Button>
          ))}
          <RenewButton
            review={seen}
            onRenew={() => {
              setRead(seen);
              setStep("renew");
            }}
          />
        </Group>
      </Group>
      {seen.onBehalfOf && (
        <Alert color="gray">
          <AsDeputy person={seen.onBehalfOf} />
        </Alert>
      )}
      {seen.obstacle && WAITING.includes(phaseOf(seen.document)) && (
        <Alert color="gray" title={approved ? t("youApproved") : t("cannotApprove")}>
          {approved ? t("othersToo") : seen.obstacle}
        </Alert>
      )}
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack gap="lg">
            <Approvals review={seen} />
            <GrantContent review={seen} />
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
          onClose={() => {
            setStep(undefined);
            setRead(undefined);
          }}
          onRead={() => {
            setRead(data);
            if (step !== "renew" && !data.steps.includes(step)) setStep(undefined);
          }}
          onConflict={() => void refetch()}
          onDone={finished}
        />
      )}
    </Stack>
  );
}

function RenewButton({ review, onRenew }: { review: GrantReview; onRenew: () => void }) {
  const t = useAccessTexts();
  if (!["in-force", "suspended"].includes(phaseOf(review.document)) || review.renewedBy) return null;
  return (
    <Button variant="default" onClick={onRenew}>
      {t("renew")}
    </Button>
  );
}
