import { Alert, Button, Divider, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { IconFingerprint } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, dataOf, type Schemas } from "../../api/client";
import { ApiError } from "../../api/problem";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { useLanguage } from "../../texts/createTexts";
import { useSignInTexts } from "../../texts/signIn";
import { AccountCode } from "./AccountCode";
import { NoPasskeyError, passkeysWork, showPasskey } from "./passkeys";

interface Props {
  onSignedIn: () => void;
  /** The path to come back to from an issuer. */
  returnPath: string;
  /** Sign in with an issuer in another tab, so that this page stays as it is. */
  keepPage?: boolean;
  /** Have the issuer ask for the credentials, also where the user is signed in there. */
  again?: boolean;
}

/** Sign in: with one of the issuers, by a passkey, or by a password. */
export function SignInForm({ onSignedIn, returnPath, keepPage = false, again = false }: Props) {
  const t = useSignInTexts();
  const { data, error, refetch } = useQuery({
    queryKey: ["issuers"],
    queryFn: () => dataOf(api.GET("/oauth2/issuers")),
  });
  if (error && !data) return <ErrorState error={error} onRetry={refetch} />;
  if (!data) return <LoadingState />;
  if (data.items.length === 0 && !data.localUsers) return <Text>{t("nothingConfigured")}</Text>;
  return (
    <Stack gap="md">
      {data.items.map((one) => (
        <IssuerLink key={one.issuer} issuer={one} returnPath={returnPath} keepPage={keepPage} again={again} />
      ))}
      {data.localUsers && (
        <>
          {data.items.length > 0 && <Divider label={t("or")} />}
          <LocalSignIn onSignedIn={onSignedIn} />
        </>
      )}
    </Stack>
  );
}

function IssuerLink({
  issuer,
  returnPath,
  keepPage,
  again,
}: {
  issuer: Schemas["SignInIssuerList"]["items"][number];
  returnPath: string;
  keepPage: boolean;
  again: boolean;
}) {
  const t = useSignInTexts();
  const language = useLanguage();
  const title = issuer.title?.[language] ?? new URL(issuer.issuer).host;
  const query = new URLSearchParams({
    issuer: issuer.issuer,
    return: returnPath,
    ...(again ? { again: "true" } : {}),
  });
  return (
    <Button
      component="a"
      href={`/console/sign-in/issuer?${query}`}
      fullWidth
      styles={{
        root: { height: "auto", minHeight: 42 },
        label: { height: "auto", whiteSpace: "normal", paddingBlock: 8 },
      }}
      {...(keepPage ? { target: "_blank", rel: "opener" } : {})}
    >
      {t("withIssuer", { issuer: title })}
      {keepPage && ` (${t("inNewTab")})`}
    </Button>
  );
}

function LocalSignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const t = useSignInTexts();
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const byPassword = useMutation({
    mutationFn: () => api.POST("/console/sign-in/password", { body: { user, password, code } }),
    onSuccess: onSignedIn,
  });
  const byPasskey = useMutation({ mutationFn: signInByPasskey, onSuccess: onSignedIn });
  const problem = byPassword.error instanceof ApiError ? byPassword.error : null;
  const codeNeeded =
    problem?.code === "second-factor-required" || problem?.fields.has("/code") || code !== "";
  const account = accountOf(byPassword.error) ?? accountOf(byPasskey.error);
  if (account) {
    return (
      <Stack gap="sm">
        <AccountCode code={account} />
        <Button
          variant="default"
          onClick={() => {
            byPassword.reset();
            byPasskey.reset();
          }}
        >
          {t("toSignIn")}
        </Button>
      </Stack>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        byPasskey.reset();
        byPassword.mutate();
      }}
    >
      <Stack gap="sm">
        {problem && problem.code !== "second-factor-required" && !problem.fields.has("/code") && (
          <ErrorState error={problem} />
        )}
        {byPasskey.error && <PasskeyProblem error={byPasskey.error} />}
        <TextInput
          label={t("user")}
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          withAsterisk={false}
          autoFocus
          value={user}
          onChange={(event) => setUser(event.currentTarget.value)}
        />
        <PasswordInput
          label={t("password")}
          name="password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          visibilityToggleButtonProps={{ "aria-label": t("showPassword") }}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {codeNeeded && (
          <TextInput
            label={t("code")}
            description={t("codeHelp")}
            name="code"
            autoComplete="one-time-code"
            autoFocus
            required
            withAsterisk={false}
            value={code}
            error={problem?.fields.get("/code")}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
        )}
        <Button type="submit" fullWidth loading={byPassword.isPending}>
          {t("title")}
        </Button>
        {passkeysWork() && (
          <Button
            variant="default"
            fullWidth
            leftSection={<IconFingerprint size={18} aria-hidden />}
            loading={byPasskey.isPending}
            onClick={() => {
              byPassword.reset();
              byPasskey.mutate();
            }}
          >
            {t("passkey")}
          </Button>
        )}
      </Stack>
    </form>
  );
}

function PasskeyProblem({ error }: { error: Error }) {
  const t = useSignInTexts();
  if (!(error instanceof NoPasskeyError)) return <ErrorState error={error} />;
  return (
    <Alert role="alert" color="yellow">
      {t("passkeyStopped")}
    </Alert>
  );
}

async function signInByPasskey(): Promise<void> {
  const begun = await dataOf(api.POST("/console/sign-in/passkey/options"));
  const credential = await showPasskey(begun.options);
  await api.POST("/console/sign-in/passkey", { body: { state: begun.state, credential } });
}

function accountOf(error: Error | null): string | undefined {
  return error instanceof ApiError ? error.document.account : undefined;
}
