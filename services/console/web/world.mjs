// The map's shapes, projected once and not in each browser: an SVG path a country by its ISO 3166-1 code, and a point for those too small for one.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { geoEqualEarth, geoPath } from "d3-geo";
import countries from "i18n-iso-countries";
import { feature } from "topojson-client";

const require = createRequire(import.meta.url);
const width = 960;
const height = 430;

function atlas(scale) {
  const topology = JSON.parse(readFileSync(require.resolve(`world-atlas/countries-${scale}.json`), "utf8"));
  // Nobody clicks in Antarctica, and it would take a fifth of the map.
  return feature(topology, topology.objects.countries).features.filter((country) => country.id !== "010");
}

/** world returns {width, height, shapes: {DE: path}, points: {SG: [x, y]}}. */
export function world() {
  const coarse = atlas("110m");
  const projection = geoEqualEarth().fitSize([width, height], { type: "FeatureCollection", features: coarse });
  const path = geoPath(projection).digits(1);
  const shapes = {};
  const points = {};
  for (const country of coarse) {
    const code = country.id && countries.numericToAlpha2(country.id);
    // Territories without a code of their own are drawn, and belong to nobody.
    shapes[code ?? `-${country.properties.name}`] = path(country);
  }
  for (const country of atlas("50m")) {
    const code = country.id && countries.numericToAlpha2(country.id);
    if (code && !shapes[code]) {
      points[code] = path.centroid(country).map((at) => Math.round(at * 10) / 10);
    }
  }
  return { width, height, shapes, points };
}
