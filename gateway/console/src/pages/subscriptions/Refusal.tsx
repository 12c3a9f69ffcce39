import { Anchor, Stack, Text } from "@mantine/core";
import { ApiError } from "../../api/problem";
import { ErrorState } from "../../components/PageStates";
import { useCommonTexts } from "../../texts/common";
import { useSubscriptionTexts } from "../../texts/subscriptions";

/** Show why the gateway refused; where it asks for a new sign-in, how to do that without losing what was typed. */
export function Refusal({ error }: { error: Error | null }) {
  const t = useSubscriptionTexts();
  const common = useCommonTexts();
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
            {common("signIn")}
          </Anchor>
        </Text>
      )}
    </Stack>
  );
}
