"use strict";

// Tables: a click on a heading sorts by its column, numbers as numbers.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const first = Array.from(body.rows);
  Array.from(table.tHead.rows[0].cells).forEach((cell, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = cell.textContent || "\u2195";
    if (!cell.textContent) button.className = "unnamed";
    button.title = "sort by this column";
    cell.textContent = "";
    cell.append(button);
    let direction = 0;
    button.addEventListener("click", () => {
      direction = direction === 1 ? -1 : direction === -1 ? 0 : 1;
      const key = (row) => row.cells[column] ? row.cells[column].textContent.replace(/,/g, "") : "";
      const rows = first.slice();
      if (direction !== 0) {
        rows.sort((a, b) => {
          const x = parseFloat(key(a)), y = parseFloat(key(b));
          const order = isNaN(x) || isNaN(y) ? key(a).localeCompare(key(b)) : x - y;
          return direction * order;
        });
      }
      cell.setAttribute("aria-sort", direction === 0 ? "none" : direction === 1 ? "ascending" : "descending");
      body.append(...rows);
    });
  });
}

// Charts: what a place says is shown where a person points, and read out where
// the arrow keys lead. Without this script the browser shows the same as titles.
const pointAt = (() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  tip.setAttribute("aria-live", "polite");
  document.body.append(tip);
  let here = null;

  function hide() {
    if (here) here.node.classList.remove("here");
    here = null;
    tip.classList.remove("shown");
    tip.textContent = "";
  }

  function show(place) {
    if (place === here) return;
    hide();
    here = place;
    place.node.classList.add("here");
    tip.textContent = place.text;
    tip.classList.add("shown");
    const box = place.node.getBoundingClientRect(), wide = document.documentElement.clientWidth;
    const x = Math.min(Math.max(box.left + box.width / 2 - tip.offsetWidth / 2, 4), wide - tip.offsetWidth - 4);
    const above = box.top - tip.offsetHeight - 8;
    tip.style.left = x + window.scrollX + "px";
    tip.style.top = (above > 0 ? above : box.bottom + 8) + window.scrollY + "px";
  }

  // The nearest place within a finger's width; of those that hold the point the
  // smallest.
  function nearest(places, event) {
    let best = null, least = Infinity;
    for (const place of places) {
      const b = place.node.getBoundingClientRect();
      const dx = Math.max(b.left - event.clientX, 0, event.clientX - b.right), dy = Math.max(b.top - event.clientY, 0, event.clientY - b.bottom);
      const away = Math.hypot(dx, dy) + b.width * b.height * 1e-6;
      if (away < Math.min(least, 16)) {
        best = place;
        least = away;
      }
    }
    return best;
  }

  return (svg) => {
    const places = Array.from(svg.querySelectorAll(".values > *"), (node) => {
      const title = node.querySelector("title");
      const text = title.textContent;
      title.remove(); // or the browser would show it, too
      return { node, text };
    });
    const title = svg.querySelector(":scope > title");
    if (title) {
      svg.setAttribute("aria-label", title.textContent);
      title.remove();
    }
    if (places.length === 0) return;
    svg.querySelector(".values").style.pointerEvents = "none"; // or they would keep text from being selected
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("role", "application");
    svg.setAttribute("aria-roledescription", "chart; arrow keys read its values");
    let at = -1;
    for (const kind of ["pointermove", "pointerdown"]) { // a finger does not hover
      svg.addEventListener(kind, (event) => {
        const place = nearest(places, event);
        if (!place) return hide();
        at = places.indexOf(place);
        show(place);
      });
    }
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") return hide();
      if (event.key === "Home") at = 0;
      else if (event.key === "End") at = places.length - 1;
      else if (step) at = Math.min(Math.max(at + step, 0), places.length - 1);
      else return;
      event.preventDefault();
      show(places[at]);
    });
  };
})();
for (const svg of document.querySelectorAll(".picture svg")) pointAt(svg);

// The grid in which a person moves the settings.
(() => {
  const grid = JSON.parse(document.getElementById("grid").textContent);
  if (!grid) return;
  for (const table of grid.tables) {
    for (const kind of ["liveness", "readiness"]) {
      table[kind] = table[kind].map(([periodSeconds, timeoutSeconds, failureThreshold, atMost, p99Seconds]) =>
        ({ periodSeconds, timeoutSeconds, failureThreshold, atMost, p99Seconds }));
    }
  }
  const controls = document.getElementById("controls");
  const outcome = document.getElementById("outcome");
  const numbers = document.getElementById("numbers");
  const scatter = document.getElementById("scatter");
  const fields = ["periodSeconds", "timeoutSeconds", "failureThreshold"];
  const state = { table: 0, liveness: grid.liveness, readiness: grid.readiness };

  // Nobody is helped by how much rarer than once in a million years.
  const least = 1e-6;
  const rate = (x) => x > 0 ? Math.max(x, least) : x;
  const rounded = (x) => {
    if (x === null || x === undefined) return "without bound";
    if (x === 0) return "0";
    if (x === least) return "1 in a million";
    if (x >= 1000) return Math.round(Number(x.toPrecision(3))).toLocaleString("en");
    return x < 1e-3 ? x.toExponential(1) : String(Number(x.toPrecision(3)));
  };
  const values = (kind, field) => Array.from(new Set(grid.tables[state.table][kind].map((e) => e[field]))).sort((a, b) => a - b);
  const find = (kind) => state[kind] && grid.tables[state.table][kind].find((e) => fields.every((f) => e[f] === state[kind][f]));

  function slider(kind, field) {
    const options = values(kind, field);
    const label = document.createElement("label");
    const shown = document.createElement("output");
    const input = document.createElement("input");
    input.type = "range";
    input.id = kind + "-" + field;
    input.min = 0;
    input.max = options.length - 1;
    input.value = Math.max(0, options.indexOf(state[kind][field]));
    const show = () => {
      shown.textContent = String(state[kind][field]);
      input.setAttribute("aria-valuetext", state[kind][field] + (field === "failureThreshold" ? "" : " seconds"));
    };
    input.addEventListener("input", () => {
      state[kind] = { ...state[kind], [field]: options[Number(input.value)] };
      show();
      update();
    });
    input.setAttribute("aria-label", kind + "Probe." + field);
    label.append(field + " ", shown, input);
    show();
    return label;
  }

  function sliders(kind) {
    const group = document.createElement("fieldset"), legend = document.createElement("legend");
    legend.textContent = kind + "Probe";
    group.append(legend, ...fields.map((field) => slider(kind, field)));
    return group;
  }

  function limits() {
    if (grid.tables.length < 2) return [];
    const group = document.createElement("fieldset"), legend = document.createElement("legend");
    const label = document.createElement("label");
    const select = document.createElement("select");
    select.id = "cpu-limit";
    legend.textContent = "resources";
    grid.tables.forEach((t, i) => select.add(new Option((t.cpuLimit || "none") + (i === 0 ? " (now)" : ""), i)));
    select.addEventListener("change", () => {
      state.table = Number(select.value);
      update();
    });
    label.append("CPU limit", select);
    group.append(legend, label);
    return [group];
  }

  function verdict(value, most) {
    if (!most || value === null || value === undefined) return "";
    return value <= most ? " (meets " + rounded(most) + ")" : " (misses " + rounded(most) + ")";
  }

  // The three numbers of the page's head, for the settings as they stand.
  function tile(name, value, unit, most) {
    const box = document.createElement("div"), dt = document.createElement("dt"), dd = document.createElement("dd"), strong = document.createElement("strong");
    dt.textContent = name;
    if (value === undefined) strong.textContent = "not predicted";
    else if (value === null) strong.textContent = "never";
    else {
      strong.textContent = rounded(value) + unit;
      if (most) strong.className = value <= most ? "better" : "worse";
    }
    dd.append(strong);
    if (most) dd.append(" (objective: " + rounded(most) + unit + ")");
    box.append(dt, dd);
    return box;
  }

  function tiles(live, ready) {
    // Whatever comes first takes a hung pod out: its removal from the endpoints, or its kill.
    const known = [live, ready].filter((e) => e).map((e) => e.p99Seconds), ends = known.filter((s) => s !== null);
    const removal = known.length === 0 ? undefined : ends.length === 0 ? null : Math.min(...ends);
    const none = !state.liveness; // nothing kills, and nothing detects
    numbers.replaceChildren(
      tile("False kills of a serving pod, per year, at most", live ? rate(live.atMost) : none ? 0 : undefined, "", grid.mostFalseKillsPerYear),
      tile("99 of 100 hangs detected within", live ? live.p99Seconds : none ? null : undefined, " s", grid.mostDetectionSeconds),
      tile("99 of 100 hung pods out of traffic within", removal, " s", grid.mostRemovalSeconds));
  }

  function update() {
    const parts = [];
    const live = find("liveness");
    if (live) {
      parts.push("false kills of a serving pod per year: at most " + rounded(rate(live.atMost)) + verdict(live.atMost, grid.mostFalseKillsPerYear));
      parts.push(live.p99Seconds === null ? "a hang is never detected" : "99 of 100 hangs detected within " + rounded(live.p99Seconds) + " s" + verdict(live.p99Seconds, grid.mostDetectionSeconds));
    } else if (state.liveness) {
      parts.push("no prediction for this liveness setting: the timeout is longer than the period, or the period was not observed");
    }
    const ready = find("readiness");
    if (ready) {
      parts.push(ready.p99Seconds === null ? "a hung pod is never taken out of the endpoints by readiness" : "99 of 100 hung pods out of the endpoints within " + rounded(ready.p99Seconds) + " s" + verdict(ready.p99Seconds, grid.mostRemovalSeconds));
      parts.push("false removals per year: at most " + rounded(rate(ready.atMost)));
    } else if (state.readiness) {
      parts.push("no prediction for this readiness setting: the timeout is longer than the period, or the period was not observed");
    }
    outcome.textContent = parts.join("; ") + ".";
    tiles(live, ready);
    draw(live);
  }

  // The scatter, drawn with the page's own colours. Rates below the axis stand
  // on it.
  const svg = (name, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    return node;
  };

  function draw(selected) {
    const placed = (table) => table.liveness.filter((e) => e.p99Seconds !== null && e.atMost !== null);
    const entries = placed(grid.tables[state.table]);
    scatter.textContent = "";
    if (entries.length === 0) return;
    const width = Math.max(340, Math.min(scatter.clientWidth, 980)), height = 320, left = 64, right = 26, top = 16, bottom = 44;
    const all = grid.tables.flatMap(placed); // the axes stay where they are when the limit changes
    const xs = all.map((e) => e.p99Seconds), ys = all.map((e) => Math.max(least, e.atMost));
    const low = Math.log10(Math.min(...xs)), high = Math.log10(Math.max(...xs));
    const down = Math.log10(Math.min(...ys)), up = Math.max(Math.log10(Math.max(...ys)), down + 1);
    const x = (v) => left + (Math.log10(v) - low) / (high - low || 1) * (width - left - right);
    const y = (v) => height - bottom - (Math.log10(Math.max(least, v)) - down) / (up - down) * (height - top - bottom);
    const picture = svg("svg", { viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": "settings of the liveness probe: detection against false kills" });
    const dots = svg("g", { class: "values" });
    if (grid.mostDetectionSeconds && grid.mostFalseKillsPerYear) {
      const right = Math.min(x(grid.mostDetectionSeconds), width), above = Math.max(y(grid.mostFalseKillsPerYear), top);
      if (right > left && above < height - bottom) {
        picture.append(svg("rect", { x: left, y: above, width: right - left, height: height - bottom - above, fill: "#009e73", "fill-opacity": 0.12 }));
        picture.append(svg("text", { x: left + 6, y: above + 14, "font-size": 11, fill: "#00614a" }, "meets the objectives"));
      }
    }
    for (const e of entries) {
      const dot = svg("circle", { cx: x(e.p99Seconds), cy: y(e.atMost), r: 2.2, fill: "#56b4e9" });
      dot.append(svg("title", {}, "every " + e.periodSeconds + " s, timeout " + e.timeoutSeconds + " s, " + e.failureThreshold + " failures: " + rounded(e.p99Seconds) + " s, at most " + rounded(rate(e.atMost)) + " a year"));
      dots.append(dot);
    }
    picture.append(dots);
    // The settings that no others beat in both.
    const front = [];
    for (const e of entries.slice().sort((a, b) => a.p99Seconds - b.p99Seconds || a.atMost - b.atMost)) {
      if (front.length === 0 || e.atMost < front[front.length - 1].atMost) front.push(e);
    }
    picture.append(svg("polyline", { id: "front", points: front.map((e) => x(e.p99Seconds).toFixed(1) + "," + y(e.atMost).toFixed(1)).join(" "), fill: "none", stroke: "#444", "stroke-width": 1.5 }));
    for (let tick = Math.ceil(down); tick <= up; tick += Math.max(1, Math.ceil((up - down) / 6))) {
      picture.append(svg("text", { x: left - 8, y: y(10 ** tick) + 4, "text-anchor": "end", "font-size": 11, fill: "#444" }, tick < -3 || tick > 5 ? "1e" + tick : String(Number((10 ** tick).toPrecision(3)))));
      picture.append(svg("line", { x1: left, x2: width - right, y1: y(10 ** tick), y2: y(10 ** tick), stroke: "#ddd", "stroke-width": 0.5 }));
    }
    let last = -Infinity;
    for (const seconds of [1, 3, 10, 30, 60, 120, 300, 600, 1800]) {
      const at = Math.log10(seconds);
      if (at < low || at > high || x(seconds) - last < 36) continue;
      last = x(seconds);
      picture.append(svg("text", { x: x(seconds), y: height - bottom + 16, "text-anchor": "middle", "font-size": 11, fill: "#444" }, seconds + " s"));
    }
    picture.append(svg("text", { x: (left + width) / 2, y: height - 8, "text-anchor": "middle", "font-size": 12, fill: "#222" }, "99 % of hangs are detected within"));
    picture.append(svg("text", { x: 14, y: height / 2, "text-anchor": "middle", "font-size": 12, fill: "#222", transform: "rotate(-90 14 " + height / 2 + ")" }, "false kills of a serving pod per year, at most"));
    if (selected && selected.p99Seconds !== null && selected.atMost !== null) {
      picture.append(svg("circle", { cx: x(selected.p99Seconds), cy: y(selected.atMost), r: 7, fill: "none", stroke: "#d55e00", "stroke-width": 3 }));
    }
    scatter.append(picture);
    pointAt(picture);
  }

  let drawnAt = 0;
  new ResizeObserver(() => { // its letters keep their size
    if (scatter.clientWidth === drawnAt) return;
    drawnAt = scatter.clientWidth;
    draw(find("liveness"));
  }).observe(scatter);

  controls.addEventListener("submit", (event) => event.preventDefault());
  for (const kind of ["liveness", "readiness"]) {
    if (!state[kind] || grid.tables[0][kind].length === 0) {
      state[kind] = null;
      continue;
    }
    controls.append(sliders(kind));
  }
  controls.append(...limits());
  update();
})();
