import { Alert, Anchor, Badge, Button, Group, Stack, Text, VisuallyHidden } from "@mantine/core";
import { useHotkeys, useMediaQuery } from "@mantine/hooks";
import { IconClockExclamation } from "@tabler/icons-react";
import { useDeferredValue, useState } from "react";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, LoadingState, OutOfDateNotice } from "../../components/PageStates";
import { formatTime } from "../../components/Timestamp";
import { useLanguage } from "../../texts/createTexts";
import { useFlowTexts } from "../../texts/flows";
import { BandDiagram } from "./BandDiagram";
import { Actions, Controls } from "./Controls";
import { FigureStrip } from "./FigureStrip";
import { FlowTable } from "./FlowTable";
import type { Filters } from "./filters";
import classes from "./flows.module.css";
import { formatCount } from "./formats";
import { LatencyHeatMap } from "./LatencyHeatMap";
import { useFilters } from "./useFilters";
import { type Flows, type Picture, useFlows } from "./useFlows";

/** The page Flows: who calls whom now, and where it is unwell. */
export default function FlowsPage() {
  const t = useFlowTexts();
  const [filters, change] = useFilters();
  const flows = useFlows(filters);
  const [held, setHeld] = useState<Picture | null>(null);
  const picture = held ?? flows.picture;
  useHotkeys([["Escape", () => filters.wall && change({ wall: false })]]);
  return (
    <div className={`${classes.page} ${filters.wall ? classes.wall : ""}`}>
      <PageHeader
        title={t("title")}
        {...(filters.wall ? {} : { purpose: t("purpose") })}
        actions={
          <>
            <LiveBadge flows={flows} held={held} />
            {filters.wall ? (
              <Button variant="default" size="xs" onClick={() => change({ wall: false })}>
                {t("leaveWall")}
              </Button>
            ) : (
              <Actions
                paused={held !== null}
                onPause={() => setHeld(held ? null : flows.picture)}
                onWall={() => change({ wall: true })}
              />
            )}
          </>
        }
      />
      {!filters.wall && <Controls filters={filters} picture={picture} onChange={change} />}
      <Stack gap="lg">
        {picture && !held && <OutOfDateNotice stream={flows.stream} />}
        {picture?.staleSince && <StaleNotice since={picture.staleSince} />}
        {flows.error && <ErrorState error={flows.error} />}
        {!picture && !flows.error && <LoadingState />}
        {picture && <Content picture={picture} filters={filters} onChange={change} />}
      </Stack>
    </div>
  );
}

function Content({
  picture,
  filters,
  onChange,
}: {
  picture: Picture;
  filters: Filters;
  onChange: (change: Partial<Filters>) => void;
}) {
  const narrow = useMediaQuery("(max-width: 62em)", false, { getInitialValueInEffect: false });
  const shown = useDeferredValue<Picture | null>(picture, null); // what is further down must not hold up the bands
  if (picture.items.length === 0) {
    return (
      <>
        {picture.total.calls > 0 && <FigureStrip picture={picture} />}
        <NothingToShow picture={picture} filters={filters} onChange={onChange} />
      </>
    );
  }
  return (
    <>
      <FigureStrip picture={picture} />
      {!narrow && (
        <div>
          <BandDiagram picture={picture} fill={filters.wall ? window.innerHeight / 1.2 - 300 : 0} />
          <Legend picture={picture} unwell={filters.unwell} />
        </div>
      )}
      {shown && <LatencyHeatMap picture={shown} />}
      {shown && !filters.wall && <FlowTable picture={shown} />}
    </>
  );
}

function NothingToShow({
  picture,
  filters,
  onChange,
}: {
  picture: Picture;
  filters: Filters;
  onChange: (change: Partial<Filters>) => void;
}) {
  const t = useFlowTexts();
  const last = t(`last-${picture.window as Filters["window"]}`);
  const clear = (
    <Anchor
      component="button"
      type="button"
      onClick={() => onChange({ search: "", agency: "", unwell: false, kind: "all" })}
    >
      {t("clear")}
    </Anchor>
  );
  if (filters.unwell && picture.total.calls > 0) {
    return (
      <EmptyState title={t("allWell")}>
        {t("allWellHelp", { last })} {clear}
      </EmptyState>
    );
  }
  if (filters.search || filters.agency || filters.kind !== "all") {
    return (
      <EmptyState title={t("nothingFound")}>
        {t("nothingFoundHelp")} {clear}
      </EmptyState>
    );
  }
  return <EmptyState title={t("emptyTitle")}>{t("emptyHelp", { last })}</EmptyState>;
}

function Legend({ picture, unwell }: { picture: Picture; unwell: boolean }) {
  const t = useFlowTexts();
  const language = useLanguage();
  const { flows, calls } = picture.leftOut;
  return (
    <Group gap="lg" mt="xs" justify="space-between">
      <Group gap="lg" aria-hidden>
        <LegendEntry state="healthy">{t("healthy")}</LegendEntry>
        <LegendEntry state="slow">{t("legendSlow")}</LegendEntry>
        <LegendEntry state="failing">{t("legendFailing")}</LegendEntry>
        <LegendEntry announced>{t("legendEvents")}</LegendEntry>
      </Group>
      {flows > 0 && (
        <Text size="xs" c="dimmed">
          {t(unwell ? "leftOutHealthy" : "leftOut", {
            flows: formatCount(flows, language),
            calls: formatCount(calls, language),
          })}
        </Text>
      )}
    </Group>
  );
}

function LegendEntry({
  state = "healthy",
  announced = false,
  children,
}: {
  state?: string;
  announced?: boolean;
  children: string;
}) {
  return (
    <span className={classes.legend}>
      <span className={classes.swatch} data-state={state} data-announced={announced} />
      {children}
    </span>
  );
}

function LiveBadge({ flows, held }: { flows: Flows; held: Picture | null }) {
  const t = useFlowTexts();
  if (held) {
    return (
      <Badge variant="outline" color="gray" tt="none" size="lg">
        {t("pausedAt", { time: formatTime(new Date(held.time * 1000)) })}
      </Badge>
    );
  }
  if (!flows.picture) return null;
  return (
    <>
      <Badge
        variant="dot"
        color={flows.stream.live ? "teal" : "yellow"}
        tt="none"
        size="lg"
        title={t(flows.stream.live ? "live" : "old")}
      >
        {formatTime(new Date(flows.picture.time * 1000))}
      </Badge>
      <VisuallyHidden role="status">{t(flows.stream.live ? "live" : "old")}</VisuallyHidden>
    </>
  );
}

function StaleNotice({ since }: { since: string }) {
  const t = useFlowTexts();
  return (
    <Alert role="status" color="yellow" icon={<IconClockExclamation aria-hidden />}>
      {t("stale", { time: formatTime(new Date(since)) })}
    </Alert>
  );
}
