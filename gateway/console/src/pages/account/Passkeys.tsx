import { Alert, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { ErrorState } from "../../components/PageStates";
import { Timestamp } from "../../components/Timestamp";
import { useAccountTexts } from "../../texts/account";
import { useCommonTexts } from "../../texts/common";
import { makePasskey, NoPasskeyError, passkeysWork } from "../sign-in/passkeys";
import { PresentPassword, unplaced } from "./PresentPassword";
import { Section } from "./Section";

type Passkey = Schemas["OwnAccount"]["passkeys"][number];

export function Passkeys({ passkeys }: { passkeys: readonly Passkey[] }) {
  const t = useAccountTexts();
  const common = useCommonTexts();
  const queries = useQueryClient();
  const [open, setOpen] = useState<Passkey | "new" | null>(null);
  const close = () => {
    setOpen(null);
    void queries.invalidateQueries({ queryKey: ["own account"] });
  };
  return (
    <Section title={t("passkeys")}>
      <Text size="sm" c="dimmed">
        {t("passkeysHelp")}
      </Text>
      {passkeys.length === 0 && <Text size="sm">{t("noPasskeys")}</Text>}
      {passkeys.map((one) => (
        <Group key={one.id} justify="space-between">
          <Stack gap={0}>
            <Text fw={500}>{one.name}</Text>
            <Text size="xs" c="dimmed">
              {t("made")} <Timestamp time={one.made} />
            </Text>
          </Stack>
          <Button
            size="xs"
            variant="default"
            aria-label={t("removePasskey", { name: one.name })}
            onClick={() => setOpen(one)}
          >
            {t("remove")}
          </Button>
        </Group>
      ))}
      {passkeysWork() ? (
        <Group>
          <Button variant="default" onClick={() => setOpen("new")}>
            {t("addPasskey")}
          </Button>
        </Group>
      ) : (
        <Text size="sm">{t("passkeysNeedName")}</Text>
      )}
      <Modal
        opened={open !== null}
        onClose={close}
        title={open === "new" ? t("addPasskey") : t("removePasskey", { name: open?.name ?? "" })}
        closeButtonProps={{ "aria-label": common("close") }}
      >
        {open === "new" && <Add onDone={close} />}
        {open !== null && open !== "new" && <Remove passkey={open} onDone={close} />}
      </Modal>
    </Section>
  );
}

function Add({ onDone }: { onDone: () => void }) {
  const t = useAccountTexts();
  const [name, setName] = useState("");
  return (
    <Confirmed
      action={t("addPasskey")}
      onDone={onDone}
      work={async (password) => {
        const begun = await dataOf(api.POST("/me/account/passkeys/options", { body: { password } }));
        const credential = await makePasskey(begun.options);
        await api.POST("/me/account/passkeys", { body: { state: begun.state, credential, name } });
      }}
    >
      <TextInput
        label={t("passkeyName")}
        description={t("passkeyNameHelp")}
        name="passkey-name"
        autoComplete="off"
        maxLength={60}
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </Confirmed>
  );
}

function Remove({ passkey, onDone }: { passkey: Passkey; onDone: () => void }) {
  const t = useAccountTexts();
  return (
    <Confirmed
      action={t("remove")}
      onDone={onDone}
      work={async (password) => {
        await api.POST("/me/account/passkeys/remove", { body: { id: passkey.id, password } });
      }}
    >
      <Text>{t("removePasskeyHelp")}</Text>
    </Confirmed>
  );
}

/** A form that needs the present password for what it does. */
function Confirmed({
  action,
  work,
  onDone,
  children,
}: {
  action: string;
  work: (password: string) => Promise<void>;
  onDone: () => void;
  children: ReactNode;
}) {
  const t = useAccountTexts();
  const [password, setPassword] = useState("");
  const done = useMutation({ mutationFn: () => work(password), onSuccess: onDone });
  const problem = unplaced(done.error, "/password");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        done.mutate();
      }}
    >
      <Stack>
        {children}
        {problem instanceof NoPasskeyError && (
          <Alert role="alert" color="yellow">
            {t("passkeyStopped")}
          </Alert>
        )}
        {problem && !(problem instanceof NoPasskeyError) && <ErrorState error={problem} />}
        <PresentPassword value={password} error={done.error} onChange={setPassword} />
        <Group justify="flex-end">
          <Button type="submit" loading={done.isPending}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
