import { Button, Group, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link, Route, Switch, useLocation } from "wouter";
import { useHasRole } from "../../app/session";
import { PageHeader } from "../../components/PageHeader";
import { EmptyState } from "../../components/PageStates";
import { useCommonTexts } from "../../texts/common";
import { useSubscriptionTexts } from "../../texts/subscriptions";
import { EndpointPage } from "./EndpointPage";
import { EndpointList, SubscriptionList } from "./lists";
import { NewEndpoint } from "./NewEndpoint";
import { NewSubscription } from "./NewSubscription";
import { SubscriptionPage } from "./SubscriptionPage";

/** What the systems of an agency receive: subscriptions and webhook endpoints. */
export default function SubscriptionsPage() {
  const t = useSubscriptionTexts();
  const common = useCommonTexts();
  const [location] = useLocation();
  const owns = useHasRole("agency-admin", "developer");
  const ofEndpoints = location.startsWith("/endpoints");
  return (
    <>
      <PageHeader
        title={common("subscriptions")}
        purpose={t("purpose")}
        actions={
          owns && (
            <Button
              component={Link}
              href={ofEndpoints ? "/endpoints/new" : "/new"}
              leftSection={<IconPlus size={16} aria-hidden />}
            >
              {t(ofEndpoints ? "newEndpoint" : "newSubscription")}
            </Button>
          )
        }
      />
      {!owns && (
        <Text size="sm" c="dimmed" mb="sm">
          {t("operatorNote")}
        </Text>
      )}
      <Group component="nav" gap={4} mb="md" aria-label={t("sections")}>
        {[
          { href: "/", text: t("subscriptions"), active: !ofEndpoints },
          { href: "/endpoints", text: t("endpoints"), active: ofEndpoints },
        ].map(({ href, text, active }) => (
          <Button
            key={href}
            component={Link}
            href={href}
            size="xs"
            variant={active ? "light" : "subtle"}
            aria-current={active ? "page" : undefined}
          >
            {text}
          </Button>
        ))}
      </Group>
      <Switch>
        <Route path="/" component={SubscriptionList} />
        <Route path="/new" component={NewSubscription} />
        <Route path="/endpoints" component={EndpointList} />
        <Route path="/endpoints/new" component={NewEndpoint} />
        <Route path="/endpoints/:id">{({ id }) => <EndpointPage key={id} id={id} />}</Route>
        <Route path="/:id">{({ id }) => <SubscriptionPage key={id} id={id} />}</Route>
        <Route>
          <EmptyState title={common("notFound")}>{common("notFoundHelp")}</EmptyState>
        </Route>
      </Switch>
    </>
  );
}
