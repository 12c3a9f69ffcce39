import { useEffect } from "react";
import { flushSync } from "react-dom";

/**
 * Forget what a page holds when it is left, however that happens: a browser may keep a page that was left as it was, and show it again
 * when somebody presses the back button.
 */
export function useForgetOnLeave(forget: () => void): void {
  useEffect(() => {
    const leave = () => flushSync(forget);
    window.addEventListener("pagehide", leave);
    return () => window.removeEventListener("pagehide", leave);
  }, [forget]);
}
