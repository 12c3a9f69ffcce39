import { useEffect, useRef } from "react";

/** Call a function when somebody has signed in in another tab of this browser: when that tab says so, or this one is looked at again. */
export function useSignedInElsewhere(onSignedIn: () => void): void {
  const current = useRef(onSignedIn);
  current.current = onSignedIn;
  useEffect(() => {
    const look = () => current.current();
    const channel = new BroadcastChannel("lgsp-session");
    channel.onmessage = ({ data }) => {
      if (data.kind === "session") look();
    };
    window.addEventListener("focus", look);
    return () => {
      channel.close();
      window.removeEventListener("focus", look);
    };
  }, []);
}
