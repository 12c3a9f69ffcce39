import { Button, Group, Modal, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import { useCommonTexts } from "../texts/common";
import { Refusal } from "./Refusal";
import { useReturnFocus } from "./useReturnFocus";

interface Props {
  opened: boolean;
  title: string;
  action: string;
  danger?: boolean;
  pending: boolean;
  error: Error | null;
  onConfirm: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** Ask before something is done: what will happen, a button that names it, and why it failed if it did. */
export function ConfirmDialog({
  opened,
  title,
  action,
  danger = false,
  pending,
  error,
  onConfirm,
  onClose,
  children,
}: Props) {
  const t = useCommonTexts();
  useReturnFocus(opened);
  return (
    <Modal opened={opened} onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("close") }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onConfirm();
        }}
      >
        <Stack>
          {children}
          <Refusal error={error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button type="submit" loading={pending} color={danger ? "red" : "primary"}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
