import { useEffect, useRef } from "react";

/** Calls again and again while somebody looks, for what the server has no event for: points of a run that still logs. */
export function useEvery(milliseconds: number, isOn: boolean, callback: () => void): void {
  const latest = useRef(callback);
  latest.current = callback;
  useEffect(() => {
    if (!isOn) return;
    const timer = setInterval(() => {
      if (!document.hidden) latest.current();
    }, milliseconds);
    return () => clearInterval(timer);
  }, [isOn, milliseconds]);
}
