"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const radius = Math.max(6, Math.min(16, 200 / Math.sqrt(data.names.length)));
const sheet = document.getElementById("sheet");
const picture = document.getElementById("picture").getContext("2d");
const maps = [...document.querySelectorAll("svg[data-space]")];
const dots = [];  // by map, then by image
let factor = 0;

function outline(shape, r) {
  if (shape === "^") return `M0 ${-1.2 * r}L${1.1 * r} ${0.8 * r}L${-1.1 * r} ${0.8 * r}Z`;
  if (shape === "s") return `M${-0.9 * r} ${-0.9 * r}h${1.8 * r}v${1.8 * r}h${-1.8 * r}Z`;
  return `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
}

function describe(image) {
  const labels = data.factors.filter((one) => one.values[image] >= 0)
    .map((one) => `${one.name}: ${one.classes[one.values[image]]}`);
  return [data.names[image], ...labels];
}

function show(image) {
  dots.forEach((own) => own.forEach((dot, other) => dot.classList.toggle("marked", other === image)));
  const size = data.thumbnail;
  const left = (image % data.columns) * size, top = Math.floor(image / data.columns) * size;
  picture.imageSmoothingEnabled = false;
  picture.drawImage(sheet, left, top, size, size, 0, 0, 128, 128);
  const caption = document.getElementById("caption");
  caption.replaceChildren(...describe(image).map((text) => {
    const line = document.createElement("div");
    line.textContent = text;
    return line;
  }));
  const shown = document.getElementById("shown");
  shown.dataset.image = image;
  shown.hidden = false;
}

function hide() {
  document.getElementById("shown").hidden = true;
  dots.flat().forEach((dot) => dot.classList.remove("marked"));
}

// The nearest dot within 45 degrees of a direction; there may be none.
function neighbour(space, image, [dx, dy]) {
  const places = data.spaces[space], [x, y] = places[image];
  let best = -1, least = Infinity;
  places.forEach(([u, v], other) => {
    const along = (u - x) * dx + (v - y) * dy, across = Math.abs((u - x) * dy) + Math.abs((v - y) * dx);
    if (along > 0 && across <= along && along + across < least) [best, least] = [other, along + across];
  });
  return best;
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

maps.forEach((map, space) => {
  const own = data.spaces[space].map(([x, y], image) => {
    const dot = document.createElementNS(SVG, "path");
    dot.setAttribute("transform", `translate(${x} ${y})`);
    dot.setAttribute("tabindex", image ? "-1" : "0");
    dot.setAttribute("role", "img");
    dot.setAttribute("aria-label", describe(image).join(", "));
    dot.addEventListener("pointerenter", () => show(image));
    dot.addEventListener("focus", () => {
      own.forEach((other) => other.setAttribute("tabindex", other === dot ? "0" : "-1"));
      show(image);
    });
    dot.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return hide();
      if (!(event.key in STEPS)) return undefined;
      event.preventDefault();
      const next = neighbour(space, image, STEPS[event.key]);
      if (next >= 0) own[next].focus();
      return undefined;
    });
    map.append(dot);
    return dot;
  });
  dots.push(own);
});

function colour() {
  const one = data.factors[factor];
  const styles = new Map((one ? one.legend : []).map((entry) => [entry.place, entry]));
  const grey = { color: "#B8B8B8", edge: "none", shape: "o" };
  dots.forEach((own) => own.forEach((dot, image) => {
    const style = (one && styles.get(one.places[image])) || grey;
    dot.setAttribute("d", outline(style.shape, radius));
    dot.setAttribute("fill", style.color);
    dot.setAttribute("stroke", style.edge);
  }));
  const legend = document.getElementById("legend");
  if (!legend) return;
  legend.replaceChildren(...one.legend.map((entry) => {
    const item = document.createElement("li"), icon = document.createElementNS(SVG, "svg");
    const mark = document.createElementNS(SVG, "path");
    icon.setAttribute("viewBox", "-10 -10 20 20");
    icon.setAttribute("aria-hidden", "true");
    mark.setAttribute("d", outline(entry.shape, 7));
    mark.setAttribute("fill", entry.color);
    mark.setAttribute("stroke", entry.edge);
    icon.append(mark);
    item.append(icon, entry.text);
    return item;
  }));
}

document.getElementById("factor")?.addEventListener("change", (event) => {
  factor = Number(event.target.value);
  colour();
});
colour();
