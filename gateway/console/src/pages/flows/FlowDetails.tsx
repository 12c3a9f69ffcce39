import { Group, Stack, Text } from "@mantine/core";
import { StatusBadge } from "../../components/StatusBadge";
import { useLanguage } from "../../texts/createTexts";
import { useFlowTexts } from "../../texts/flows";
import classes from "./flows.module.css";
import { formatCount, formatDuration, formatRate, formatShare, MEANINGS, titlesOf } from "./formats";
import type { Flow, Picture } from "./useFlows";

/** Show what is known of one flow, beside the band that the pointer or the focus is on. */
export function FlowDetails({
  flow,
  picture,
  x,
  y,
  width,
}: {
  flow: Flow;
  picture: Picture;
  x: number;
  y: number;
  width: number;
}) {
  const t = useFlowTexts();
  const language = useLanguage();
  const titles = titlesOf(flow, picture, language);
  const facts = [
    [t("rate"), t("perSecond", { rate: formatRate(flow.perSecond, language) })],
    [t("errors"), formatShare(flow.errorRate, language)],
    [t("refused"), formatShare(flow.refusedRate, language)],
    ["p50", formatDuration(flow.p50, language)],
    ["p95", formatDuration(flow.p95, language)],
    ["p99", formatDuration(flow.p99, language)],
  ] as const;
  const left = Math.min(Math.max(0, x - 160), Math.max(0, width - 320));
  return (
    <div className={classes.details} style={{ left, top: y + 18 }} aria-hidden>
      <Stack gap={8}>
        <Group gap={6} justify="space-between" wrap="nowrap">
          <StatusBadge meaning={MEANINGS[flow.state]}>
            {t(flow.state === "refused" ? "state-refused" : flow.state)}
          </StatusBadge>
          <Text size="xs" c="dimmed">
            {t(`one-${flow.kind}`)}
          </Text>
        </Group>
        <div>
          {titles.consumer && (
            <Text size="sm" fw={600}>
              {titles.consumer} →
            </Text>
          )}
          <Text size="sm" fw={600}>
            {titles.provider}
          </Text>
          {titles.service && titles.service !== titles.provider && <Text size="sm">{titles.service}</Text>}
          <Text size="xs" c="dimmed">
            {t("callCount", { count: formatCount(flow.calls, language) })}{" "}
            {t(`last-${picture.window as "1m"}`)}
          </Text>
        </div>
        <dl className={classes.facts}>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <Text size="xs" c="dimmed">
          {t(picture.group === "agency" ? "openSystems" : "openMessages")}
        </Text>
      </Stack>
    </div>
  );
}
