import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { DateInput } from "../../components/DateInput";
import { parseDateTime } from "../../components/dates";
import { ErrorState } from "../../components/PageStates";
import { Refusal } from "../../components/Refusal";
import { useCommonTexts } from "../../texts/common";
import { useSubscriptionTexts } from "../../texts/subscriptions";

const HOUR_MS = 3_600_000;
const OFFSET = "+07:00";

interface Props {
  subscription: Schemas["Subscription"];
  onClose: () => void;
  onDone: () => void;
}

/** Have events delivered again, after showing how many. */
export function ReplayDialog({ opened, ...rest }: Props & { opened: boolean }) {
  const t = useSubscriptionTexts();
  const common = useCommonTexts();
  return (
    <Modal
      opened={opened}
      onClose={rest.onClose}
      title={t("replayTitle")}
      closeButtonProps={{ "aria-label": common("close") }}
    >
      <ReplayForm {...rest} />
    </Modal>
  );
}

function ReplayForm({ subscription, onClose, onDone }: Props) {
  const t = useSubscriptionTexts();
  const common = useCommonTexts();
  const [from, setFrom] = useState(() => localTime(new Date(Date.now() - HOUR_MS)));
  const [to, setTo] = useState("");
  const start = `${from}${OFFSET}`;
  const end = to ? `${to}${OFFSET}` : "";
  const path = { subscription: subscription.id };
  const preview = useQuery({
    queryKey: ["replay", subscription.id, start, end],
    queryFn: () =>
      dataOf(
        api.GET("/subscriptions/{subscription}/replay", {
          params: { path, query: { from: start, ...(end && { to: end }) } },
        }),
      ),
    enabled: parseDateTime(from) !== null && (to === "" || parseDateTime(to) !== null),
  });
  const replay = useMutation({
    mutationFn: () => replayAll(subscription.id, start, end),
    onSuccess: (count) => {
      notifications.show({
        color: "teal",
        message: count === null ? t("replayStarted") : t("replayed", { count }),
      });
      onClose();
      onDone();
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        replay.mutate();
      }}
    >
      <Stack>
        <DateInput
          label={t("replayFrom")}
          kind="datetime-local"
          value={from}
          onChange={setFrom}
          required
          data-autofocus
        />
        <DateInput label={t("replayTo")} kind="datetime-local" value={to} onChange={setTo} />
        <div role="status">
          {preview.isFetching && <Text size="sm">{t("counting")}</Text>}
          {preview.data && !preview.isFetching && (
            <Text size="sm" fw={600}>
              {t("replayCount", { count: preview.data.events })}
            </Text>
          )}
        </div>
        {preview.error && <ErrorState error={preview.error} />}
        {!to && <Text size="sm">{t("replayAll")}</Text>}
        <Refusal error={replay.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {common("cancel")}
          </Button>
          <Button type="submit" loading={replay.isPending}>
            {t("replay")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Replay from a time on, or, with an end, part by part as the bus reads them; return how many come again, null where it is not counted. */
async function replayAll(id: string, start: string, end: string): Promise<number | null> {
  const params = { path: { subscription: id } };
  if (!end) {
    await api.POST("/subscriptions/{subscription}/replay", { params, body: { from: start } });
    return null;
  }
  let count = 0;
  let from: string | number = start;
  let to: string | number = end;
  for (;;) {
    const answer: Schemas["Subscription"] = await dataOf(
      api.POST("/subscriptions/{subscription}/replay", { params, body: { from, to } }),
    );
    const { replayed } = answer;
    count += replayed?.events ?? 0;
    if (!replayed?.next) return count;
    from = replayed.next;
    to = replayed.to;
  }
}

/** Return a time of Vietnam as an input of the browser has it. */
function localTime(time: Date): string {
  return new Date(time.getTime() + 7 * HOUR_MS).toISOString().slice(0, 19);
}
