import { Alert, Button, Code, Group, Image, Modal, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf } from "../../api/client";
import { ApiError } from "../../api/problem";
import { CopyableCode } from "../../components/CopyableCode";
import { ErrorState } from "../../components/PageStates";
import { StatusBadge } from "../../components/StatusBadge";
import { useAccountTexts } from "../../texts/account";
import { useCommonTexts } from "../../texts/common";
import { PresentPassword, unplaced } from "./PresentPassword";
import { Section } from "./Section";

export function Authenticator({ on, codes }: { on: boolean; codes: number }) {
  const t = useAccountTexts();
  const common = useCommonTexts();
  const queries = useQueryClient();
  const [opened, setOpened] = useState(false);
  const close = () => {
    setOpened(false);
    void queries.invalidateQueries({ queryKey: ["own account"] });
  };
  return (
    <Section
      title={t("authenticator")}
      state={<StatusBadge meaning={on ? "healthy" : "neutral"}>{t(on ? "on" : "off")}</StatusBadge>}
    >
      <Text size="sm" c="dimmed">
        {t("authenticatorHelp")} {on && t("recoveryLeft", { count: codes })}
      </Text>
      <Group>
        <Button variant={on ? "default" : "filled"} onClick={() => setOpened(true)}>
          {t(on ? "turnOff" : "turnOn")}
        </Button>
      </Group>
      <Modal
        opened={opened}
        onClose={close}
        title={t("authenticator")}
        closeButtonProps={{ "aria-label": common("close") }}
      >
        {on ? <TurnOff onDone={close} /> : <SetUp onDone={close} />}
      </Modal>
    </Section>
  );
}

function TurnOff({ onDone }: { onDone: () => void }) {
  const t = useAccountTexts();
  const [password, setPassword] = useState("");
  const remove = useMutation({
    mutationFn: () => api.POST("/me/account/authenticator/remove", { body: { password } }),
    onSuccess: onDone,
  });
  const problem = unplaced(remove.error, "/password");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        remove.mutate();
      }}
    >
      <Stack>
        <Text>{t("turnOffHelp")}</Text>
        {problem && <ErrorState error={problem} />}
        <PresentPassword value={password} error={remove.error} onChange={setPassword} />
        <Group justify="flex-end">
          <Button type="submit" loading={remove.isPending}>
            {t("turnOff")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The three steps: the password again, the code of the new authenticator, the recovery codes. */
function SetUp({ onDone }: { onDone: () => void }) {
  const t = useAccountTexts();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const begin = useMutation({
    mutationFn: () => dataOf(api.POST("/me/account/authenticator", { body: { password } })),
  });
  const finish = useMutation({
    mutationFn: () =>
      dataOf(api.PUT("/me/account/authenticator", { body: { state: begin.data?.state ?? "", code } })),
  });
  if (finish.data) return <RecoveryCodes codes={finish.data.codes} onDone={onDone} />;
  const step = begin.data ? finish : begin;
  const problem = unplaced(step.error, "/password", "/code");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        step.mutate();
      }}
    >
      <Stack>
        {problem && <ErrorState error={problem} />}
        {begin.data ? (
          <>
            <Text>{t("scan")}</Text>
            <Image src={begin.data.picture} alt={t("qr")} w={220} mx="auto" radius="md" />
            <Text size="sm">{t("typeInstead")}</Text>
            <CopyableCode value={begin.data.secret} label={t("secret")} />
            <TextInput
              label={t("code")}
              name="code"
              inputMode="numeric"
              autoComplete="one-time-code"
              autoFocus
              required
              withAsterisk={false}
              value={code}
              error={finish.error instanceof ApiError ? finish.error.fields.get("/code") : undefined}
              onChange={(event) => setCode(event.currentTarget.value)}
            />
          </>
        ) : (
          <PresentPassword value={password} error={begin.error} onChange={setPassword} />
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={step.isPending}>
            {t("confirm")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function RecoveryCodes({ codes, onDone }: { codes: readonly string[]; onDone: () => void }) {
  const t = useAccountTexts();
  return (
    <Stack>
      <Alert color="yellow" title={t("recoveryTitle")}>
        {t("recoveryHelp")}
      </Alert>
      <SimpleGrid cols={2} spacing="xs">
        {codes.map((code) => (
          <Code key={code} fz="md" ta="center">
            {code}
          </Code>
        ))}
      </SimpleGrid>
      <Group justify="flex-end">
        <Button onClick={onDone}>{t("kept")}</Button>
      </Group>
    </Stack>
  );
}
