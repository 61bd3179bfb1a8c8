/** A hull on its slip. */
export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden className="logo">
      <path className="logo-hull" d="M4.5 13.5h23l-3.6 7.4a3 3 0 0 1-2.7 1.7H10.8a3 3 0 0 1-2.7-1.7Z" />
      <path className="logo-sail" d="M15 3.5v8h-7Z" />
      <path className="logo-sail" d="M17 5.5l6.5 6H17Z" />
      <path className="logo-slip" d="M3 26.5 29 24.2v3.3H3Z" />
    </svg>
  );
}
