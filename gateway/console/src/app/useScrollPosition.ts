import { useEffect, useLayoutEffect, useRef } from "react";
import { useLocation } from "wouter";

/** Where each page stood when it was left; a page that is loaded anew begins at its top. */
const positions = new Map<string, number>();
/** How long a page may load what one had scrolled to. */
const PATIENCE_MS = 5000;

let returned = false;
// Heard of before the router, which draws the page at once: a window calls its listeners in the order in which they came.
for (const kind of ["popstate", "pushState"]) {
  addEventListener(kind, () => {
    returned = kind === "popstate";
  });
}

/**
 * Begin a page at its top when a link leads to it, and where one was when *back* or *forward* does. The browser does neither for pages
 * that are drawn by scripts: it puts a page at its place before there is anything to scroll to.
 */
export function useScrollPosition(): void {
  const [path] = useLocation();
  const first = useRef(true);
  useEffect(() => {
    history.scrollRestoration = "manual";
    const note = () => positions.set(location.pathname, scrollY);
    addEventListener("scroll", note, { passive: true });
    return () => removeEventListener("scroll", note);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each path has a place of its own
  useLayoutEffect(() => {
    const wanted = returned ? (positions.get(location.pathname) ?? 0) : 0;
    returned = false;
    if (first.current) {
      first.current = false;
      return;
    }
    return scrollWhenPossible(wanted);
  }, [path]);
}

/** Scroll to a place as soon as the page is long enough, unless somebody scrolls before. */
function scrollWhenPossible(wanted: number): () => void {
  const end = () => {
    observer.disconnect();
    clearTimeout(timer);
    for (const kind of ["wheel", "touchstart", "keydown"]) removeEventListener(kind, end);
  };
  const observer = new ResizeObserver(() => {
    if (document.documentElement.scrollHeight < wanted + innerHeight) return;
    scrollTo(0, wanted);
    end();
  });
  const timer = setTimeout(end, PATIENCE_MS);
  scrollTo(0, wanted);
  if (Math.abs(scrollY - wanted) < 1) {
    clearTimeout(timer);
    return end;
  }
  for (const kind of ["wheel", "touchstart", "keydown"]) addEventListener(kind, end, { passive: true });
  observer.observe(document.body);
  return end;
}
