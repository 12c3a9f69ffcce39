import { Anchor, Button, Card, FileButton, Group, List, Stack, Text, TextInput, Title } from "@mantine/core";
import { IconShieldCheck } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf } from "../api/client";
import { ApiError } from "../api/problem";
import { useHasRole } from "../app/session";
import { Notice } from "../components/Notice";
import { ErrorState } from "../components/PageStates";
import { formatDateTime } from "../components/Timestamp";
import { useEvidenceTexts } from "../texts/evidence";
import { KeyChoice } from "./KeyChoice";
import { canVerify, NotProved } from "./notes";
import { type Proved, verifyContent, verifyProof, verifyShown } from "./proof";
import { type TrustedKeys, useTrustedKeys } from "./trustedKeys";

const WAIT_SECONDS = 20;

interface Props {
  message: string;
  /** What the page shows of the message. */
  entries: readonly object[];
}

/** The proof of one message, and that the page shows what is proved: verified in the browser, by keys that the user chooses. */
export function ProofCard({ message, entries }: Props) {
  const t = useEvidenceTexts();
  const auditor = useHasRole("auditor");
  return (
    <Card withBorder>
      <Stack gap="sm">
        <Title order={2}>{t("proofTitle")}</Title>
        {auditor ? (
          <Verification message={message} entries={entries} />
        ) : (
          <Text size="sm">{t("proofAuditors")}</Text>
        )}
      </Stack>
    </Card>
  );
}

function Verification({ message, entries }: Props) {
  const t = useEvidenceTexts();
  const trusted = useTrustedKeys();
  const [proof, setProof] = useState<unknown>(null);
  const verify = useMutation({
    mutationFn: async () => {
      const document = await readProof(message);
      setProof(document);
      if (!(await canVerify())) return "unable" as const;
      const proved = await verifyProof(document, message, trusted.keys);
      verifyShown(proved.entry, entries);
      return proved;
    },
  });
  const { data, error } = verify;
  return (
    <>
      <Text size="sm" c="dimmed">
        {t("proofPurpose")}
      </Text>
      {entries.length > 1 && <Text size="sm">{t("lastEntry")}</Text>}
      <KeyChoice trusted={trusted} />
      <Group gap="xs">
        <Button
          leftSection={<IconShieldCheck size={16} aria-hidden />}
          loading={verify.isPending || trusted.loading}
          onClick={() => verify.mutate()}
        >
          {t("verify")}
        </Button>
        {proof !== null && <Download proof={proof} name={`proof-${message}.json`} />}
      </Group>
      <div aria-live="polite">
        {error instanceof ApiError && <ErrorState error={error} />}
        {error instanceof NotProved && <Failure error={error} />}
        {data === "unable" && <Notice meaning="attention">{t("cannotVerify").replaceAll("`", "")}</Notice>}
        {data && data !== "unable" && <Success proved={data} trusted={trusted} />}
      </div>
      {data && data !== "unable" && <ContentCheck entry={data.entry} />}
    </>
  );
}

function Success({ proved, trusted }: { proved: Proved; trusted: TrustedKeys }) {
  const t = useEvidenceTexts();
  const { index, checkpoint, key, witnesses, unknownWitnesses } = proved;
  const vouched = trusted.own || witnesses.length > 0;
  return (
    <Notice meaning={vouched ? "healthy" : "attention"} title={t(vouched ? "proved" : "provedServer")}>
      <List size="sm">
        <List.Item>{t("place", { index: index + 1, size: checkpoint.size, key: key.name })}</List.Item>
        {witnesses.map(({ name, at }) => (
          <List.Item key={name}>{t("cosigned", { name, time: formatDateTime(at) })}</List.Item>
        ))}
        {unknownWitnesses.map((name) => (
          <List.Item key={name}>{t("unknownWitness", { name })}</List.Item>
        ))}
        {!vouched && <List.Item>{t("serverKeysMeaning")}</List.Item>}
      </List>
    </Notice>
  );
}

/** Say what evidence does not prove, and what to do. */
export function Failure({ error }: { error: NotProved }) {
  const t = useEvidenceTexts();
  return (
    <Notice meaning="failure" title={t("failed")}>
      <Text size="sm">{t(`reason-${error.reason}`)}</Text>
      {error.reason !== "key" && error.reason !== "digest" && <Text size="sm">{t("failedHelp")}</Text>}
    </Notice>
  );
}

function Download({ proof, name }: { proof: unknown; name: string }) {
  const t = useEvidenceTexts();
  const save = () => saveFile(new Blob([JSON.stringify(proof)], { type: "application/json" }), name);
  return (
    <Anchor component="button" type="button" size="sm" onClick={save}>
      {t("download")}
    </Anchor>
  );
}

function ContentCheck({ entry }: { entry: Record<string, unknown> }) {
  const t = useEvidenceTexts();
  const [salt, setSalt] = useState("");
  const check = useMutation({
    mutationFn: async ({ document, file }: { document: "request" | "answer"; file: File }) => {
      await verifyContent(entry, document, new Uint8Array(await file.arrayBuffer()), salt.trim());
      return file.name;
    },
  });
  return (
    <details>
      <summary>{t("content")}</summary>
      <Stack gap="xs" mt="xs">
        <Text size="sm" c="dimmed">
          {t("contentPurpose")}
        </Text>
        <TextInput
          label={t("salt")}
          value={salt}
          maxLength={32}
          ff="monospace"
          onChange={(event) => setSalt(event.currentTarget.value)}
        />
        <Group gap="xs">
          {(["request", "answer"] as const).map((document) => (
            <FileButton key={document} onChange={(file) => file && check.mutate({ document, file })}>
              {(props) => (
                <Button {...props} size="xs" variant="default" disabled={salt.trim().length !== 32}>
                  {t(`${document}File`)}
                </Button>
              )}
            </FileButton>
          ))}
        </Group>
        {check.data && <Notice meaning="healthy">{t("contentHolds", { file: check.data })}</Notice>}
        {check.error instanceof NotProved && <Failure error={check.error} />}
      </Stack>
    </details>
  );
}

/** Have the browser save a file. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function readProof(message: string): Promise<unknown> {
  return dataOf(
    api.GET("/evidence/messages/{message}/proof", {
      params: { path: { message }, query: { wait: WAIT_SECONDS } },
    }),
  );
}
