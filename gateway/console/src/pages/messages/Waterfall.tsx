import { Table, Text } from "@mantine/core";
import { scaleLinear } from "d3-scale";
import type { Schemas } from "../../api/client";
import { useLanguage } from "../../texts/createTexts";
import { useMessageTexts } from "../../texts/messages";
import { formatMilliseconds } from "./ResultTable";

export type StoryEntry = Schemas["MessageStory"]["entries"][number];

interface Step {
  label: string;
  start: number;
  length: number;
  depth: number;
  failed?: boolean;
  /** What is written beside the bar, where it is more than its length. */
  amount?: number;
  /** Whether it contains the steps below it. */
  whole?: boolean;
}

/** Where the time of a message went: its steps as bars below each other, with the same figures as numbers. */
export function Waterfall({ entries }: { entries: readonly StoryEntry[] }) {
  const t = useMessageTexts();
  const language = useLanguage();
  const steps = useSteps(entries);
  const end = Math.max(...steps.map(({ start, length }) => start + length));
  if (steps.length === 0 || end <= 0) return null;
  const scale = scaleLinear([0, end], [0, 100]);
  const call = entries.length === 1 && entries[0]?.kind === "call" ? entries[0] : undefined;
  return (
    <>
      <Table
        verticalSpacing={4}
        withRowBorders={false}
        fz="sm"
        aria-label={t("whereTimeWent")}
        layout="fixed"
      >
        <Table.Tbody>
          {steps.map((step) => (
            <Table.Tr key={`${step.label} ${step.start}`}>
              <Table.Th w={{ base: "45%", sm: 320 }} fw={step.whole ? 600 : 400} pl={8 + step.depth * 16}>
                {step.label}
              </Table.Th>
              <Table.Td>
                <Bar x={scale(step.start)} width={scale(step.length)} step={step} />
              </Table.Td>
              <Table.Td ta="right" w={96}>
                {formatMilliseconds(step.amount ?? step.length, language)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {call && call.providerMs > 0 && (
        <Text size="xs" c="dimmed">
          {t("splitUnknown")}
        </Text>
      )}
    </>
  );
}

function Bar({ x, width, step }: { x: number; width: number; step: Step }) {
  const colour = step.failed ? "red-filled" : step.whole ? "gray-5" : "primary-color-filled";
  return (
    <svg width="100%" height="14" role="presentation" style={{ display: "block" }}>
      <rect width="100%" height="14" rx="3" fill="var(--mantine-color-default-hover)" />
      <rect
        x={`${Math.min(x, 99.5)}%`}
        width={`${Math.max(width, 0.5)}%`}
        height="14"
        rx="3"
        fill={`var(--mantine-${colour === "primary-color-filled" ? colour : `color-${colour}`})`}
      />
    </svg>
  );
}

function useSteps(entries: readonly StoryEntry[]): Step[] {
  const t = useMessageTexts();
  const [first] = entries;
  if (!first) return [];
  if (first.kind === "call") return callSteps(first, t);
  const begun = first.time;
  const attempts = entries.filter(({ kind, attempt }) => kind === "delivery" && attempt > 0);
  const last = Math.max(...entries.map(({ time }) => time));
  if (attempts.length === 0) return [];
  return [
    { label: t("deliveriesInTime"), start: 0, length: Math.max(last - begun, 1), depth: 0, whole: true },
    ...attempts.map((attempt) => ({
      label: `${t("attempt", { number: attempt.attempt })}${attempt.event ? ` · ${attempt.consumer}` : ""}`,
      start: Math.max(attempt.time - attempt.providerMs - begun, 0),
      length: attempt.providerMs,
      depth: 1,
      failed: attempt.status >= 300,
    })),
  ];
}

/** The steps of a call. An entry does not say when the gateway began to wait for the provider, so the wait is drawn in the middle. */
function callSteps(call: StoryEntry, t: ReturnType<typeof useMessageTexts>): Step[] {
  const { totalMs, providerMs } = call;
  const failed = call.status >= 500;
  const label = t("wholeCall", { gateway: call.gateway });
  const whole: Step = {
    label,
    start: 0,
    length: totalMs,
    depth: 0,
    whole: true,
    failed: failed && !providerMs,
  };
  if (!providerMs) return [whole];
  const own = Math.max(totalMs - providerMs, 0);
  return [
    whole,
    { label: t("atGateway"), start: 0, length: own / 2, depth: 1, amount: own },
    { label: t("beyondGateway"), start: own / 2, length: providerMs, depth: 1, failed },
  ];
}
