import { Table, Text } from "@mantine/core";
import { scaleLinear } from "d3-scale";
import type { Schemas } from "../../api/client";
import { formatMilliseconds } from "../../components/formats";
import { useLanguage } from "../../texts/createTexts";
import { useMessageTexts } from "../../texts/messages";

export type StoryEntry = Schemas["MessageStory"]["entries"][number];

interface Step {
  label: string;
  /** Where it lies in time: start and length of each piece, in milliseconds. */
  pieces: readonly (readonly [start: number, length: number])[];
  depth: number;
  failed?: boolean;
  /** Whether it contains the steps below it. */
  whole?: boolean;
}

/** Where the time of a message went: its steps as bars below each other, with the same figures as numbers. */
export function Waterfall({ entries }: { entries: readonly StoryEntry[] }) {
  const t = useMessageTexts();
  const language = useLanguage();
  const steps = useSteps(entries);
  const end = Math.max(...steps.flatMap(({ pieces }) => pieces.map(([start, length]) => start + length)));
  if (steps.length === 0 || end <= 0) return null;
  const scale = scaleLinear([0, end], [0, 100]);
  const asked = entries.filter((entry) => isOfAdapter(entry) && entry.providerMs > 0);
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
            <Table.Tr key={`${step.label} ${step.pieces[0]?.[0]}`}>
              <Table.Th w={{ base: "45%", sm: 320 }} fw={step.whole ? 600 : 400} pl={8 + step.depth * 16}>
                {step.label}
              </Table.Th>
              <Table.Td>
                <Bar step={step} scale={scale} />
              </Table.Td>
              <Table.Td ta="right" w={96}>
                {formatMilliseconds(
                  step.pieces.reduce((sum, [, length]) => sum + length, 0),
                  language,
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {asked.length > 0 && (
        <Text size="xs" c="dimmed">
          {asked.some((one) => one.adapterMs === undefined && one.requestDigest === undefined)
            ? t("splitArchived")
            : asked.some(({ adapterMs }) => adapterMs === undefined)
              ? t("splitUnknown")
              : asked.some(({ upstreamMs }) => upstreamMs === undefined)
                ? t("upstreamUnknown")
                : t("splitEstimated")}
        </Text>
      )}
    </>
  );
}

function Bar({ step, scale }: { step: Step; scale: (milliseconds: number) => number }) {
  const colour = step.failed ? "red-filled" : step.whole ? "gray-5" : "primary-color-filled";
  return (
    <svg width="100%" height="14" role="presentation" style={{ display: "block" }}>
      <rect width="100%" height="14" rx="3" fill="var(--mantine-color-default-hover)" />
      {step.pieces.map(([start, length]) => (
        <rect
          key={start}
          x={`${Math.min(scale(start), 99.5)}%`}
          width={`${Math.max(scale(length), 0.5)}%`}
          height="14"
          rx="3"
          fill={`var(--mantine-${colour === "primary-color-filled" ? colour : `color-${colour}`})`}
        />
      ))}
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
    { label: t("deliveriesInTime"), pieces: [[0, Math.max(last - begun, 1)]], depth: 0, whole: true },
    ...attempts.flatMap((attempt) => {
      const start = Math.max(attempt.time - attempt.providerMs - begun, 0);
      const label = `${t("attempt", { number: attempt.attempt })}${attempt.event ? ` · ${attempt.consumer}` : ""}`;
      const failed = attempt.status >= 300;
      const parts = attempt.adapterMs === undefined ? [] : providerSteps(attempt, start, 2, failed, t);
      return [{ label, pieces: [[start, attempt.providerMs] as const], depth: 1, failed }, ...parts];
    }),
  ];
}

/** The steps of a call. An entry says how long each part took, not when: it is drawn half before and half after what it waited for. */
function callSteps(call: StoryEntry, t: ReturnType<typeof useMessageTexts>): Step[] {
  const { totalMs, providerMs } = call;
  const failed = call.status >= 500;
  const label = t("wholeCall", { gateway: call.gateway });
  const whole: Step = {
    label,
    pieces: [[0, totalMs]],
    depth: 0,
    whole: true,
    failed: failed && !providerMs,
  };
  if (!providerMs) return [whole];
  const own = Math.max(totalMs - providerMs, 0);
  return [
    whole,
    { label: t("atGateway"), pieces: around(0, own, providerMs), depth: 1 },
    ...providerSteps(call, own / 2, 1, failed, t),
  ];
}

/** The steps beyond the gateway: as many as the adapter tells. */
function providerSteps(
  entry: StoryEntry,
  start: number,
  depth: number,
  failed: boolean,
  t: ReturnType<typeof useMessageTexts>,
): Step[] {
  const { providerMs, adapterMs, upstreamMs } = entry;
  if (adapterMs === undefined)
    return [{ label: t("beyondGateway"), pieces: [[start, providerMs]], depth, failed }];
  const onNats = Math.max(providerMs - adapterMs, 0);
  const nats: Step = { label: t("onNats"), pieces: around(start, onNats, adapterMs), depth };
  const arrived = start + onNats / 2;
  if (upstreamMs === undefined)
    return [nats, { label: t("adapterAndSystem"), pieces: [[arrived, adapterMs]], depth, failed }];
  const own = Math.max(adapterMs - upstreamMs, 0);
  return [
    nats,
    { label: t("atAdapter"), pieces: around(arrived, own, upstreamMs), depth },
    { label: t("atSystem"), pieces: [[arrived + own / 2, upstreamMs]], depth, failed },
  ];
}

/** Lay a part half before and half after what it encloses. */
function around(start: number, own: number, inner: number): Step["pieces"] {
  return [
    [start, own / 2],
    [start + own / 2 + inner, own / 2],
  ];
}

/** Tell whether an entry is of a call, or of an attempt to carry out a message, which adapters answer; webhooks get the others. */
function isOfAdapter({ kind, attempt, event, to, provider }: StoryEntry): boolean {
  return kind === "call" || (kind === "delivery" && attempt > 0 && !event && to === provider);
}
