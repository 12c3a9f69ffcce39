import { Button, FileButton, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Notice } from "../components/Notice";
import { useEvidenceTexts } from "../texts/evidence";
import type { TrustedKeys } from "./trustedKeys";

/** Say whose keys a verification trusts, and let the user choose a file of their own. */
export function KeyChoice({ trusted }: { trusted: TrustedKeys }) {
  const t = useEvidenceTexts();
  const [wrong, setWrong] = useState(false);
  const choose = (file: File | null) => {
    if (!file) return;
    trusted.choose(file).then(
      () => setWrong(false),
      () => setWrong(true),
    );
  };
  return (
    <Stack gap="xs">
      <Text size="sm">
        <b>{t("keysFrom")}:</b>{" "}
        {trusted.own ? t("keysPinned", { count: trusted.keys.length }) : t("keysServer")}
      </Text>
      <Group gap="xs">
        <FileButton onChange={choose}>
          {(props) => (
            <Button {...props} size="xs" variant="default">
              {t("chooseKeys")}
            </Button>
          )}
        </FileButton>
        {trusted.own && (
          <Button size="xs" variant="subtle" onClick={trusted.forget}>
            {t("forgetKeys")}
          </Button>
        )}
      </Group>
      {trusted.own && (
        <Text size="xs" c="dimmed">
          {t("keysKept")}
        </Text>
      )}
      {wrong && (
        <Text size="sm" role="alert">
          {t("keysWrong")}
        </Text>
      )}
      {trusted.differing.length > 0 && (
        <Notice meaning="failure">{t("keysDiffer", { names: trusted.differing.join(", ") })}</Notice>
      )}
    </Stack>
  );
}
