import { Redirect } from "wouter";

/** Lead a link to the request for access to a service on to the form that asks for grants. */
export function RequestAccess({ service, major }: { service: string; major: number }) {
  return <Redirect to={`~/console/access/grants/new?service=${service}/${major}`} replace />;
}
