import { Button, Modal, Stack, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import { CopyableCode } from "../../components/CopyableCode";
import { useSubscriptionTexts } from "../../texts/subscriptions";

/** Show a secret this once; it is in no other answer, and nothing of the page keeps it. */
export function SecretShown({ secret, onClose }: { secret: string; onClose: () => void }) {
  const t = useSubscriptionTexts();
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("secretTitle")}
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
    >
      <SecretOnce secret={secret} onClose={onClose} />
    </Modal>
  );
}

/** The secret, and a button that says that it was stored: nothing else closes the dialog around it. */
export function SecretOnce({ secret, onClose }: { secret: string; onClose: () => void }) {
  const t = useSubscriptionTexts();
  const stored = useRef<HTMLButtonElement>(null);
  useEffect(() => stored.current?.focus(), []); // also where the dialog was open before
  return (
    <Stack>
      <Text size="sm">{t("secretOnce")}</Text>
      <CopyableCode value={secret} label={t("secretTitle")} />
      <Button ref={stored} data-autofocus onClick={onClose}>
        {t("secretStored")}
      </Button>
    </Stack>
  );
}
