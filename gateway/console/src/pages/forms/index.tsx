import "./forms.css";
import { Route, Switch } from "wouter";
import { FormList } from "./FormList";
import { FormPage } from "./FormPage";

/** Forms for officers of agencies that have no system of their own. */
export default function Page() {
  return (
    <Switch>
      <Route path="/:service/:version/:operation">
        {({ service, version, operation }) => (
          <FormPage
            key={`${service} ${version} ${operation}`}
            service={service}
            major={Number(version.slice(1))}
            operation={operation}
          />
        )}
      </Route>
      <Route>
        <FormList />
      </Route>
    </Switch>
  );
}
