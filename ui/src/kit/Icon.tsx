/** Drawn for a 16 × 16 grid with a 1.5 stroke in the text's colour. */
const drawings = {
  home: "M2.5 7.5 8 3l5.5 4.5M4 6.5V13h8V6.5M6.8 13V9.5h2.4V13",
  dataset:
    "M3 4.2C3 3 5.2 2.2 8 2.2s5 .8 5 2v7.6c0 1.2-2.2 2-5 2s-5-.8-5-2ZM3 4.2c0 1.2 2.2 2 5 2s5-.8 5-2M3 8c0 1.2 2.2 2 5 2s5-.8 5-2",
  label: "M2.5 2.5h5l6 6-5 5-6-6ZM5.2 5.2h.01",
  experiment: "M6 2.2h4M6.8 2.2v4L3 12.3c-.4.8.1 1.5 1 1.5h8c.9 0 1.4-.7 1-1.5L9.2 6.2v-4M4.8 9.6h6.4",
  model: "M8 1.8l5.5 3v6.4L8 14.2l-5.5-3V4.8ZM2.5 4.8 8 8l5.5-3.2M8 8v6.2",
  pipeline: "M2 3h4v3H2ZM10 3h4v3h-4ZM6 4.5h4M6 10.5h4v3H6ZM12 6v3H8v1.5M4 6v3h4",
  endpoint: "M8 2v4M5 4.3a5 5 0 1 0 6 0M8 9.5h.01",
  monitor: "M1.8 8.5h2.7l1.8-5 3 9 1.9-4h3",
  lineage:
    "M3.8 2.2a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2ZM12.2 6.4a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2ZM3.8 10.6a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2ZM5.4 4.2c3 .4 2.4 3.4 5.2 3.8M5.4 11.8c3-.4 2.4-3.4 5.2-3.8",
  ledger: "M3.5 2.2h9v11.6h-9ZM6 5h4M6 8h4M6 11h2.5",
  admin:
    "M8 5.7a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6ZM8 1.8v1.7M8 12.5v1.7M1.8 8h1.7M12.5 8h1.7M3.6 3.6l1.2 1.2M11.2 11.2l1.2 1.2M3.6 12.4l1.2-1.2M11.2 4.8l1.2-1.2",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.4 10.4l3.1 3.1",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  check: "M3 8.5l3.2 3.2L13 4.8",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  "chevron-down": "M4 6l4 4 4-4",
  "chevron-right": "M6 4l4 4-4 4",
  "chevron-left": "M10 4 6 8l4 4",
  "chevron-up": "M4 10l4-4 4 4",
  "arrow-up": "M8 13V3M4 7l4-4 4 4",
  "arrow-down": "M8 3v10M4 9l4 4 4-4",
  "arrow-right": "M3 8h10M9 4l4 4-4 4",
  sun:
    "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9",
  moon: "M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6Z",
  contrast: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2ZM8 2.2v11.6M8 5h4.5M8 8h5.7M8 11h4.5",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  filter: "M2.5 3.5h11L9.5 8.3v4.2l-3-1.5V8.3Z",
  columns: "M2.5 3h11v10h-11ZM6.2 3v10M9.8 3v10",
  pin: "M6 2.5h4l-.5 4 2 2v1h-7v-1l2-2ZM8 9.5v4",
  copy: "M5.5 5.5h8v8h-8ZM10.5 5.5v-3h-8v8h3",
  download: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.2h10",
  upload: "M8 10.2V2.7M4.8 5.9 8 2.7l3.2 3.2M3 13.2h10",
  external: "M6.5 3.5h-3v9h9v-3M9 3h4v4M13 3 7.5 8.5",
  edit: "M3 13l.6-2.8 7.2-7.2 2.2 2.2L5.8 12.4ZM9.5 4.3l2.2 2.2",
  trash: "M3 4.5h10M6 4.5v-2h4v2M4.3 4.5l.6 9h6.2l.6-9M6.7 7v4M9.3 7v4",
  refresh: "M13 8a5 5 0 1 1-1.5-3.6L13 6M13 2.7V6H9.7",
  play: "M5 3.2v9.6L12.5 8Z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  stop: "M4 4h8v8H4Z",
  clock: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2ZM8 4.8V8l2.2 1.6",
  warning: "M8 2.5l6 11H2ZM8 6.7v3M8 11.6h.01",
  error: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2ZM8 5v3.6M8 10.9h.01",
  info: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2ZM8 7.2V11M8 5.1h.01",
  lock: "M4 7.2h8v6.3H4ZM5.6 7.2V5a2.4 2.4 0 0 1 4.8 0v2.2",
  user: "M8 3a2.4 2.4 0 1 1 0 4.8A2.4 2.4 0 0 1 8 3ZM3.2 13.4c.4-2.4 2.3-3.8 4.8-3.8s4.4 1.4 4.8 3.8",
  folder: "M2 4h4.4l1.2 1.5H14V13H2Z",
  file: "M4 2.2h5l3 3v8.6H4ZM9 2.2v3h3",
  table: "M2.5 3h11v10h-11ZM2.5 6.3h11M2.5 9.7h11M6.5 6.3V13",
  chart: "M2.5 2.5v11h11M5 10.5l2.6-3.2 2 1.6 3.4-4.4",
  image: "M2.5 3h11v10h-11ZM2.5 11l3.2-3.4 2.6 2.6 1.7-1.6 3.5 3M10.3 5.9h.01",
  code: "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5",
  branch:
    "M4.5 2.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3ZM4.5 10.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3ZM11.5 4.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3ZM4.5 5.5v5M11.5 7.5c0 2.5-3.6 2-6.2 3.4",
  tag: "M2.5 2.5h5l6 6-5 5-6-6ZM5.2 5.2h.01",
  link: "M6.8 9.2l2.4-2.4M7.2 4.8l1.6-1.6a2.8 2.8 0 0 1 4 4l-1.6 1.6M8.8 11.2l-1.6 1.6a2.8 2.8 0 0 1-4-4l1.6-1.6",
  expand: "M9.5 2.5h4v4M13.5 2.5 9 7M6.5 13.5h-4v-4M2.5 13.5 7 9",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  sort: "M5 3v10M2.5 10.5 5 13l2.5-2.5M11 13V3M8.5 5.5 11 3l2.5 2.5",
  target: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2ZM8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM8 8h.01",
  source: "M2.5 8h7M6.5 5l3 3-3 3M9 2.8h4.5v10.4H9",
  bell: "M4 11V7a4 4 0 0 1 8 0v4l1.2 1.2H2.8ZM6.8 13.8h2.4",
  swap: "M3 5.5h9.5M10 3l2.5 2.5L10 8M13 10.5H3.5M6 8l-2.5 2.5L6 13",
  eye:
    "M1.8 8C3.4 5.2 5.5 3.8 8 3.8s4.6 1.4 6.2 4.2c-1.6 2.8-3.7 4.2-6.2 4.2S3.4 10.8 1.8 8ZM8 6.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6Z",
  help:
    "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2ZM6.2 6.4c0-1 .8-1.7 1.8-1.7s1.8.6 1.8 1.6c0 1.3-1.8 1.3-1.8 2.6M8 11.2h.01",
  command: "M2.8 4.2 6 8l-3.2 3.8M7.5 12h5.7",
  fleet: "M2 10.5h12l-1.6 3H3.6ZM8 2v8.5M8 3l4 5.5H8",
} as const;

export type IconName = keyof typeof drawings;

export interface IconProps {
  name: IconName;
  /** In px. */
  size?: number;
  className?: string;
  /** Read by screen readers; without it the icon is an ornament. */
  label?: string;
}

export function Icon({ name, size = 16, className, label }: IconProps) {
  return (
    <svg
      className={className ? `icon ${className}` : "icon"}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      role={label ? "img" : undefined}
      aria-label={label}
      aria-hidden={label ? undefined : true}
    >
      <path d={drawings[name]} />
    </svg>
  );
}
