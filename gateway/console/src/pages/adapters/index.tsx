import { Route, Switch } from "wouter";
import { EmptyState } from "../../components/PageStates";
import { useCommonTexts } from "../../texts/common";
import { AdapterListPage } from "./AdapterListPage";
import { AdapterPage } from "./AdapterPage";

/** Adapters: all instances, and one instance. */
export default function AdaptersPage() {
  const common = useCommonTexts();
  return (
    <Switch>
      <Route path="/" component={AdapterListPage} />
      <Route path="/:instance">{({ instance }) => <AdapterPage name={decodeURIComponent(instance)} />}</Route>
      <Route>
        <EmptyState title={common("notFound")}>{common("notFoundHelp")}</EmptyState>
      </Route>
    </Switch>
  );
}
