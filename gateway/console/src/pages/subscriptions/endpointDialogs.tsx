import { Button, Group, Modal, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { Refusal } from "../../components/Refusal";
import { useCommonTexts } from "../../texts/common";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { SecretOnce } from "./SecretShown";

interface Props {
  opened: boolean;
  endpoint: Schemas["Endpoint"];
  onClose: () => void;
  onDone: () => void;
}

/** Make a new secret, and show it this once; the former ones count beside it for some hours. */
export function RotateDialog({ opened, endpoint, onClose, onDone }: Props) {
  const t = useSubscriptionTexts();
  const common = useCommonTexts();
  const [secret, setSecret] = useState("");
  const isShown = secret !== "";
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={isShown ? t("secretTitle") : t("rotateTitle", { name: endpoint.name })}
      withCloseButton={!isShown}
      closeOnClickOutside={!isShown}
      closeOnEscape={!isShown}
      closeButtonProps={{ "aria-label": common("close") }}
      onExitTransitionEnd={() => setSecret("")}
    >
      {isShown ? (
        <SecretOnce secret={secret} onClose={onClose} />
      ) : (
        <RotateForm
          endpoint={endpoint}
          onClose={onClose}
          onMade={(made) => {
            setSecret(made);
            onDone();
          }}
        />
      )}
    </Modal>
  );
}

function RotateForm({
  endpoint,
  onClose,
  onMade,
}: {
  endpoint: Schemas["Endpoint"];
  onClose: () => void;
  onMade: (secret: string) => void;
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
    onSuccess: ({ secret }) => onMade(secret),
  });
  return (
    <ChangeForm action={t("rotate")} change={rotate} onClose={onClose}>
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
    </ChangeForm>
  );
}

/** Send to another URL from now on. */
export function UrlDialog({ opened, ...rest }: Props) {
  const t = useSubscriptionTexts();
  const common = useCommonTexts();
  return (
    <Modal
      opened={opened}
      onClose={rest.onClose}
      title={t("urlChangeTitle", { name: rest.endpoint.name })}
      closeButtonProps={{ "aria-label": common("close") }}
    >
      <UrlForm {...rest} />
    </Modal>
  );
}

function UrlForm({ endpoint, onClose, onDone }: Omit<Props, "opened">) {
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
    <ChangeForm action={t("save")} change={save} onClose={onClose}>
      <Text size="sm">{t("urlWarning")}</Text>
      <TextInput
        label={t("url")}
        type="url"
        value={url}
        onChange={(event) => setUrl(event.currentTarget.value)}
        required
        data-autofocus
      />
    </ChangeForm>
  );
}

function ChangeForm({
  action,
  change,
  onClose,
  children,
}: {
  action: string;
  change: { mutate: () => void; isPending: boolean; error: Error | null };
  onClose: () => void;
  children: ReactNode;
}) {
  const common = useCommonTexts();
  return (
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
  );
}
