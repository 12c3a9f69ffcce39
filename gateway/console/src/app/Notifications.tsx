import { Notifications } from "@mantine/notifications";

/** Where notifications appear. It is not part of the first view: those that are shown before it is there wait in their store. */
export default function NotificationArea() {
  return <Notifications position="bottom-right" />;
}
