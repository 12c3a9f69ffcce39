import { Button, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, dataOf, type Schemas } from "../../api/client";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { StatusBadge } from "../../components/StatusBadge";
import { Timestamp } from "../../components/Timestamp";
import { useAccountTexts } from "../../texts/account";
import { Section } from "./Section";

type OpenSession = Schemas["Session"];

const BROWSERS = [
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["coc_coc_browser/", "Cốc Cốc"],
  ["Chrome/", "Chrome"],
  ["Firefox/", "Firefox"],
  ["Safari/", "Safari"],
] as const;
const DEVICES = ["Windows", "Android", "iPhone", "iPad", "Macintosh", "Linux"] as const;

export function Sessions() {
  const t = useAccountTexts();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: ["own sessions"],
    queryFn: () => dataOf(api.GET("/me/sessions")),
  });
  const refresh = () => queries.invalidateQueries({ queryKey: ["own sessions"] });
  const end = useMutation({
    mutationFn: (session: string) => api.DELETE("/me/sessions/{session}", { params: { path: { session } } }),
    onSettled: refresh,
  });
  const endOthers = useMutation({
    mutationFn: () => api.POST("/me/sessions/end-others"),
    onSettled: refresh,
  });
  const problem = end.error ?? endOthers.error ?? (data ? null : error);
  return (
    <Section title={t("sessions")}>
      {problem && <ErrorState error={problem} onRetry={refetch} />}
      {!data && !error && <LoadingState />}
      {data?.items.map((one) => (
        <Group key={one.id} justify="space-between" wrap="nowrap" align="flex-start">
          <SessionFacts session={one} />
          {one.current ? (
            <StatusBadge meaning="healthy">{t("thisOne")}</StatusBadge>
          ) : (
            <Button
              size="xs"
              variant="default"
              aria-label={t("endOf", { device: deviceOf(one.agent) || t("unknownDevice") })}
              onClick={() => end.mutate(one.id)}
            >
              {t("end")}
            </Button>
          )}
        </Group>
      ))}
      {data && data.items.length > 1 && (
        <Group>
          <Button variant="default" loading={endOthers.isPending} onClick={() => endOthers.mutate()}>
            {t("endOthers")}
          </Button>
        </Group>
      )}
    </Section>
  );
}

function SessionFacts({ session }: { session: OpenSession }) {
  const t = useAccountTexts();
  const method = session.method === "password" ? t("password").toLowerCase() : t(session.method);
  return (
    <Stack gap={0} miw={0}>
      <Text fw={500}>{deviceOf(session.agent) || t("unknownDevice")}</Text>
      <Text size="xs" c="dimmed">
        {t("method")} {method} · {session.address || "–"} · <Timestamp time={session.began} />
      </Text>
    </Stack>
  );
}

/** Return the browser and the kind of device in words; "" where it does not say. */
function deviceOf(agent: string): string {
  const browser = BROWSERS.find(([mark]) => agent.includes(mark))?.[1];
  const device = DEVICES.find((mark) => agent.includes(mark))?.replace("Macintosh", "macOS");
  return [browser, device].filter(Boolean).join(", ");
}
