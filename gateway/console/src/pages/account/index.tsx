import { Anchor, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, dataOf } from "../../api/client";
import { ApiError } from "../../api/problem";
import { LookControls } from "../../app/LookControls";
import { type Session, useSession } from "../../app/session";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState, ErrorState, LoadingState } from "../../components/PageStates";
import { useRoleTitle } from "../../components/roles";
import { TitleAndCode } from "../../components/TitleAndCode";
import { useAccountTexts } from "../../texts/account";
import { useCommonTexts } from "../../texts/common";
import { useLanguage } from "../../texts/createTexts";
import { Authenticator } from "./Authenticator";
import { Passkeys } from "./Passkeys";
import { PasswordChange } from "./PasswordChange";
import { Section } from "./Section";
import { Sessions } from "./Sessions";

/** How the user signs in, where they are signed in, and how the console looks to them. */
export default function AccountPage() {
  const t = useAccountTexts();
  const common = useCommonTexts();
  const session = useSession();
  if (!session) {
    return (
      <EmptyState title={t("signInFirst")} wholePage>
        <Anchor href="/console/sign-in?return=/console/account">{common("signIn")}</Anchor>
      </EmptyState>
    );
  }
  return (
    <>
      <PageHeader title={t("title")} purpose={t("purpose")} />
      <Stack gap="xl" maw={820}>
        <Who session={session} />
        <SignIn />
        <Sessions />
        <Section title={t("looks")}>
          <Group>
            <LookControls />
          </Group>
        </Section>
      </Stack>
    </>
  );
}

function Who({ session }: { session: NonNullable<Session> }) {
  const t = useAccountTexts();
  const language = useLanguage();
  const roleTitle = useRoleTitle();
  return (
    <Section title={t("who")}>
      <dl className="facts">
        <dt>{t("person")}</dt>
        <dd>{session.person ?? session.principal}</dd>
        <dt>{t("agency")}</dt>
        <dd>
          <TitleAndCode title={session.agencyTitle?.[language]} code={session.agency} />
        </dd>
        <dt>{t("roles")}</dt>
        <dd>{session.roles.map(roleTitle).join(", ") || t("noRoles")}</dd>
      </dl>
    </Section>
  );
}

function SignIn() {
  const t = useAccountTexts();
  const { data, error, refetch } = useQuery({ queryKey: ["own account"], queryFn: readAccount });
  if (error && data === undefined) return <ErrorState error={error} onRetry={refetch} />;
  if (data === undefined) return <LoadingState />;
  if (data === null) {
    return (
      <Section title={t("password")}>
        <Text>{t("otherIssuer")}</Text>
      </Section>
    );
  }
  return (
    <>
      <PasswordChange user={data.user} />
      <Authenticator on={data.authenticator} codes={data.recoveryCodes} />
      <Passkeys passkeys={data.passkeys} />
    </>
  );
}

/** Read the user's account at the bus; null where another issuer has it. */
async function readAccount() {
  try {
    return await dataOf(api.GET("/me/account"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
