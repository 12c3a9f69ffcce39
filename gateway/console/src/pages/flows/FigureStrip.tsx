import { Group, Text } from "@mantine/core";
import { area, curveMonotoneX } from "d3-shape";
import type { ReactNode } from "react";
import { useLanguage } from "../../texts/createTexts";
import { useFlowTexts } from "../../texts/flows";
import classes from "./flows.module.css";
import { formatCount, formatDuration, formatRate, formatShare } from "./formats";
import type { Picture } from "./useFlows";

/** Show the figures of all flows together. */
export function FigureStrip({ picture }: { picture: Picture }) {
  const t = useFlowTexts();
  const language = useLanguage();
  const { total, kinds } = picture;
  const listed = picture.items.length + picture.leftOut.flows;
  const rateOf = (kind: string) => formatRate(kinds[kind]?.perSecond ?? 0, language);
  return (
    <section className={classes.figures} aria-label={t("rate")}>
      <Figure
        name={t("rate")}
        value={t("perSecond", { rate: formatRate(total.perSecond, language) })}
        note={`${t("peak", { rate: formatRate(peakOf(picture), language) })} · ${t("call")} ${rateOf("call")} · ${t("event")} ${rateOf("event")} · ${t("delivery")} ${rateOf("delivery")}`}
      >
        <Sparkline picture={picture} says={t("sparkline")} />
      </Figure>
      <Figure
        name={t("errors")}
        value={formatShare(total.errorRate, language)}
        color={total.errorRate >= 0.05 ? "red" : undefined}
        note={t("callCount", { count: formatCount(Math.round(total.errorRate * total.calls), language) })}
      />
      <Figure
        name={t("refused")}
        value={formatShare(total.refusedRate, language)}
        note={t("callCount", { count: formatCount(Math.round(total.refusedRate * total.calls), language) })}
      />
      <Figure name={t("p95")} value={formatDuration(total.p95, language)} note={t("p95Help")} />
      <Figure
        name={t("unwellFlows")}
        value={formatCount(picture.unwell, language)}
        note={t("ofFlows", { count: formatCount(listed, language) })}
      />
    </section>
  );
}

function Figure({
  name,
  value,
  note,
  color,
  children,
}: {
  name: string;
  value: string;
  note: string;
  color?: string | undefined;
  children?: ReactNode;
}) {
  return (
    <div className={classes.figure}>
      {children}
      <Text size="xs" c="dimmed" fw={600}>
        {name}
      </Text>
      <Group gap={8} align="baseline">
        <span className={classes.value}>
          <Text span inherit {...(color ? { c: color } : {})}>
            {value}
          </Text>
        </span>
      </Group>
      <Text size="xs" c="dimmed">
        {note}
      </Text>
    </div>
  );
}

/** Return the most calls a second that passed in one span of the period. */
function peakOf({ series, span }: Picture): number {
  return Math.max(0, ...series.map(({ calls }) => calls)) / span;
}

/** How many calls passed over the period, and how many failed; its caption says so. */
function Sparkline({ picture, says }: { picture: Picture; says: string }) {
  const { series, first, span, time } = picture;
  const spans = Math.max(2, Math.ceil((time - first) / span));
  const counts = new Map(series.map((point) => [point.began, point]));
  const points = Array.from({ length: spans }, (_, index) => {
    const point = counts.get(first + index * span);
    return { index, calls: point?.calls ?? 0, bad: point?.failed ?? 0 };
  }).slice(0, -1); // the last span is not over yet
  // d3-scale does the same, and makes up a thirtieth of the first view.
  const last = Math.max(1, points.length - 1);
  const most = Math.max(1, ...points.map(({ calls }) => calls));
  const shape = (of: "calls" | "bad") =>
    area<(typeof points)[number]>()
      .x(({ index }) => (100 * index) / last)
      .y0(30)
      .y1((point) => 30 - (28 * point[of]) / most)
      .curve(curveMonotoneX)(points) ?? undefined;
  return (
    <svg
      className={classes.spark}
      viewBox="0 0 100 30"
      preserveAspectRatio="none"
      role="img"
      aria-label={says}
    >
      <title>{says}</title>
      <path d={shape("calls")} fill="var(--band)" fillOpacity={0.28} />
      <path d={shape("bad")} fill="var(--failure)" fillOpacity={0.9} />
    </svg>
  );
}
