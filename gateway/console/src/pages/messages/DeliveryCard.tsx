import { Button, Group, Stack, Table, Text } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { useHasRole } from "../../app/session";
import { usePrincipalName } from "../../components/PrincipalName";
import { type Meaning, StatusBadge } from "../../components/StatusBadge";
import { formatDateTime, Timestamp } from "../../components/Timestamp";
import { useLanguage } from "../../texts/createTexts";
import { useMessageTexts } from "../../texts/messages";
import { type Decision, DecisionDialog } from "./DecisionDialog";
import type { MessageTitles } from "./names";
import { useOutcomeTitles } from "./useOutcomeTitles";

interface Props {
  delivery: Schemas["Message"] | undefined;
  letters: readonly Schemas["DeadLetter"][];
  titles: MessageTitles;
  onChanged: () => void;
}

/** What became of an accepted message or of an event: its state, its attempts, its dead letters, and what the reader may do now. */
export function DeliveryCard({ delivery, letters, titles, onChanged }: Props) {
  const t = useMessageTexts();
  const operator = useHasRole("operator");
  const language = useLanguage();
  const [decision, setDecision] = useState<Decision | null>(null);
  return (
    <Stack gap="sm">
      {delivery && (
        <>
          <Group gap="xs">
            <StateBadge state={delivery.state} />
            <Text size="sm">
              {t("acceptedAt")}: <Timestamp time={delivery.acceptedAt} />
            </Text>
            <Text size="sm">
              {t("deadline")}: <Timestamp time={delivery.deadline} />
            </Text>
            {delivery.nextAttemptAt && (
              <Text size="sm">
                {t("nextAttempt")}: <Timestamp time={delivery.nextAttemptAt} />
              </Text>
            )}
            {delivery.decidedBy && <DecidedBy by={delivery.decidedBy} />}
          </Group>
          {delivery.reason && <Text size="sm">{delivery.reason.text}</Text>}
          <Attempts attempts={delivery.attempts} count={delivery.attemptCount} />
          {delivery.answer && (
            <Text size="sm">
              {t("answerKept", { time: formatDateTime(new Date(delivery.answer.expiresAt)) })}
            </Text>
          )}
        </>
      )}
      {letters.map((letter) => (
        <Stack key={letter.id} gap="xs">
          <Group gap="xs">
            <StatusBadge meaning={letter.resolution ? "neutral" : "failure"}>{t("state-dead")}</StatusBadge>
            <Text size="sm" title={letter.system}>
              {titles.systems[letter.system]?.[language] ?? letter.system} · {letter.reason.text}
            </Text>
            {letter.resolvedBy && <DecidedBy by={letter.resolvedBy} />}
            {letter.note && (
              <Text size="sm">
                {t("reason")}: {letter.note}
              </Text>
            )}
          </Group>
          {!delivery && <Attempts attempts={letter.attempts} count={letter.attempts.length} />}
          {!letter.resolution && letter.mayDecide && (
            <Group gap="xs">
              <Button size="xs" onClick={() => setDecision({ kind: "retry", letters: [letter.id] })}>
                {t("retry")}
              </Button>
              <Button
                size="xs"
                variant="default"
                onClick={() => setDecision({ kind: "give-up", letters: [letter.id] })}
              >
                {t("giveUp")}
              </Button>
            </Group>
          )}
          {!letter.resolution && !letter.mayDecide && (
            <Text size="xs" c="dimmed">
              {t("operatorsOnly")}
            </Text>
          )}
        </Stack>
      ))}
      {delivery?.state === "accepted" && operator && (
        <Group>
          <Button
            size="xs"
            variant="default"
            onClick={() => setDecision({ kind: "cancel", message: delivery.id })}
          >
            {t("cancelMessage")}
          </Button>
        </Group>
      )}
      <DecisionDialog decision={decision} onClose={() => setDecision(null)} onDone={onChanged} />
    </Stack>
  );
}

function Attempts({ attempts, count }: { attempts: Schemas["Message"]["attempts"]; count: number }) {
  const t = useMessageTexts();
  const titles = useOutcomeTitles();
  if (attempts.length === 0) return null;
  return (
    <Table fz="sm" maw={640} captionSide="top" horizontalSpacing={4} layout="auto">
      <Table.Caption ta="left" mb={4}>
        {t("attempts", { count })}
      </Table.Caption>
      <Table.Tbody>
        {attempts.map((attempt) => (
          <Table.Tr key={`${attempt.at} ${attempt.gateway}`}>
            <Table.Td>
              <Timestamp time={attempt.at} />
            </Table.Td>
            <Table.Td>{titles.get(attempt.outcome) ?? attempt.outcome}</Table.Td>
            <Table.Td>{attempt.gateway}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

const MEANINGS: Record<string, Meaning> = {
  answered: "healthy",
  delivered: "healthy",
  delivering: "neutral",
  accepted: "neutral",
  dead: "failure",
  unreadable: "failure",
};

/** Show the state of a delivery in words. */
export function StateBadge({ state }: { state: Schemas["Message"]["state"] }) {
  const t = useMessageTexts();
  return <StatusBadge meaning={MEANINGS[state] ?? "neutral"}>{t(`state-${state}`)}</StatusBadge>;
}

/** Say who decided: by name where the user may know it, or else by role and agency. */
export function DecidedBy({ by }: { by: string }) {
  const t = useMessageTexts();
  return (
    <Text size="sm" title={by}>
      {t("decidedBy", { who: usePrincipalName(by) })}
    </Text>
  );
}
