import { Button, Group, Modal, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { useCommonTexts } from "../../texts/common";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { Refusal } from "./Refusal";

type Endpoint = Schemas["Endpoint"];

/** Make a new secret; the former ones count beside it for some hours. */
export function RotateDialog({
  endpoint,
  onClose,
  onDone,
}: {
  endpoint: Endpoint;
  onClose: () => void;
  onDone: (secret: string) => void;
}) {
  const t = useSubscriptionTexts();
  const [hours, setHours] = useState<number | string>(24);
  const rotate = useMutation({
    mutationFn: () =>
      dataOf(
        api.POST("/endpoints/{endpoint}/secrets", {
          params: { path: { endpoint: endpoint.id } },
          body: { overlapHours: Number(hours) },
        }),
      ),
    onSuccess: ({ secret }) => {
      onClose();
      onDone(secret);
    },
  });
  return (
    <FormDialog
      title={t("rotateTitle", { name: endpoint.name })}
      action={t("rotate")}
      change={rotate}
      onClose={onClose}
    >
      <Text size="sm">{t("rotateHelp")}</Text>
      <NumberInput
        label={t("overlap")}
        value={hours}
        onChange={setHours}
        min={0}
        max={168}
        required
        data-autofocus
      />
    </FormDialog>
  );
}

/** Send to another URL from now on. */
export function UrlDialog({
  endpoint,
  onClose,
  onDone,
}: {
  endpoint: Endpoint;
  onClose: () => void;
  onDone: () => void;
}) {
  const t = useSubscriptionTexts();
  const [url, setUrl] = useState(endpoint.url);
  const save = useMutation({
    mutationFn: () =>
      api.PATCH("/endpoints/{endpoint}", {
        params: { path: { endpoint: endpoint.id } },
        body: { url, concurrency: endpoint.concurrency, rate: endpoint.rate },
      }),
    onSuccess: () => {
      onClose();
      onDone();
    },
  });
  return (
    <FormDialog
      title={t("urlChangeTitle", { name: endpoint.name })}
      action={t("save")}
      change={save}
      onClose={onClose}
    >
      <Text size="sm">{t("urlWarning")}</Text>
      <TextInput
        label={t("url")}
        type="url"
        value={url}
        onChange={(event) => setUrl(event.currentTarget.value)}
        required
        data-autofocus
      />
    </FormDialog>
  );
}

function FormDialog({
  title,
  action,
  change,
  onClose,
  children,
}: {
  title: string;
  action: string;
  change: { mutate: () => void; isPending: boolean; error: Error | null };
  onClose: () => void;
  children: ReactNode;
}) {
  const common = useCommonTexts();
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": common("close") }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Stack>
          {children}
          <Refusal error={change.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {common("cancel")}
            </Button>
            <Button type="submit" loading={change.isPending}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
