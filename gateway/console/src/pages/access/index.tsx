import { Button, Group } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { useHasRole } from "../../app/session";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState } from "../../components/PageStates";
import { useAccessTexts } from "../../texts/access";
import { useCommonTexts } from "../../texts/common";
import { useGrantRequestTexts } from "../../texts/grantRequest";
import { Agencies } from "./agencies";
import { Deputies } from "./deputies";
import { DocumentForm } from "./documentForm";
import { Drift } from "./drift";
import { ExpiringGrants } from "./expiring";
import { GrantPage } from "./grant";
import { Grants } from "./grants";
import { History } from "./history";
import { NewGrantPage, REQUESTERS } from "./newGrantPage";
import { Notifications } from "./notifications";
import { PersonPage, Persons } from "./persons";
import { PurposeList } from "./purposes";
import { Requests } from "./requests";
import { SystemPage, Systems } from "./systems";
import { Wizard } from "./wizard";

const SECTIONS = [
  { path: "/requests", text: "forMe", roles: [] },
  { path: "/grants", text: "grants", roles: [] },
  { path: "/expiring", text: "expiring", roles: [] },
  { path: "/systems", text: "systems", roles: [] },
  { path: "/agencies", text: "agencies", roles: [] },
  { path: "/purposes", text: "purposeList", roles: [] },
  { path: "/persons", text: "persons", roles: ["operator", "agency-admin", "auditor"] },
  { path: "/deputies", text: "deputies", roles: ["operator", "agency-admin", "integrator", "developer"] },
  { path: "/drift", text: "drift", roles: [] },
  { path: "/notifications", text: "notifications", roles: [] },
] as const;

/** Who may do what, and what waits for whoever looks. */
export default function Access() {
  const t = useAccessTexts();
  const own = useGrantRequestTexts();
  const administers = useHasRole("operator", "agency-admin");
  const mayAsk = useHasRole(...REQUESTERS);
  return (
    <>
      <PageHeader
        title={t("title")}
        purpose={t("purpose")}
        actions={
          <>
            {mayAsk && (
              <Button component={Link} href="/grants/new" variant="default">
                {own("newGrant")}
              </Button>
            )}
            {administers && (
              <Button component={Link} href="/systems/new" leftSection={<IconPlus size={16} aria-hidden />}>
                {t("newSystem")}
              </Button>
            )}
          </>
        }
      />
      <Sections />
      <Pages />
    </>
  );
}

function Sections() {
  const t = useAccessTexts();
  const [location] = useLocation();
  const seesPersons = useHasRole("operator", "agency-admin", "auditor");
  const sections = SECTIONS.filter(({ path }) => path !== "/persons" || seesPersons);
  return (
    <Group component="nav" gap={2} mb="md" wrap="nowrap" className="sections" aria-label={t("sections")}>
      {sections.map(({ path, text }) => {
        const active = location.startsWith(path);
        return (
          <Button
            key={path}
            component={Link}
            href={path}
            size="xs"
            px={8}
            variant={active ? "light" : "subtle"}
            aria-current={active ? "page" : undefined}
          >
            {t(text)}
          </Button>
        );
      })}
    </Group>
  );
}

function Pages() {
  const t = useCommonTexts();
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/requests" replace />
      </Route>
      <Route path="/requests" component={Requests} />
      <Route path="/grants" component={Grants} />
      <Route path="/grants/new" component={NewGrantPage} />
      <Route path="/grants/:name">{({ name }) => <GrantPage key={name} name={name} />}</Route>
      <Route path="/expiring" component={ExpiringGrants} />
      <Route path="/systems" component={Systems} />
      <Route path="/systems/new/:step?">{({ step }) => <Wizard step={step ?? ""} />}</Route>
      <Route path="/systems/:name">{({ name }) => <SystemPage key={name} name={name} />}</Route>
      <Route path="/agencies" component={Agencies} />
      <Route path="/agencies/new">
        <DocumentForm key="new" kind="agencies" />
      </Route>
      <Route path="/agencies/:name/edit">
        {({ name }) => <DocumentForm key={name} kind="agencies" name={name} />}
      </Route>
      <Route path="/systems/:name/edit">
        {({ name }) => <DocumentForm key={name} kind="systems" name={name} />}
      </Route>
      <Route path="/purposes" component={PurposeList} />
      <Route path="/purposes/new">
        <DocumentForm key="new" kind="purposes" />
      </Route>
      <Route path="/purposes/:name/edit">
        {({ name }) => <DocumentForm key={name} kind="purposes" name={name} />}
      </Route>
      <Route path="/persons" component={Persons} />
      <Route path="/persons/new">
        <DocumentForm key="new" kind="persons" />
      </Route>
      <Route path="/persons/:name/edit">
        {({ name }) => <DocumentForm key={name} kind="persons" name={name} />}
      </Route>
      <Route path="/persons/:name">{({ name }) => <PersonPage key={name} name={name} />}</Route>
      <Route path="/deputies" component={Deputies} />
      <Route path="/drift" component={Drift} />
      <Route path="/notifications" component={Notifications} />
      <Route path="/history/:kind/:name">{({ kind, name }) => <History kind={kind} name={name} />}</Route>
      <Route>
        <EmptyState title={t("notFound")}>{t("notFoundHelp")}</EmptyState>
      </Route>
    </Switch>
  );
}
