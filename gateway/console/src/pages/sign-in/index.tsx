import { Alert, Anchor, Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Route, Switch } from "wouter";
import { api, dataOf } from "../../api/client";
import { ApiError } from "../../api/problem";
import { takeIssuerSignOut } from "../../app/issuerSignOut";
import { tellOtherTabs } from "../../app/sessionEvents";
import { CopyableCode } from "../../components/CopyableCode";
import { ErrorState, LoadingState } from "../../components/PageStates";
import { useSignInTexts } from "../../texts/signIn";
import { AccountCode } from "./AccountCode";
import { Frame } from "./Frame";
import { SignInForm } from "./SignInForm";

/** The pages on which people sign in; they need no other page. */
export default function SignInPages() {
  return (
    <Switch>
      <Route path="/password" component={ChoosePassword} />
      <Route path="/done" component={Done} />
      <Route path="/once" component={Once} />
      <Route component={SignIn} />
    </Switch>
  );
}

function SignIn() {
  const t = useSignInTexts();
  const query = new URLSearchParams(location.search);
  const returnPath = ownPath(query.get("return"));
  const again = query.get("again") === "true";
  const [atIssuer] = useState(takeIssuerSignOut);
  const outcome = useQuery({
    queryKey: ["sign-in outcome"],
    queryFn: () => dataOf(api.GET("/console/sign-in/outcome")),
    staleTime: Number.POSITIVE_INFINITY, // it is told once
  });
  const finish = () => {
    announce();
    location.assign(returnPath);
  };
  return (
    <Frame title={t("title")}>
      {query.has("signed-out") && !outcome.data?.code && (
        <Text role="status">
          {t("signedOut")}{" "}
          {atIssuer && (
            <>
              {t("stillAtIssuer")} <Anchor href={atIssuer}>{t("signOutAtIssuer")}</Anchor>
            </>
          )}
        </Text>
      )}
      {again && !outcome.data?.code && <Text>{t("againHelp")}</Text>}
      {outcome.data?.account && <AccountCode code={outcome.data.account} />}
      {outcome.data?.detail && !outcome.data.account && (
        <Alert role="alert" color="red" title={t("notSignedIn")}>
          {outcome.data.detail}
        </Alert>
      )}
      <SignInForm onSignedIn={finish} returnPath={returnPath} again={again} />
    </Frame>
  );
}

/** Where a sign-in ends that began over another page, in a tab of its own. */
function Done() {
  const t = useSignInTexts();
  useEffect(announce, []);
  return (
    <Frame title={t("done")}>
      <Text>{t("doneHelp")}</Text>
      <Anchor href="/console">{t("openConsole")}</Anchor>
    </Frame>
  );
}

/** Choose a password by the link of an operator, which stands after the # of the address: no server and no log sees it. */
function ChoosePassword() {
  const t = useSignInTexts();
  const [[user, link]] = useState(linkOfAddress);
  const [password, setPassword] = useState("");
  const save = useMutation({
    mutationFn: () => dataOf(api.POST("/console/sign-in/link", { body: { user, link, password } })),
    onSuccess: () => history.replaceState(null, "", location.pathname), // it counts no more
  });
  const fields = save.error instanceof ApiError ? save.error.fields : new Map<string, string>();
  if (save.data) {
    return (
      <Frame title={t("passwordSaved")}>
        <Text>{t(save.data.registered ? "passwordSavedRegistered" : "passwordSavedHelp")}</Text>
        {!save.data.registered && <CopyableCode value={save.data.account} label={t("accountCode")} />}
        <Button component="a" href="/console/sign-in">
          {t("toSignIn")}
        </Button>
      </Frame>
    );
  }
  return (
    <Frame title={t("choosePassword")}>
      {user === "" || link === "" ? (
        <Text role="alert">{t("linkIncomplete")}</Text>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate();
          }}
        >
          <Stack gap="sm">
            <Text>{t("choosePasswordFor", { user })}</Text>
            {save.error && !fields.has("/password") && <ErrorState error={save.error} />}
            <TextInput name="username" autoComplete="username" value={user} readOnly display="none" />
            <PasswordInput
              label={t("newPassword")}
              description={t("newPasswordHelp")}
              name="password"
              autoComplete="new-password"
              autoFocus
              required
              withAsterisk={false}
              visibilityToggleButtonProps={{ "aria-label": t("showPassword") }}
              value={password}
              error={fields.get("/password")}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            <Button type="submit" loading={save.isPending}>
              {t("save")}
            </Button>
          </Stack>
        </form>
      )}
    </Frame>
  );
}

/** Sign in by the link that `lgsp up` has printed; it counts once. */
function Once() {
  const t = useSignInTexts();
  const [link] = useState(() => location.hash.slice(1));
  const { error } = useQuery({
    queryKey: ["once"],
    queryFn: async () => {
      await api.POST("/console/sign-in/once", { body: { link } });
      announce();
      location.replace("/console");
      return true;
    },
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return <Frame title={t("signingIn")}>{error ? <ErrorState error={error} /> : <LoadingState />}</Frame>;
}

/** Let the tabs know that somebody has signed in, whose pages wait for it. */
function announce(): void {
  void dataOf(api.GET("/me")).then((session) => tellOtherTabs({ kind: "session", session }));
}

function linkOfAddress(): [string, string] {
  const [user = "", link = ""] = location.hash.slice(1).split("/");
  return [decodeURIComponent(user), link];
}

/** Return a path of the console or of the citizens' page; `/console` for anything else. */
function ownPath(path: string | null): string {
  return path && /^\/(console|my-data)([/?#][!-[\]-~]*)?$/.test(path) ? path : "/console";
}
