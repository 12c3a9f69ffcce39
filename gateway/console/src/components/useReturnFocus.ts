import { useLayoutEffect } from "react";

/**
 * Give the focus back to where it was once a dialog is closed; to the page, where that is not there any more.
 *
 * A dialog that is mounted opened and unmounted to close it never tells Mantine's own trap of the focus that it was closed.
 */
export function useReturnFocus(opened: boolean): void {
  useLayoutEffect(() => {
    if (!opened) return;
    const opener = document.activeElement;
    return () => {
      // After the dialog and what its closing changes on the page are gone.
      setTimeout(() => {
        if (document.activeElement && document.activeElement !== document.body) return;
        const back = opener instanceof HTMLElement && opener.isConnected ? opener : null;
        (back ?? document.getElementById("main"))?.focus();
      });
    };
  }, [opened]);
}
