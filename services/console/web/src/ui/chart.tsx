import { useEffect, useRef, useState } from "preact/hooks";
import { fullDay, show, time, type Unit } from "../format";
import { go, linkHere } from "../route";
import { useStore, store } from "../store";

export interface Series {
  name: string;
  values: readonly (number | null)[];
  unit: Unit;
  tone: 1 | 2 | 3 | 4 | 5;
  kind?: "line" | "area" | "bar";
  /** The span compared with: broken and pale. */
  before?: boolean;
  /** Its scale is at the right. */
  right?: boolean;
}

interface Props {
  /** What the chart shows, for who does not see it. */
  title: string;
  /** Days, or moments. */
  x: readonly string[];
  /** What stands at the same place of the span compared with. */
  xBefore?: readonly string[] | undefined;
  series: readonly Series[];
  moments?: boolean;
  /** The last day is still going on: it is drawn as what it is, a part. */
  open?: boolean;
  height?: "small" | "medium";
}

/** Changes with the theme: what is drawn on a canvas has no style of its own. */
const theme = store(0);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme.set(theme.get() + 1));
new MutationObserver(() => theme.set(theme.get() + 1)).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });

/** The colour that a custom property stands for now, with a share of it to see through. */
function colour(property: string, alpha = 1): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${property})`;
  document.body.append(probe);
  const [r, g, b] = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).map(Number);
  probe.remove();
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

/** One chart over time: lines, areas or stacked bars, with a rate at the right. The figure's table has the same. */
export function Chart(p: Props) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<import("echarts/core").EChartsType>();
  const [ready, setReady] = useState(false);
  const round = useStore(theme);
  useEffect(() => {
    let gone = false;
    let observer: ResizeObserver | undefined;
    void import("./echarts").then(({ init }) => {
      if (!gone && box.current) {
        chart.current = init(box.current, null, { renderer: "canvas" });
        observer = new ResizeObserver(() => chart.current?.resize());
        observer.observe(box.current);
        setReady(true);
      }
    });
    return () => {
      gone = true;
      observer?.disconnect();
      chart.current?.dispose();
    };
  }, []);
  const key = JSON.stringify([p.x, p.xBefore, p.series]);
  useEffect(() => {
    if (ready) {
      chart.current?.setOption(option(p), true);
    }
  }, [ready, key, round]);
  const isSpan = !p.moments && p.x.length > 2;
  return (
    <div class="chart">
      <ul class="legend" aria-hidden="true">
        {p.series.map((each) => (
          <li key={each.name} class={`tone-${each.tone} ${each.before ? "before" : ""} ${each.kind === "bar" ? "bars" : ""}`}>
            {each.name}
          </li>
        ))}
        {isSpan && <li class="hint">Drag across days to look at them alone</li>}
      </ul>
      <div class={`canvas ${p.height ?? "medium"}`} ref={box} onPointerDown={isSpan ? (event) => pick(event, chart.current!, p.x) : undefined} role="img" aria-label={summary(p)} data-drawn={ready} />
    </div>
  );
}

/** pick follows a mouse that is dragged across days, and makes them those that are looked at. The keyboard has the days at the top. */
function pick(down: PointerEvent, chart: import("echarts/core").EChartsType, days: readonly string[]): void {
  const box = down.currentTarget as HTMLElement;
  const left = box.getBoundingClientRect().left;
  const dayAt = (event: PointerEvent) => Math.max(0, Math.min(days.length - 1, Math.round(Number(chart.convertFromPixel({ xAxisIndex: 0 }, event.clientX - left)))));
  if (down.button !== 0 || down.pointerType !== "mouse") {
    return;
  }
  const first = dayAt(down);
  const mark = document.createElement("div");
  mark.className = "picked";
  box.append(mark);
  const ends = (event: PointerEvent) => [first, dayAt(event)].sort((a, b) => a - b) as [number, number];
  const move = (event: PointerEvent) => {
    const [from, to] = ends(event).map((day) => Number(chart.convertToPixel({ xAxisIndex: 0 }, day))) as [number, number];
    mark.style.left = `${from}px`;
    mark.style.width = `${to - from}px`;
  };
  const up = (event: PointerEvent) => {
    removeEventListener("pointermove", move);
    mark.remove();
    const [from, to] = ends(event);
    if (to > from) {
      go(linkHere({ from: days[from], to: days[to] }));
    }
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", up, { once: true });
}

/** What the picture says, in words. */
function summary({ title, x, series, moments }: Props): string {
  const at = (i: number) => (moments ? time(x[i]) : fullDay(x[i]));
  const parts = series.filter((each) => !each.before).map(({ name, values, unit }) => {
    const there = values.flatMap((value, i) => (value === null ? [] : [{ value, i }]));
    const most = there.reduce((a, b) => (b.value > a.value ? b : a), there[0] ?? { value: NaN, i: 0 });
    const least = there.reduce((a, b) => (b.value < a.value ? b : a), there[0] ?? { value: NaN, i: 0 });
    const last = there.at(-1);
    return last ? `${name}: lowest ${show(least.value, unit)} at ${at(least.i)}, highest ${show(most.value, unit)} at ${at(most.i)}, latest ${show(last.value, unit)}.` : `${name}: no values.`;
  });
  return `${title}, ${at(0)} to ${at(x.length - 1)}. ${parts.join(" ")} Show as table has every value.`;
}

function option(p: Props): import("echarts/core").EChartsCoreOption {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const ink = colour("--muted");
  const rule = colour("--rule");
  const axis = (unit: Unit, right: boolean) => ({
    type: "value",
    position: right ? "right" : "left",
    ...(unit === "rate" && { min: 0, ...(right && { max: 1, interval: 0.25 }) }),
    ...(unit === "seconds" && secondsScale(Math.max(...p.series.filter((each) => each.unit === unit).flatMap((each) => each.values.map(Number)).filter(Number.isFinite), 0))),
    splitNumber: 4,
    minInterval: unit === "users" || unit === "plays" || unit === "count" ? 1 : 0,
    axisLabel: { color: ink, fontSize: 11, formatter: (value: number) => show(value, unit) },
    splitLine: { show: !right, lineStyle: { color: rule } },
  });
  const left = p.series.find((each) => !each.right) ?? p.series[0]!;
  const right = p.series.find((each) => each.right);
  const bars = p.series.some((each) => each.kind === "bar");
  return {
    animation: false, // who has waited for a figure wants to see it, and not how it is drawn
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 4, right: 8, top: 12, bottom: 4, containLabel: true },
    xAxis: {
      type: "category",
      data: p.x,
      boundaryGap: bars || p.x.length === 1,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: rule } },
      axisLabel: { color: ink, fontSize: 11, hideOverlap: true, alignMinLabel: bars ? "center" : "left", alignMaxLabel: bars ? "center" : "right", formatter: (value: string) => (p.moments ? time(value).replace(/^.*,\s*/, "") : shortDay(value)) },
    },
    yAxis: right ? [axis(left.unit, false), axis(right.unit, true)] : [axis(left.unit, false)],
    tooltip: {
      trigger: "axis",
      confine: true,
      axisPointer: { type: bars ? "shadow" : "line", lineStyle: { color: ink }, shadowStyle: { color: colour("--rule", 0.35) } },
      backgroundColor: colour("--card"),
      borderColor: rule,
      padding: 0,
      transitionDuration: still ? 0 : 0.15,
      // A node and not text: names come from the account's pages, and the policy forbids styles in markup.
      formatter: (params: { dataIndex: number }[]) => tip(p, params[0]?.dataIndex ?? 0),
    },
    series: p.series.flatMap((each) => {
      const isOpen = !!p.open && !each.before && p.x.length > 1;
      const part = each.values.length - 1;
      const line = colour(`--tone-${each.tone}`, each.before ? 0.55 : 1);
      const whole = {
        name: each.name,
        data: !isOpen ? each.values : each.kind === "bar" ? each.values.map((value, i) => (i === part ? { value, itemStyle: { opacity: 0.5 } } : value)) : each.values.with(part, null),
        yAxisIndex: each.right ? 1 : 0,
        ...(each.kind === "bar"
          ? { type: "bar", stack: "all", barMaxWidth: 26, barCategoryGap: "28%", itemStyle: { color: line } }
          : {
              type: "line",
              symbol: "circle",
              symbolSize: 7,
              // One value between none is no line.
              showSymbol: each.values.filter((value) => value !== null).length === 1,
              connectNulls: false,
              z: each.before ? 1 : 3,
              lineStyle: { color: line, width: each.before ? 1.5 : 2.25, type: each.before ? [4, 4] : "solid" },
              itemStyle: { color: line },
              ...(each.kind === "area" && { areaStyle: { color: { type: "linear", x: 0, y: 0, x2: 0, y2: 1, colorStops: [{ offset: 0, color: colour(`--tone-${each.tone}`, 0.22) }, { offset: 1, color: colour(`--tone-${each.tone}`, 0.01) }] } } }),
            }),
      };
      const rest = { ...whole, areaStyle: undefined, data: each.values.map((value, i) => (i >= part - 1 ? value : null)), lineStyle: { color: line, width: 2.25, type: [2, 4] } };
      return isOpen && each.kind !== "bar" ? [whole, rest] : [whole];
    }),
  };
}

/** An axis of seconds in even steps, five at most. */
function secondsScale(most: number): { interval: number; max: number } {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
  const interval = steps.find((step) => most / step <= 5) ?? 86_400 * Math.ceil(most / 86_400 / 5);
  return { interval, max: Math.max(1, Math.ceil(most / interval)) * interval };
}

const shortDay = (value: string) => fullDay(value).replace(/^\S+,?\s/, "").replace(/,?\s?\d{4}$/, "");

function tip(p: Props, i: number): HTMLElement {
  const box = document.createElement("div");
  box.className = "tip";
  const line = (name: string, text: string, className: string) => {
    const row = box.appendChild(document.createElement("p"));
    row.className = className;
    row.append(Object.assign(document.createElement("span"), { textContent: text ? name : "" }), Object.assign(document.createElement("b"), { textContent: text || name }));
  };
  line(p.moments ? time(p.x[i]) : fullDay(p.x[i]), "", "tip-title");
  for (const each of p.series) {
    const before = each.before && p.xBefore?.[i] ? `${each.name} (${fullDay(p.xBefore[i])})` : each.name;
    const value = show(each.values[i], each.unit);
    line(before, p.open && !each.before && i === p.x.length - 1 ? `${value} so far` : value, `tip-row tone-${each.tone} ${each.before ? "before" : ""}`);
  }
  return box;
}
