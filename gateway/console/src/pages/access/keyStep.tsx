import { Alert, Button, Group, Radio, Stack, Text, Textarea } from "@mantine/core";
import { IconDownload, IconKey } from "@tabler/icons-react";
import { useState } from "react";
import { CopyableCode } from "../../components/CopyableCode";
import { useAccessTexts } from "../../texts/access";
import { BadKey, type KeyPair, makeKeyPair, type PublicKey, readPublicKey, saveFile } from "./keys";

interface Props {
  system: string;
  error: string | undefined;
  pending: boolean;
  onBack: () => void;
  onContinue: (publicKey: PublicKey) => void;
}

/** Make a key in this browser, whose private half the user saves once, or take a public key that is pasted. */
export function KeyStep({ system, error, pending, onBack, onContinue }: Props) {
  const t = useAccessTexts();
  const [way, setWay] = useState<"here" | "pasted">("here");
  const [pair, setPair] = useState<KeyPair>();
  const [saved, setSaved] = useState(false);
  const [pasted, setPasted] = useState("");
  const [fault, setFault] = useState("");

  async function submit() {
    setFault("");
    if (way === "here") {
      if (!pair || !saved) setFault(t("downloadFirst"));
      else onContinue(pair.publicKey);
      return;
    }
    try {
      onContinue(await readPublicKey(pasted));
    } catch (reason) {
      setFault(t(reason instanceof BadKey && reason.isPrivate ? "privateKeyPasted" : "publicKeyBad"));
    }
  }

  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Stack>
        <Radio.Group
          label={t("publicKey")}
          value={way}
          onChange={(value) => {
            setWay(value === "pasted" ? "pasted" : "here");
            setFault("");
          }}
        >
          <Stack gap="xs" mt="xs">
            <Radio value="here" label={t("keyHere")} description={t("keyHereHelp")} />
            <Radio value="pasted" label={t("keyPasted")} description={t("keyPastedHelp")} />
          </Stack>
        </Radio.Group>
        {way === "here" && !pair && (
          <Button
            variant="default"
            leftSection={<IconKey size={16} aria-hidden />}
            onClick={async () => setPair(await makeKeyPair())}
            style={{ alignSelf: "flex-start" }}
          >
            {t("makeKey")}
          </Button>
        )}
        {way === "here" && pair && (
          <MadeKey
            pair={pair}
            system={system}
            saved={saved}
            refused={fault !== ""}
            onSaved={() => {
              setSaved(true);
              setFault("");
            }}
          />
        )}
        {way === "pasted" && (
          <Textarea
            label={t("publicKey")}
            autosize
            minRows={5}
            maxRows={12}
            maxLength={20_000}
            spellCheck={false}
            value={pasted}
            error={fault || error}
            onChange={(event) => setPasted(event.currentTarget.value)}
          />
        )}
        {way === "here" && (fault || error) && (
          <Alert role="alert" color="yellow">
            {fault || error}
          </Alert>
        )}
        <Group justify="space-between">
          <Button variant="default" onClick={onBack}>
            {t("back")}
          </Button>
          <Button type="submit" loading={pending}>
            {t("registerSystem")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function MadeKey({
  pair,
  system,
  saved,
  refused,
  onSaved,
}: {
  pair: KeyPair;
  system: string;
  saved: boolean;
  /** The sentence about downloading stands below already. */
  refused: boolean;
  onSaved: () => void;
}) {
  const t = useAccessTexts();
  return (
    <Stack gap="xs" role="status">
      <Group gap="xs">
        <Text size="sm">{t("keyMade")}</Text>
        <CopyableCode value={pair.publicKey.kid} label={t("keyId")} />
      </Group>
      <Group>
        <Button
          leftSection={<IconDownload size={16} aria-hidden />}
          variant={saved ? "default" : "filled"}
          onClick={async () => {
            saveFile(`${system}.jwk.json`, await pair.privateJwk());
            onSaved();
          }}
        >
          {t("download")}
        </Button>
        <Button
          variant="default"
          onClick={async () => {
            saveFile(`${system}.pem`, await pair.privatePem());
            onSaved();
          }}
        >
          {t("downloadPem")}
        </Button>
      </Group>
      <Text size="sm" c="dimmed">
        {saved ? t("downloaded") : !refused && t("downloadFirst")}
      </Text>
    </Stack>
  );
}
