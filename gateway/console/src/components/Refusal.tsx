import { Anchor, Stack, Text } from "@mantine/core";
import { ApiError } from "../api/problem";
import { useCommonTexts } from "../texts/common";
import { ErrorState } from "./PageStates";

/** Show why the gateway refused; where it asks for a new sign-in, how to do that without losing what was typed. */
export function Refusal({ error }: { error: Error | null }) {
  const t = useCommonTexts();
  if (!error) return null;
  const asksForSignIn = error instanceof ApiError && error.code === "sign-in-too-old";
  return (
    <Stack gap="xs">
      <ErrorState error={error} />
      {asksForSignIn && (
        <Text size="sm">
          {t("signInAgain")}{" "}
          <Anchor
            href="/console/sign-in?return=%2Fconsole%2Fsign-in%2Fdone&again=true"
            target="_blank"
            rel="noopener"
            underline="always"
          >
            {t("signIn")}
          </Anchor>
        </Text>
      )}
    </Stack>
  );
}
