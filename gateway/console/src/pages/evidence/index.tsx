import { Tabs } from "@mantine/core";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { PageHeader } from "../../components/PageHeader";
import { useCommonTexts } from "../../texts/common";
import { useEvidenceTexts } from "../../texts/evidence";
import { Logs } from "./Logs";
import { Reports } from "./Reports";

/** Evidence: the logs and who vouches for them, and the figures that the operator reports. */
export default function EvidencePage() {
  const t = useEvidenceTexts();
  const common = useCommonTexts();
  const [location, navigate] = useLocation();
  return (
    <>
      <div className="no-print">
        <PageHeader title={common("evidence")} purpose={t("purpose")} />
        <Tabs
          value={location === "/reports" ? "reports" : "logs"}
          onChange={(chosen) => navigate(chosen === "reports" ? "/reports" : "/")}
          mb="md"
        >
          <Tabs.List aria-label={t("sections")}>
            <Tabs.Tab value="logs">{t("logs")}</Tabs.Tab>
            <Tabs.Tab value="reports">{t("reports")}</Tabs.Tab>
          </Tabs.List>
        </Tabs>
      </div>
      <Switch>
        <Route path="/">
          <Logs />
        </Route>
        <Route path="/reports">
          <Reports />
        </Route>
        <Route>
          <Redirect to="/" replace />
        </Route>
      </Switch>
    </>
  );
}
