import { Text } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { type KeyboardEvent, type MouseEvent, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useLanguage } from "../../texts/createTexts";
import { useFlowTexts } from "../../texts/flows";
import { type Band, type Card, endsOf, layOut, nameOf, type Order } from "./bandLayout";
import { FlowDetails } from "./FlowDetails";
import classes from "./flows.module.css";
import { formatDuration, formatRate, formatShare, titleOf, titlesOf } from "./formats";
import { linkOf, useOwnAgency } from "./links";
import type { Flow, Picture } from "./useFlows";

const SEVERITY: readonly Flow["state"][] = ["healthy", "slow", "refused", "failing"];
const NEXT: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/**
 * Draw who calls whom: cards for the ends, bands as wide as the traffic between them.
 *
 * The bands are one stop of the keyboard: arrow keys move among them.
 *
 * @param fill the height to fill, where the cards need less.
 */
export function BandDiagram({ picture, fill }: { picture: Picture; fill: number }) {
  const t = useFlowTexts();
  const { ref, width } = useElementSize();
  const [chosen, setChosen] = useState<{ id: string; x?: number; y?: number } | null>(null);
  const [stop, setStop] = useState("");
  const picturesLinks = useRef<HTMLElement>(null);
  const order = useRef<{ group: string; order: Order }>({ group: "", order: [] });
  const layout = useMemo(() => {
    if (width === 0) return null;
    const known = order.current.group === picture.group ? order.current.order : [];
    const made = layOut(picture, width, known, fill);
    order.current = { group: picture.group, order: made.order };
    return made.layout;
  }, [picture, width, fill]);
  const byPlace = useMemo(() => [...(layout?.bands ?? [])].sort((a, b) => a.y - b.y || a.x - b.x), [layout]);
  const flow = picture.items.find(({ id }) => id === chosen?.id);
  const band = layout?.bands.find((one) => one.flow.id === flow?.id);
  const ends = new Set(flow ? endsOf(flow, picture.group) : []);
  const tabStop = byPlace.some((one) => one.flow.id === stop) ? stop : byPlace[0]?.flow.id;

  const move = (event: KeyboardEvent) => {
    const step = NEXT[event.key];
    if (step === undefined) {
      if (event.key === "Escape") setChosen(null);
      return;
    }
    event.preventDefault();
    const at = byPlace.findIndex((one) => one.flow.id === tabStop);
    const next = byPlace[(at + step + byPlace.length) % byPlace.length];
    const links = [...(picturesLinks.current?.querySelectorAll<SVGAElement>("a") ?? [])];
    links.find((link) => link.dataset.flow === next?.flow.id)?.focus();
  };
  const point = (id: string, event: MouseEvent) => {
    const frame = picturesLinks.current?.getBoundingClientRect();
    if (frame) setChosen({ id, x: event.clientX - frame.left, y: event.clientY - frame.top });
  };

  return (
    <div>
      <Columns lefts={layout?.columns ?? []} />
      <div
        ref={ref}
        className={classes.diagram}
        data-chosen={flow !== undefined}
        style={{ height: layout?.height ?? 460 }}
      >
        {layout && (
          <>
            <nav aria-label={t("picture")} aria-describedby="flows-help" ref={picturesLinks}>
              {/* biome-ignore lint/a11y/noSvgWithoutTitle: the navigation around it has the name; a title would hide the details */}
              <svg className={classes.bands} width={width} height={layout.height}>
                {layout.bands.map((one) => (
                  <BandLink
                    key={one.flow.id}
                    band={one}
                    picture={picture}
                    chosen={one.flow.id === flow?.id}
                    isStop={one.flow.id === tabStop}
                    onPoint={point}
                    onFocus={(id) => {
                      setStop(id);
                      setChosen({ id });
                    }}
                    onLeave={() => setChosen(null)}
                    onMove={move}
                  />
                ))}
              </svg>
            </nav>
            {layout.headings.map(({ column, agency, x, y }) => (
              <div
                key={`${column} ${agency}`}
                className={classes.heading}
                style={{ left: x, top: y, width: layout.cards[0]?.width }}
              >
                <AgencyTitle picture={picture} agency={agency} />
              </div>
            ))}
            {layout.cards.map((card) => (
              <EndCard
                key={card.id}
                card={card}
                picture={picture}
                chosen={flow === undefined || ends.has(card.id)}
              />
            ))}
            {flow && band && (
              <FlowDetails
                flow={flow}
                picture={picture}
                x={chosen?.x ?? band.x}
                y={chosen?.y ?? band.y}
                width={width}
              />
            )}
          </>
        )}
      </div>
      <Text id="flows-help" size="xs" c="dimmed" mt={6} className="no-print">
        {t("pictureHelp")}
      </Text>
    </div>
  );
}

function Columns({ lefts }: { lefts: number[] }) {
  const t = useFlowTexts();
  const names =
    lefts.length === 2
      ? (["consumers", "providers"] as const)
      : (["consumers", "services", "providers"] as const);
  return (
    <div className={classes.columns} aria-hidden>
      {(lefts.length ? names : []).map((name, column) => (
        <span key={name} style={{ left: lefts[column] }}>
          {t(name)}
          {name === "providers" && <small>{t("providersHelp")}</small>}
        </span>
      ))}
    </div>
  );
}

function BandLink({
  band,
  picture,
  chosen,
  isStop,
  onPoint,
  onFocus,
  onLeave,
  onMove,
}: {
  band: Band;
  picture: Picture;
  chosen: boolean;
  isStop: boolean;
  onPoint: (id: string, event: MouseEvent) => void;
  onFocus: (id: string) => void;
  onLeave: () => void;
  onMove: (event: KeyboardEvent) => void;
}) {
  const { flow } = band;
  const label = useFlowLabel(flow, picture);
  const href = linkOf(flow, picture, useOwnAgency());
  const [, go] = useLocation();
  return (
    <a
      className={classes.link}
      href={href}
      data-flow={flow.id}
      aria-label={label}
      tabIndex={isStop ? 0 : -1}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return; // the browser opens it elsewhere
        event.preventDefault();
        go(`~${href}`);
      }}
      onKeyDown={onMove}
      onMouseMove={(event) => onPoint(flow.id, event)}
      onMouseLeave={onLeave}
      onFocus={(event) => event.currentTarget.matches(":focus-visible") && onFocus(flow.id)}
      onBlur={onLeave}
    >
      <path
        className={classes.band}
        d={band.path}
        data-state={flow.state}
        data-announced={flow.kind !== "call"}
        data-chosen={chosen}
      />
    </a>
  );
}

function useFlowLabel(flow: Flow, picture: Picture): string {
  const t = useFlowTexts();
  const language = useLanguage();
  const titles = titlesOf(flow, picture, language);
  return t("flowLabel", {
    consumer: titles.consumer || t(`one-${flow.kind}`),
    service: titles.service || t(`one-${flow.kind}`),
    provider: titles.provider || t("unregistered"),
    state: t(flow.state === "refused" ? "state-refused" : flow.state),
    rate: formatRate(flow.perSecond, language),
    errors: formatShare(flow.errorRate, language),
    p95: formatDuration(flow.p95, language),
  });
}

function AgencyTitle({ picture, agency }: { picture: Picture; agency: string }) {
  return <>{titleOf(picture, "agencies", agency, useLanguage())}</>;
}

function EndCard({ card, picture, chosen }: { card: Card; picture: Picture; chosen: boolean }) {
  const t = useFlowTexts();
  const language = useLanguage();
  const title = useCardTitle(card, picture);
  const state = worstState(card, picture);
  return (
    <div
      className={classes.card}
      style={{ left: card.x, top: card.y, width: card.width, height: card.height }}
      data-state={state}
      data-chosen={chosen}
      data-tall={card.height >= 42}
      title={title}
    >
      <span className={classes.name}>{title}</span>
      <span className={classes.rate}>{t("perSecond", { rate: formatRate(card.perSecond, language) })}</span>
    </div>
  );
}

function useCardTitle(card: Card, picture: Picture): string {
  const t = useFlowTexts();
  const language = useLanguage();
  const name = nameOf(card);
  if (picture.group === "agency") {
    if (!name) return card.column === 0 ? t("event") : t("unregistered");
    return titleOf(picture, "agencies", name, language);
  }
  if (card.column === 1) return name ? titleOf(picture, "services", name, language) : t("unknownService");
  return name ? titleOf(picture, "systems", name, language) : t("unregistered");
}

/** A card is as unwell as the worst of the flows that make up a fifth of its traffic or more. */
function worstState(card: Card, picture: Picture): Flow["state"] {
  const flows = picture.items.filter((flow) => endsOf(flow, picture.group).includes(card.id));
  const share = (state: Flow["state"]) =>
    flows.reduce((sum, flow) => sum + (flow.state === state ? flow.calls : 0), 0) / Math.max(1, card.calls);
  return SEVERITY.findLast((state) => share(state) >= 0.2) ?? "healthy";
}
