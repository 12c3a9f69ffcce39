import { notifications } from "@mantine/notifications";
import { useCommonTexts } from "../texts/common";

/** Return what says that something was done, beside the page, which goes on. */
export function useDone(): (title: string, message: string) => void {
  const t = useCommonTexts();
  return (title, message) => {
    notifications.show({ color: "teal", title, message, closeButtonProps: { "aria-label": t("close") } });
  };
}
