// Icons of one weight, drawn here so that none is loaded.

const paths = {
  overview: "M3 12h4l3-7 4 14 3-7h4",
  items: "M4 6h16M4 12h16M4 18h10",
  audience: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6M18.5 14.5c1.8.9 2.8 2.7 3 5.5",
  people: "M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4 21c.7-4.5 3.5-7 8-7s7.3 2.5 8 7",
  companies: "M4 21V5l8-2v18M12 9h8v12M2 21h20M7.5 8v0M7.5 12v0M7.5 16v0M16 13v0M16 17v0",
  surveys: "M4 5h16v11H9l-5 4ZM8.5 9.5h7M8.5 12.5h4",
  courses: "M2.5 9 12 4l9.5 5-9.5 5ZM6.5 11.5V17c3 2.5 8 2.5 11 0v-5.5",
  tasks: "M4 6.5 6 8.5l3-4M4 16.5l2 2 3-4M12.5 6.5H21M12.5 16.5H21",
  searches: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5 21 21M8 10.5h5",
  live: "M12 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM7.5 7.5a6.4 6.4 0 0 0 0 9M16.5 7.5a6.4 6.4 0 0 1 0 9M4.5 4.5a10.6 10.6 0 0 0 0 15M19.5 4.5a10.6 10.6 0 0 1 0 15",
  health: "M12 20.5C5 16 3 12.5 3 9a4.5 4.5 0 0 1 9-1 4.5 4.5 0 0 1 9 1c0 3.5-2 7-9 11.5Z",
  sql: "M4 5.5C4 4 20 4 20 5.5v13c0 1.5-16 1.5-16 0ZM4 5.5C4 7 20 7 20 5.5M4 12c0 1.5 16 1.5 16 0",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6 6 18",
  theme: "M12 3.5v17a8.5 8.5 0 0 0 0-17ZM12 3.5a8.5 8.5 0 0 0 0 17",
  refresh: "M20 11a8 8 0 1 0-2.3 6.5M20 5v6h-6",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 11v5.5M12 7.5v.2",
  copy: "M9 9h11v11H9ZM5 15H4V4h11v1",
  down: "M6 9.5l6 6 6-6",
  out: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  csv: "M12 4v11M7 11l5 5 5-5M5 20h14",
  table: "M4 5h16v14H4ZM4 10h16M4 14.5h16M10 10v9",
  chart: "M4 20V4M4 20h16M8 16v-4M12.5 16V8M17 16v-6",
  pause: "M8 5v14M16 5v14",
  play: "M7 4.5v15l12-7.5Z",
  warn: "M12 4 2.5 20h19ZM12 10v4.5M12 17.2v.2",
  calendar: "M4 6h16v14H4ZM4 10h16M8 3.5V7M16 3.5V7",
  back: "M14.5 5.5 8 12l6.5 6.5",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
