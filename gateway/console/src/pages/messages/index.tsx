import { Redirect, Route, Switch } from "wouter";
import { EmptyState } from "../../components/PageStates";
import { useCommonTexts } from "../../texts/common";
import { AcceptedMessages } from "./AcceptedMessages";
import { DeadLetters } from "./DeadLetters";
import { MessagePage } from "./MessagePage";
import { SearchPage } from "./SearchPage";

/** Messages: the search, what was accepted for later, dead letters, and one message. */
export default function MessagesPage() {
  const common = useCommonTexts();
  return (
    <Switch>
      <Route path="/">
        <SearchPage />
      </Route>
      <Route path="/accepted">
        <AcceptedMessages />
      </Route>
      <Route path="/dead-letters">
        <DeadLetters />
      </Route>
      <Route path="/:message">{({ message }) => <OneMessage message={message} />}</Route>
      <Route>
        <EmptyState title={common("notFound")}>{common("notFoundHelp")}</EmptyState>
      </Route>
    </Switch>
  );
}

function OneMessage({ message }: { message: string }) {
  const id = message
    .toLowerCase()
    .replaceAll("%3a", ":")
    .replace(/^urn:uuid:/, "");
  if (id !== message) return <Redirect to={`/${encodeURIComponent(id)}`} replace />;
  return <MessagePage key={id} message={id} />;
}
