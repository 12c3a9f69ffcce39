import { Anchor, FileInput, Group, Progress, Text } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useFormTexts } from "../../texts/forms";
import { upload } from "./upload";

interface Props {
  id: string;
  label: ReactNode;
  title: string;
  description: string | undefined;
  error: string | undefined;
  required: boolean;
  value: string;
  onChange: (value: string | undefined) => void;
}

/** Ask for a file, and upload it at once; the document refers to it. */
export function FileField({ id, label, title, description, error, required, value, onChange }: Props) {
  const t = useFormTexts();
  const [file, setFile] = useState<File | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const [failure, setFailure] = useState("");
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  async function choose(chosen: File | null) {
    running.current?.abort();
    setFile(chosen);
    setFailure("");
    onChange(undefined);
    if (!chosen) return;
    running.current = new AbortController();
    setShare(0);
    try {
      onChange(await upload(chosen, setShare, running.current.signal));
    } catch (reason) {
      if (reason instanceof Error && reason.name !== "AbortError") setFailure(reason.message);
    } finally {
      setShare(null);
    }
  }

  return (
    <div>
      <FileInput
        id={id}
        label={label}
        description={description}
        error={failure || error}
        aria-required={required}
        placeholder={t("file")}
        value={file}
        onChange={choose}
        clearable
      />
      {share !== null && (
        <Group gap="xs" mt={4} role="status">
          <Progress value={share * 100} w={160} aria-label={title} />
          <Text size="xs">{t("uploading", { percent: Math.round(share * 100) })}</Text>
        </Group>
      )}
      {value && file && (
        <Text size="xs" mt={4} role="status">
          {t("uploaded", { name: file.name })} · <Anchor href={value}>{t("openFile")}</Anchor>
        </Text>
      )}
    </div>
  );
}
