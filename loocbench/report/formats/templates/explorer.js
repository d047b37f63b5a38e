"use strict";
(() => {
  const source = document.getElementById("explorer-data");
  if (!source) return;
  const make = (name, text = "", type = "") => {
    const one = document.createElement(name);
    if (text) one.textContent = text;
    if (type) one.className = type;
    return one;
  };

  const start = (box, data) => {
    const strip = box.querySelector(".queries");
    const rows = box.querySelector(".spaces");
    const [first, second] = [box.querySelector(".first"), box.querySelector(".second")];
    const nameOf = (row) => data.names[row] || `#${row}`;
    const titleOf = (space) => `${space.model}, ${space.features}`;
    const describe = (row) =>
      [nameOf(row), ...(data.captions[row] || []).map((text, place) => `${data.labels[place]}: ${text}`)].join(", ");
    const picture = (row) => {
      const frame = make("div", "", "picture");
      if (data.thumbnails[row]) {
        const image = make("img");
        image.src = data.thumbnails[row];
        image.alt = describe(row);
        frame.append(image);
      } else frame.textContent = `#${row}`;
      return frame;
    };
    const spaceOf = (select) => data.spaces[Number(select.value)];
    let current = 0;

    // How many of the neighbours share each of the kinds with the query: "species 5 of 8, color 3 of 8".
    const count = (space) =>
      data.kinds
        .map((kind, place) => [kind, space.shared[current][place]])
        .filter(([, values]) => values)
        .map(([kind, values]) => `${kind} ${values.reduce((sum, one) => sum + one, 0)} of ${values.length}`)
        .join(", ");

    const showSpace = (space, other) => {
      const part = make("div", "", "space");
      const seeds = space.seeds > 1 ? ` (the first of ${space.seeds} seeds)` : "";
      part.append(make("p", `${space.features}${seeds}: shares ${count(space)}`));
      const list = make("ol", "", "neighbours");
      space.nearest[current].forEach((row, place) => {
        const item = make("li", "", "neighbour");
        const marks = space.shared[current].map((values) => values && values[place]);
        const known = marks.filter((mark) => mark !== null);
        item.classList.toggle("right", known.length > 0 && known.every(Boolean));
        item.append(picture(row));
        (data.captions[row] || [nameOf(row)]).forEach((text) => item.append(make("div", text)));
        const shared = data.kinds.filter((_, kind) => marks[kind]);
        const asked = data.kinds.filter((_, kind) => marks[kind] !== null); // other labels are shown, and not compared
        item.append(make("div", shared.length ? `✓ ${shared.join(", ")}` : `shares none of ${asked.join(", ")}`));
        if (other && !other.nearest[current].includes(row)) {
          item.classList.add("only");
          item.append(make("div", "only here"));
        }
        list.append(item);
      });
      part.append(list);
      return part;
    };

    const showAll = () => {
      const [one, another] = [spaceOf(first), spaceOf(second)];
      const differ = one !== another;
      const groups = new Map();
      for (const space of data.spaces) {
        const other = !differ ? null : space === one ? another : space === another ? one : null;
        if (!groups.has(space.model)) groups.set(space.model, [make("h4", space.model)]);
        groups.get(space.model).push(showSpace(space, other));
      }
      rows.replaceChildren(...[...groups.values()].flat());
      const both = one.nearest[current].filter((row) => another.nearest[current].includes(row)).length;
      box.querySelector(".difference").textContent = differ
        ? `Of ${one.nearest[current].length} neighbours, ${both} are the same. ` +
          `${titleOf(one)} shares ${count(one)}; ${titleOf(another)} shares ${count(another)}.`
        : "";
      const query = data.queries[current];
      const text = make("div");
      for (const line of describe(query).split(", ")) text.append(make("div", line));
      box.querySelector(".query").replaceChildren(picture(query), text);
    };

    const options = data.queries.map((row, place) => {
      const option = make("div");
      option.setAttribute("role", "option");
      option.setAttribute("aria-label", describe(row));
      option.append(...picture(row).childNodes);
      option.addEventListener("click", () => choose(place));
      strip.append(option);
      return option;
    });
    const choose = (place, focus = true) => {
      current = place;
      options.forEach((option, other) => {
        option.setAttribute("aria-selected", String(other === place));
        option.tabIndex = other === place ? 0 : -1;
      });
      if (focus) options[place].focus();
      showAll();
    };
    strip.addEventListener("keydown", (event) => {
      const last = options.length - 1;
      const steps = {
        ArrowRight: Math.min(current + 1, last), ArrowDown: Math.min(current + 1, last),
        ArrowLeft: Math.max(current - 1, 0), ArrowUp: Math.max(current - 1, 0), Home: 0, End: last,
      };
      if (event.key in steps) {
        event.preventDefault();
        choose(steps[event.key]);
      } else if (event.key === "Enter") {
        event.preventDefault();
        first.focus();
      }
    });
    for (const [select, place] of [[first, 0], [second, Math.min(1, data.spaces.length - 1)]]) {
      data.spaces.forEach((space, number) => {
        const option = make("option", titleOf(space));
        option.value = String(number);
        select.append(option);
      });
      select.value = String(place);
      select.addEventListener("input", showAll);
    }
    box.querySelector(".pair").hidden = data.spaces.length < 2;
    choose(0, false);
  };

  JSON.parse(source.textContent).forEach((data, number) => {
    if (data.queries.length) start(document.querySelector(`[data-explorer="${number}"]`), data);
  });
})();
