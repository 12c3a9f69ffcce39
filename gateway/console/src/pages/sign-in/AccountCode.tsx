import { Alert, Stack, Text } from "@mantine/core";
import { IconIdBadge2 } from "@tabler/icons-react";
import { CopyableCode } from "../../components/CopyableCode";
import { useSignInTexts } from "../../texts/signIn";

/** Show the code of an account that is not registered yet, and what its owner does with it. */
export function AccountCode({ code }: { code: string }) {
  const t = useSignInTexts();
  return (
    <Alert role="alert" color="yellow" icon={<IconIdBadge2 aria-hidden />} title={t("notRegistered")}>
      <Stack gap="sm">
        <Text size="sm">{t("notRegisteredHelp")}</Text>
        <CopyableCode value={code} label={t("accountCode")} />
      </Stack>
    </Alert>
  );
}
