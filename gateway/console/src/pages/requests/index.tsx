import { Route, Switch } from "wouter";
import { RequestList } from "./list";
import { RequestPage } from "./request";

/** What citizens ask about reads of the agency. */
export default function Requests() {
  return (
    <Switch>
      <Route path="/">
        <RequestList />
      </Route>
      <Route path="/:number">{({ number }) => <RequestPage number={number} />}</Route>
    </Switch>
  );
}
