import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation } from "@tanstack/react-query";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { useOutcomeText } from "./useOutcomeText";

/** What became of a test event. */
export interface Tested {
  outcome: string;
  status?: number;
  ms?: number;
  detail?: string;
  filter?: string;
}

/** Send a test event, and say what became of it. */
export function TestButton({ send, onDone }: { send: () => Promise<Tested>; onDone: () => void }) {
  const t = useSubscriptionTexts();
  const outcomeText = useOutcomeText();
  const test = useMutation({
    mutationFn: send,
    onSuccess: (tested) => {
      const arrived = tested.outcome === "delivered";
      const queued = tested.outcome === "queued";
      const sentence = arrived
        ? t("testDelivered", { status: tested.status ?? 200, ms: Math.round(tested.ms ?? 0) })
        : queued
          ? t("testQueued")
          : t("testFailed", { why: tested.detail ?? outcomeText(tested.outcome) });
      const leftOut = tested.filter === "left-out" ? ` ${t("testLeftOut")}` : "";
      notifications.show({
        color: arrived || queued ? "teal" : "red",
        message: sentence + leftOut,
        autoClose: 10_000,
      });
      onDone();
    },
    onError: (error) => notifications.show({ color: "red", message: error.message, autoClose: 10_000 }),
  });
  return (
    <Button variant="default" loading={test.isPending} onClick={() => test.mutate()}>
      {t("sendTest")}
    </Button>
  );
}
