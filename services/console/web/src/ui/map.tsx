import { useState } from "preact/hooks";
import type { Row } from "../api";
import { count, country, number } from "../format";
import { go, linkHere } from "../route";
import world from "./world.json";

const shapes = Object.entries(world.shapes as Record<string, string>);
const points = Object.entries(world.points as unknown as Record<string, [number, number]>);

/** Shades by the root of the share of the largest: few users are told from none, and many from most. */
const shade = (users: number, most: number) => (users <= 0 ? 0 : Math.min(6, 1 + Math.floor(Math.sqrt(users / most) * 5.999)));

/** Users by country. The table has the same; a click makes the country the audience. */
export default function WorldMap({ rows }: { rows: readonly Row[] }) {
  const [over, setOver] = useState<string>();
  const users = new Map(rows.map((row) => [String(row["value"]), number(row["users"]) || 0]));
  const most = Math.max(...users.values(), 1);
  const unknown = [...users].reduce((sum, [code, n]) => (/^[A-Z]{2}$/.test(code) ? sum : sum + n), 0);
  const handlers = (code: string) => {
    const there = (users.get(code) ?? 0) > 0;
    return {
      class: `land shade-${shade(users.get(code) ?? 0, most)} ${there ? "there" : ""}`,
      onMouseEnter: () => setOver(code.startsWith("-") ? undefined : code),
      onMouseLeave: () => setOver(undefined),
      ...(there && { onClick: () => go(linkHere({ audience: `country:${code}` })) }),
    };
  };
  const top = [...users].filter(([code]) => /^[A-Z]{2}$/.test(code)).slice(0, 5);
  return (
    <div class="map">
      <svg viewBox={`0 0 ${world.width} ${world.height}`} role="img" aria-label={`Users by country, from most: ${top.map(([code, n]) => `${country(code)} ${count(n)}`).join(", ")}. Show as table has every country.`}>
        {shapes.map(([code, path]) => (
          <path key={code} d={path} {...handlers(code)} />
        ))}
        {points.filter(([code]) => users.get(code)).map(([code, [x, y]]) => (
          <circle key={code} cx={x} cy={y} r="4" {...handlers(code)} />
        ))}
      </svg>
      <p class="map-foot small" aria-hidden="true">
        <span class="map-scale">
          0{[1, 2, 3, 4, 5, 6].map((each) => <i key={each} class={`shade-${each}`} />)}
          {count(most)}
        </span>
        <span>{over ? <><b>{country(over)}</b> {count(users.get(over) ?? 0)} users{users.get(over) ? ": click to look at them alone" : ""}</> : unknown > 0 ? `${count(unknown)} users without a country` : "A click looks at one country alone"}</span>
      </p>
    </div>
  );
}
