import { Anchor, Button, Card, Group, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { Link, useLocation } from "wouter";
import type { Schemas } from "../../api/client";
import { useHasRole } from "../../app/session";
import { formatDateTime } from "../../components/Timestamp";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { type Change, ChangeHistory } from "./ChangeHistory";
import { type Step, StepDialog } from "./StepDialog";
import { TestButton, type Tested } from "./TestButton";
import { useOwnSystems } from "./useOwner";

interface Props {
  /** The list that it is in. */
  list: { href: string; title: string };
  name: string;
  system: string;
  badge: ReactNode;
  active: boolean;
  /** Who stopped it, where somebody did. */
  decision: Schemas["Decision"] | undefined;
  changes: readonly Change[];
  /** Sends a test event. */
  test: () => Promise<Tested>;
  /** Whether operators send test events too. */
  operatorsTest?: boolean;
  perform: (step: Step, reason: string) => Promise<unknown>;
  onChanged: () => void;
  /** What else its owner may do. */
  actions?: ReactNode;
  children: ReactNode;
}

/** What the pages of a subscription and of an endpoint share: the way back, the state, the steps, and who took them. */
export function ReceiverFrame(props: Props) {
  const { list, name, system, badge, active, decision, changes, perform, onChanged } = props;
  const t = useSubscriptionTexts();
  const [, navigate] = useLocation();
  const operates = useHasRole("operator");
  const owns = useOwnSystems().includes(system);
  const [step, setStep] = useState<Step | null>(null);
  const halt = active ? "pause" : "resume";
  return (
    <Stack gap="md">
      <Anchor component={Link} href={list.href} size="sm">
        ← {list.title}
      </Anchor>
      <Group justify="space-between" align="flex-start">
        <Group gap="sm">
          <Title order={2}>{name}</Title>
          {badge}
        </Group>
        <Group gap="xs">
          {(owns || (operates && props.operatorsTest)) && <TestButton send={props.test} onDone={onChanged} />}
          {owns && props.actions}
          {(owns || operates) && (
            <Button variant="default" onClick={() => setStep(halt)}>
              {t(halt)}
            </Button>
          )}
          {owns && (
            <Button variant="default" onClick={() => setStep("remove")}>
              {t("remove")}
            </Button>
          )}
        </Group>
      </Group>
      {!active && decision && <Stopped decision={decision} />}
      {props.children}
      <ChangeHistory changes={changes} />
      <StepDialog
        step={step}
        name={name}
        perform={perform}
        onClose={() => setStep(null)}
        onDone={(done) => (done === "remove" ? navigate(list.href) : onChanged())}
      />
    </Stack>
  );
}

/** Show who stopped something, when and why. */
function Stopped({ decision }: { decision: Schemas["Decision"] }) {
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
