import { Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { useAccessTexts } from "../../texts/access";

/** Link the account with which a person signs in, by the code that they read out. */
export function LinkAccount({ person, onClose }: { person: Schemas["Person"]; onClose: () => void }) {
  const t = useAccessTexts();
  const queries = useQueryClient();
  const [account, setAccount] = useState("");
  const [called, setCalled] = useState("");
  const { name } = person.metadata;
  const send = useMutation({
    mutationFn: () =>
      dataOf(
        api.POST("/registry/persons/{name}/link", {
          params: { path: { name } },
          body: { account: account.trim(), name: called.trim() },
        }),
      ),
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  return (
    <ConfirmDialog
      opened
      title={t("link")}
      action={t("link")}
      pending={send.isPending}
      error={send.error}
      onClose={onClose}
      onConfirm={() => send.mutate()}
    >
      <Text size="sm">{t("linkWhat")}</Text>
      <TextInput
        data-autofocus
        label={t("account")}
        description={t("accountHelp")}
        required
        spellCheck={false}
        value={account}
        onChange={(event) => setAccount(event.currentTarget.value)}
      />
      <TextInput
        label={t("personName")}
        description={t("personNameHelp")}
        maxLength={200}
        value={called}
        onChange={(event) => setCalled(event.currentTarget.value)}
      />
    </ConfirmDialog>
  );
}
