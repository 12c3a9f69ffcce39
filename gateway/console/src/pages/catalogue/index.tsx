import { Route, Switch } from "wouter";
import { RequestAccess } from "./RequestAccess";
import { ServiceList } from "./ServiceList";
import { ServicePage } from "./ServicePage";

/** The catalogue: the services that the user may know of, and the contract of one (`/population/v2`). */
export default function CataloguePage() {
  return (
    <Switch>
      <Route path="/:service/:version/request">
        {({ service, version }) => <RequestAccess service={service} major={Number(version.slice(1))} />}
      </Route>
      <Route path="/:service/:version">
        {({ service, version }) => (
          <ServicePage key={`${service} ${version}`} service={service} major={Number(version.slice(1))} />
        )}
      </Route>
      <Route>
        <ServiceList />
      </Route>
    </Switch>
  );
}
