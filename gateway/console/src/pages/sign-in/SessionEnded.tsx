import { Anchor, Modal, Stack, Text, Title } from "@mantine/core";
import { useSignInTexts } from "../../texts/signIn";
import { SignInForm } from "./SignInForm";
import { useSignedInElsewhere } from "./useSignedInElsewhere";

/** Ask a person whose session has ended to sign in again, over the page that they were on, which stays as it is. */
export default function SessionEnded({ onSignedIn }: { onSignedIn: () => void }) {
  const t = useSignInTexts();
  useSignedInElsewhere(onSignedIn);
  return (
    <Modal
      opened
      onClose={() => {}}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      attributes={{ content: { "aria-label": t("endedTitle") } }}
      overlayProps={{ backgroundOpacity: 0.6, blur: 8 }}
      zIndex={400}
    >
      <Stack>
        <Title order={2}>{t("endedTitle")}</Title>
        <Text>{t("endedHelp")}</Text>
        <SignInForm onSignedIn={onSignedIn} returnPath="/console/sign-in/done" keepPage />
        <Anchor size="sm" href="/console/sign-in">
          {t("leave")}
        </Anchor>
      </Stack>
    </Modal>
  );
}
