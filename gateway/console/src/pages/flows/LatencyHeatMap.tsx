import { Anchor, Button, Group, Stack, Text, Title, VisuallyHidden } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { TIME_ZONE } from "../../components/Timestamp";
import { useLanguage } from "../../texts/createTexts";
import { useFlowTexts } from "../../texts/flows";
import classes from "./flows.module.css";
import { formatCount, formatDuration, titleOf } from "./formats";
import { linkOfSpan, useOwnAgency } from "./links";
import type { Picture } from "./useFlows";

const ROWS = 12;
const SLOW_MS = 1000;
const FAILING = 0.05;
const STEPS = [5, 20, 80, 300, 1000];

type Cell = Picture["latency"][number];

/** Show how fast each service was over time: darker is slower, amber above a second, red where calls failed. */
export function LatencyHeatMap({ picture }: { picture: Picture }) {
  const t = useFlowTexts();
  const language = useLanguage();
  const [, go] = useLocation();
  const own = useOwnAgency();
  const [all, setAll] = useState(false);
  const { first, span, time } = picture;
  const rows = rowsOf(picture);
  const shown = all ? rows : rows.slice(0, ROWS);
  const begins = Array.from(
    { length: Math.max(1, Math.ceil((time - first) / span)) },
    (_, n) => first + n * span,
  );
  const clock = new Intl.DateTimeFormat("vi-VN", {
    timeZone: TIME_ZONE,
    hour: "2-digit",
    minute: "2-digit",
    ...(span < 60 ? { second: "2-digit" } : {}),
  });
  const timeOf = (began: number) => clock.format(new Date(began * 1000));
  const narrow = useMediaQuery("(max-width: 62em)");
  const every = Math.ceil(begins.length / (narrow ? 3 : 8));
  if (rows.length === 0) return null;
  return (
    <Stack gap="xs" component="section" aria-labelledby="heat-title">
      <Group justify="space-between" align="flex-end">
        <div>
          <Title order={2} id="heat-title">
            {t("heatMap")}
          </Title>
          <Text size="sm" c="dimmed">
            {t("heatMapHelp")}
          </Text>
        </div>
        <Ramp />
      </Group>
      <div className={classes.frame}>
        <table className={classes.heat} aria-labelledby="heat-title">
          <thead>
            <tr>
              <th scope="col">{t("services")}</th>
              {begins.map((began, index) => (
                <th key={began} scope="col">
                  {index % every === 0 ? timeOf(began) : <VisuallyHidden>{timeOf(began)}</VisuallyHidden>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map(([service, cells]) => (
              <tr key={service}>
                <th scope="row">
                  <Anchor
                    component={Link}
                    href={`~${linkOfSpan(service, first, time - first, picture, own)}`}
                    size="sm"
                  >
                    {titleOf(picture, "services", service, language)}
                  </Anchor>
                </th>
                {begins.map((began) => {
                  const cell = cells.get(began);
                  const says = cell
                    ? t("heatCell", {
                        time: timeOf(began),
                        p95: formatDuration(cell.p95, language),
                        calls: formatCount(cell.calls, language),
                        failed: formatCount(cell.failed, language),
                      })
                    : "";
                  return (
                    <td
                      key={began}
                      className={classes.cell}
                      data-state={cell && stateOf(cell)}
                      style={
                        cell && stateOf(cell) === "healthy" ? { background: shade(cell.p95) } : undefined
                      }
                      title={says || undefined}
                    >
                      {cell && (
                        <button
                          type="button"
                          tabIndex={-1}
                          aria-label={says}
                          onClick={() => go(`~${linkOfSpan(service, began, span, picture, own)}`)}
                        />
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > ROWS && (
        <Group>
          <Button variant="subtle" size="xs" onClick={() => setAll(!all)}>
            {all ? t("fewerServices") : t("moreServices", { count: rows.length })}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

/** Services in the order of the alphabet of their names, so that no row moves while somebody looks. */
function rowsOf(picture: Picture): [string, Map<number, Cell>][] {
  const rows = new Map<string, Map<number, Cell>>();
  for (const cell of picture.latency) {
    const row = rows.get(cell.service) ?? new Map<number, Cell>();
    row.set(cell.began, cell);
    rows.set(cell.service, row);
  }
  return [...rows].sort(([a], [b]) => a.localeCompare(b));
}

function stateOf(cell: Cell): "healthy" | "slow" | "failing" {
  if (cell.failed / cell.calls >= FAILING) return "failing";
  return cell.p95 > SLOW_MS ? "slow" : "healthy";
}

/** From 1 ms, nearly as light as nothing, to a second. */
function shade(milliseconds: number): string {
  const depth = Math.min(1, Math.max(0, Math.log10(Math.max(1, milliseconds)) / 3));
  return `rgb(var(--cell) / ${Math.round(14 + depth * 66)}%)`;
}

function Ramp() {
  const language = useLanguage();
  return (
    <Group gap={8} aria-hidden>
      <Text size="xs" c="dimmed">
        p95 {formatDuration(1, language)}
      </Text>
      <span className={classes.ramp}>
        {STEPS.map((step) => (
          <span key={step} style={{ background: shade(step) }} />
        ))}
        <span className={classes.cell} data-state="slow" style={{ height: 12 }} />
      </span>
      <Text size="xs" c="dimmed">
        &gt; {formatDuration(SLOW_MS, language)}
      </Text>
    </Group>
  );
}
