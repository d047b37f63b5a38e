"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  for (const form of all("form.filters")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  // Light or dark theme: the system's, until the switch is used.
  const theme = document.getElementById("theme");
  const themes = ["automatic", "light", "dark"];
  let current = 0;
  theme.hidden = false;
  theme.addEventListener("click", () => {
    current = (current + 1) % themes.length;
    theme.textContent = `Theme: ${themes[current]}`;
    if (current) document.documentElement.dataset.theme = themes[current];
    else delete document.documentElement.dataset.theme;
  });

  // A long table draws its first lines; the rest when they are asked for. Sorting and filters work over all of them.
  const first = Number(document.currentScript.dataset.firstLines);
  const drawers = new Map();
  const drawLines = (table) => drawers.get(table)();
  const number = new Intl.NumberFormat("en");
  for (const table of all("table.grid")) {
    const box = document.createElement("p");
    box.className = "rest";
    const text = document.createElement("span");
    text.setAttribute("aria-live", "polite");
    let most = first;
    const addButton = (more) => {
      const button = document.createElement("button");
      button.type = "button";
      button.addEventListener("click", () => {
        most += more;
        drawLines(table);
      });
      box.append(button);
      return button;
    };
    box.append(text);
    addButton(first).textContent = `Show ${number.format(first)} more`;
    const everyLine = addButton(Infinity);
    drawers.set(table, () => {
      const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden && !row.classList.contains("scale"));
      rows.forEach((row, place) => row.classList.toggle("later", place >= most));
      text.textContent = `${number.format(most)} of ${number.format(rows.length)} lines are drawn; sorting and filters use all of them.`;
      everyLine.textContent = `Show all ${number.format(rows.length)}`;
      box.hidden = rows.length <= most;
    });
    if (table.tBodies[0].rows.length > first) table.parentElement.after(box);
    drawLines(table);
  }

  // Sorting: figures best first, text from A; a second click reverses. Lines of the scale stay at the bottom.
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    if (!cell.classList.contains("text") && cell.tagName !== "TH") return null;
    const text = cell.textContent.trim();
    const plain = text.replace("−", "-").replace(/^< /, "");
    return plain !== "" && !Number.isNaN(Number(plain)) ? Number(plain) : text;
  };
  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number"
      ? one - other
      : String(one).localeCompare(String(other), "en", { numeric: true });
  for (const table of all("table.grid")) {
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    const body = table.tBodies[0];
    heads.forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const figures = head.dataset.direction !== undefined;
        const best = figures && head.dataset.direction !== "-1" ? "descending" : "ascending";
        const before = head.getAttribute("aria-sort");
        const order = before === best ? (best === "ascending" ? "descending" : "ascending") : best;
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", order);
        const rows = [...body.rows].filter((row) => !row.classList.contains("scale"));
        const sign = order === "ascending" ? 1 : -1;
        rows
          .map((row, place) => ({ row, place, key: key(row, column) }))
          .sort((a, b) => {
            if ((a.key === null) !== (b.key === null)) return a.key === null ? 1 : -1;
            return sign * compare(a.key, b.key) || a.place - b.place;
          })
          .forEach(({ row }) => body.append(row));
        for (const row of all("tr.scale", body)) body.append(row);
        drawLines(table);
      });
    });
  }

  // Filters of the measured table.
  const table = document.getElementById("table-measured");
  const find = document.getElementById("find");
  const features = document.getElementById("features");
  const data = document.getElementById("data");
  const every = document.getElementById("every");
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...table.tBodies[0].rows].filter((row) => !row.classList.contains("scale"));
    let shown = 0;
    for (const row of rows) {
      const text = words.length ? all("th, td.text", row).map((cell) => cell.textContent).join(" ").toLowerCase() : "";
      const wanted = words.every((word) => text.includes(word)) &&
        (!features || !features.value || row.dataset.features === features.value);
      if (row.hidden === wanted) row.hidden = !wanted;
      shown += wanted;
    }
    if (data) {
      const few = every && !every.checked && !data.value; // a data set that was chosen shows all of its columns
      for (const cell of all("tr:last-child [data-group], tbody [data-group]", table)) {
        const hidden = (Boolean(data.value) && cell.dataset.group !== data.value) || (few && "more" in cell.dataset);
        if (cell.hidden !== hidden) cell.hidden = hidden;
      }
      // A group's heading is as wide as those of its columns that are shown.
      const heads = all("thead tr:last-child [data-group]", table);
      for (const group of all("thead tr:first-child [data-group]", table)) {
        const own = heads.splice(0, Number(group.dataset.span));
        const left = own.filter((head) => !head.hidden).length;
        group.hidden = left === 0;
        group.colSpan = Math.max(left, 1);
      }
    }
    drawLines(table);
    document.getElementById("count").textContent = `${number.format(shown)} of ${number.format(rows.length)} lines`;
  };
  for (const control of [find, features, data, every]) if (control) control.addEventListener("input", filter);
  filter();

  // Two galleries side by side.
  const choices = all(".gallery-choice");
  const show = () => {
    const chosen = choices.map((choice) => choice.value);
    const figures = all("[data-gallery]");
    for (const figure of figures) figure.hidden = !chosen.includes(figure.dataset.gallery);
    const box = figures.length ? figures[0].parentElement : null;
    for (const number of chosen) {
      const figure = figures.find((one) => one.dataset.gallery === number);
      if (figure) box.append(figure);
    }
  };
  if (choices.length) {
    for (const choice of choices) choice.addEventListener("input", show);
    show();
  }
})();
