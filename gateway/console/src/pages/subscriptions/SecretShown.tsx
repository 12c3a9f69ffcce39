import { Button, Modal, Stack, Text } from "@mantine/core";
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
      <Stack>
        <Text size="sm">{t("secretOnce")}</Text>
        <CopyableCode value={secret} label={t("secretTitle")} />
        <Button onClick={onClose}>{t("secretStored")}</Button>
      </Stack>
    </Modal>
  );
}
